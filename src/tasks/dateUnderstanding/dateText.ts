import { type CalendarDate, dateOf, dayOf, daysInMonth, isDate, nthWeekday } from './calendar';
import { ordinalNumber, ordinalPattern } from './numbers';

/** A date as a text writes it, and where: its characters [start, end). */
export interface WrittenDate {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Absent where the text gives month and day only. */
  readonly year: number | undefined;
  readonly month: number;
  readonly day: number;
  /** Whether there is such a day (without a year: in some year). */
  readonly exists: boolean;
  /** Written as a calendar fact (`the last day of May 2003`) or in digits and names. */
  readonly form: 'plain' | 'fact';
  /** The day of the week that stands before the date, 0 is Sunday. */
  readonly weekday: number | undefined;
}

export const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
export const weekdayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;

// "Feburary" is how the reference data spells it.
const month =
  '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?:uary|ruary|urary|ch|il|e|y|ust|t|tember|ober|ember)?';
const weekday = '(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat)(?:day|sday|nesday|rsday|urday)?';
const ordinal = ordinalPattern;

const written = new RegExp(
  [
    String.raw`(?:\b(?<w>${weekday}),? )?(?:\b(?<m1>\d{1,2})/(?<d1>\d{1,2})(?:/(?<y1>\d{4}))?(?![\d/])|\b(?<m2>${month})\.? (?<d2>\d{1,2})(?:st|nd|rd|th)?\b(?!\d)(?:,? (?<y2>\d{4})\b)?)`,
    String.raw`\bthe (?<n3>${ordinal}|last) day of (?:the (?<q3>${ordinal}) quarter of |(?<m3>${month}) (?:of |in )?)?(?<y3>\d{4})\b`,
    String.raw`\bthe (?<n4>${ordinal}) day of the (?<m4>${ordinal}) month of (?<y4>\d{4})\b`,
    String.raw`\bthe (?<n5>${ordinal}|last) (?<w5>${weekday}) of (?:(?<m5>${month}) (?:of |in )?)?(?<y5>\d{4})\b`,
    String.raw`\b(?<h6>Christmas Eve|Christmas Day|New Year's Day|New Year's Eve|(?:the )?(?:US )?Thanksgiving|the palindrome day) of (?<y6>\d{4})\b`,
  ].join('|'),
  'gi',
);

const monthOf = (name: string): number =>
  monthNames.findIndex((each) => each.slice(0, 3).toLowerCase() === name.slice(0, 3).toLowerCase()) + 1;
export const weekdayNamed = (name: string): number =>
  weekdayNames.findIndex((each) => each.slice(0, 3).toLowerCase() === name.slice(0, 3).toLowerCase());

const none: CalendarDate = { year: 0, month: 0, day: 0 };

/** The day on which MMDDYYYY reads the same backwards. */
const palindrome = (year: number): CalendarDate => {
  const mirrored = String(year).padStart(4, '0').split('').reverse().join('');
  return { year, month: Number(mirrored.slice(0, 2)), day: Number(mirrored.slice(2)) };
};

const holiday = (name: string, year: number): CalendarDate => {
  const november = (day: number): number => dayOf({ year, month: 11, day });
  const lower = name.toLowerCase();
  if (lower.includes('thanksgiving')) return dateOf(nthWeekday(november(1), november(30), 4, 4) ?? 0);
  if (lower.includes('palindrome')) return palindrome(year);
  if (lower.startsWith('new')) return lower.endsWith('eve') ? { year, month: 12, day: 31 } : { year, month: 1, day: 1 };
  return { year, month: 12, day: lower.endsWith('eve') ? 24 : 25 };
};

/** The stretch of months that a day or weekday is counted in. */
const stretch = (year: number, from: number, to: number): readonly [number, number] => [
  dayOf({ year, month: from, day: 1 }),
  dayOf({ year, month: to, day: daysInMonth(year, to) }),
];

const isYear = (year: number): boolean => year >= 1 && year <= 9999;

