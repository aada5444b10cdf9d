import * as fc from 'fast-check';
import {
  dateOf,
  dayOf,
  daysInMonth,
  isDate,
  isLeap,
  nthWeekday,
  shift,
  weekdayOf,
} from '../../src/tasks/dateUnderstanding/calendar';

/** The platform's calendar, as an oracle: milliseconds of a proleptic Gregorian day. */
const oracle = (year: number, month: number, day: number): Date => {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
};

const firstDay = oracle(1, 1, 1).getTime();
const days = fc.integer({ min: 1, max: dayOf({ year: 9999, month: 12, day: 31 }) });

test('known days', () => {
  expect(dayOf({ year: 1, month: 1, day: 1 })).toBe(1);
  expect(dayOf({ year: 1970, month: 1, day: 1 })).toBe(719_163);
  expect(dayOf({ year: 9999, month: 12, day: 31 })).toBe(3_652_059);
  // Armistice, a Monday; the moon landing, a Sunday; the first day of the calendar, a Monday.
  expect(weekdayOf(dayOf({ year: 1918, month: 11, day: 11 }))).toBe(1);
  expect(weekdayOf(dayOf({ year: 1969, month: 7, day: 20 }))).toBe(0);
  expect(weekdayOf(1)).toBe(1);
});

test('every day is the platform’s, there and back', () => {
  fc.assert(
    fc.property(days, (day) => {
      const date = dateOf(day);
      const expected = new Date(firstDay + (day - 1) * 86_400_000);
      expect([date.year, date.month, date.day]).toEqual([
        expected.getUTCFullYear(),
        expected.getUTCMonth() + 1,
        expected.getUTCDate(),
      ]);
      expect(weekdayOf(day)).toBe(expected.getUTCDay());
      expect(dayOf(date)).toBe(day);
      expect(isDate(date)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('leap years and lengths of months', () => {
  expect([1900, 2000, 2004, 2100].map(isLeap)).toEqual([false, true, true, false]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1, max: 12 }), (year, month) => {
      expect(daysInMonth(year, month)).toBe(oracle(year, month + 1, 0).getUTCDate());
      expect(isDate({ year, month, day: daysInMonth(year, month) + 1 })).toBe(false);
    }),
  );
});

test('a month or year on keeps the day of the month where there is one', () => {
  const day = (year: number, month: number, on: number): number => dayOf({ year, month, day: on });
  expect(shift(day(2012, 1, 31), { count: 1, unit: 'month' })).toBe(day(2012, 2, 29));
  expect(shift(day(2012, 2, 29), { count: 1, unit: 'year' })).toBe(day(2013, 2, 28));
  expect(shift(day(2012, 3, 31), { count: -13, unit: 'month' })).toBe(day(2011, 2, 28));
  expect(shift(day(1999, 12, 25), { count: 1, unit: 'week' })).toBe(day(2000, 1, 1));
  const months = fc.integer({ min: -240, max: 240 });
  fc.assert(
    fc.property(fc.integer({ min: 200_000, max: 3_000_000 }), months, (from, count) => {
      const [a, b] = [dateOf(from), dateOf(shift(from, { count, unit: 'month' }))];
      expect(b.year * 12 + b.month - (a.year * 12 + a.month)).toBe(count);
      expect(b.day).toBe(Math.min(a.day, daysInMonth(b.year, b.month)));
      expect(shift(from, { count, unit: 'year' })).toBe(shift(from, { count: 12 * count, unit: 'month' }));
    }),
  );
});

test('the n-th weekday of a month', () => {
  const november = (year: number): readonly [number, number] => [
    dayOf({ year, month: 11, day: 1 }),
    dayOf({ year, month: 11, day: 30 }),
  ];
  const thanksgiving = (year: number) => nthWeekday(...november(year), 4, 4);
  expect([2001, 2002, 2024].map((year) => dateOf(thanksgiving(year) ?? 0).day)).toEqual([22, 28, 28]);
  expect(nthWeekday(...november(2001), 4, 6)).toBeUndefined();
  expect(dateOf(nthWeekday(...november(2001), 5, 'last') ?? 0).day).toBe(30);
});
