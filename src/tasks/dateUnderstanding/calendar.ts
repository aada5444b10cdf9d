/**
 * The proleptic Gregorian calendar as whole days: 1 is 1 January of the year 1. No clock, no time zone.
 * The arithmetic is that of Howard Hinnant, "chrono-compatible low-level date algorithms" (2013): years begin in March,
 * eras of 400 years.
 */
export interface CalendarDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

export type Unit = 'day' | 'week' | 'month' | 'year';

export interface Offset {
  /** Negative: back in time. */
  readonly count: number;
  readonly unit: Unit;
}

export const firstYear = 1;
export const lastYear = 9999;

export const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

export const daysInMonth = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;

/** Whether there is such a day, in the years from 1 to 9999. */
export const isDate = ({ year, month, day }: CalendarDate): boolean =>
  year >= firstYear && year <= lastYear && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);

/** Days from 1 March of the year 0 to 1 January of the year 1. */
const beforeYearOne = 306;

export const dayOf = ({ year, month, day }: CalendarDate): number => {
  const marchYear = month > 2 ? year : year - 1;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - beforeYearOne + 1;
};

export const dateOf = (day: number): CalendarDate => {
  const shifted = day - 1 + beforeYearOne;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1 };
};

/** 0 is Sunday. */
export const weekdayOf = (day: number): number => ((day % 7) + 7) % 7;

/** A month or year on keeps the day of the month, or takes the month's last day where it is shorter. */
export const shift = (day: number, { count, unit }: Offset): number => {
  if (unit === 'day') return day + count;
  if (unit === 'week') return day + 7 * count;
  const from = dateOf(day);
  const months = from.year * 12 + from.month - 1 + count * (unit === 'year' ? 12 : 1);
  const [year, month] = [Math.floor(months / 12), (((months % 12) + 12) % 12) + 1];
  return dayOf({ year, month, day: Math.min(from.day, daysInMonth(year, month)) });
};

/** The n-th weekday of a stretch of days, n from 1, or the last one; undefined where there are not so many. */
export const nthWeekday = (from: number, to: number, weekday: number, n: number | 'last'): number | undefined => {
  const first = from + ((weekday - weekdayOf(from) + 7) % 7);
  const last = to - ((weekdayOf(to) - weekday + 7) % 7);
  const day = n === 'last' ? last : first + 7 * (n - 1);
  return day >= from && day <= to ? day : undefined;
};