/** The date of a calendar fact; `none` where there is no such day. */
const factOf = (groups: Readonly<Record<string, string | undefined>>): CalendarDate => {
  const { n3, q3, m3, y3, n4, m4, y4, n5, w5, m5, y5, h6, y6 } = groups;
  const year = Number(y3 ?? y4 ?? y5 ?? y6);
  if (!isYear(year)) return none;
  if (h6 !== undefined) return holiday(h6, year);
  if (n4 !== undefined && m4 !== undefined) {
    return { year, month: ordinalNumber(m4) ?? 0, day: ordinalNumber(n4) ?? 0 };
  }
  const named = m3 ?? m5;
  const quarter = q3 === undefined ? undefined : (ordinalNumber(q3) ?? 0);
  if (quarter !== undefined && (quarter < 1 || quarter > 4)) return none;
  const [first, last] = quarter === undefined ? [1, 12] : [3 * quarter - 2, 3 * quarter];
  const [from, to] = named === undefined ? stretch(year, first, last) : stretch(year, monthOf(named), monthOf(named));
  const word = n3 ?? n5 ?? '';
  const n = word.toLowerCase() === 'last' ? 'last' : (ordinalNumber(word) ?? 0);
  if (n === 0) return none;
  const counted = n === 'last' ? to : from + n - 1;
  const day = w5 === undefined ? counted : nthWeekday(from, to, weekdayNamed(w5), n);
  return day === undefined || day > to ? none : dateOf(day);
};

/** Every date in a text, in order. */
export const readDates = (text: string): readonly WrittenDate[] =>
  [...text.matchAll(written)].map((found): WrittenDate => {
    const groups: Readonly<Record<string, string | undefined>> = found.groups ?? {};
    const { w, m1, d1, y1, m2, d2, y2 } = groups;
    const place = { text: found[0], start: found.index, end: found.index + found[0].length };
    const plain = m1 !== undefined || m2 !== undefined;
    if (!plain) {
      const date = factOf(groups);
      return { ...place, ...date, exists: isDate(date), form: 'fact', weekday: undefined };
    }
    const yearText = y1 ?? y2;
    const year = yearText === undefined ? undefined : Number(yearText);
    const date = { month: m1 === undefined ? monthOf(m2 ?? '') : Number(m1), day: Number(d1 ?? d2) };
    const exists = isDate({ year: year ?? 2000, ...date });
    return { ...place, year, ...date, exists, form: 'plain', weekday: w === undefined ? undefined : weekdayNamed(w) };
  });

/** The day of a whole date; undefined where a part is missing or there is no such day. */
export const dayWritten = ({ year, month: m, day, exists }: WrittenDate): number | undefined =>
  exists && year !== undefined ? dayOf({ year, month: m, day }) : undefined;

/** Whether a written date, whole or without its year, is that day. */
export const isWritten = (date: WrittenDate, day: number): boolean => {
  const { year, month: m, day: d } = dateOf(day);
  return date.exists && date.month === m && date.day === d && (date.year ?? year) === year;
};

/** A text with every date replaced by `#`, its dates beside it. */
export const withoutDates = (text: string): { readonly form: string; readonly dates: readonly WrittenDate[] } => {
  const dates = readDates(text);
  let form = '';
  let at = 0;
  for (const { start, end } of dates) {
    form += `${text.slice(at, start)}#`;
    at = end;
  }
  return { form: form + text.slice(at), dates };
};

const two = (n: number): string => String(n).padStart(2, '0');

/** `03/07/2011`. */
export const slashed = (day: number): string => {
  const { year, month: m, day: d } = dateOf(day);
  return `${two(m)}/${two(d)}/${String(year).padStart(4, '0')}`;
};

/** `March 7, 2011`. */
export const named = (day: number): string => {
  const { year, month: m, day: d } = dateOf(day);
  return `${monthNames[m - 1] ?? ''} ${d}, ${String(year).padStart(4, '0')}`;
};
