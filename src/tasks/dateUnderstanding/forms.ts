import { dayOf, isDate, shift, type Offset } from './calendar';
import { dayWritten, withoutDates, type WrittenDate } from './dateText';
import { cardinalPattern, offsetOf, ordinalNumber, ordinalPattern } from './numbers';
import type { ReadFacts } from './question';

/** What a form makes of its facts. */
interface Fixed {
  readonly today: number | undefined;
  readonly named?: readonly (readonly [string, number | undefined])[];
}

/** One way in which facts fix today. `pattern` is matched against the facts with every date replaced by `#`. */
interface Form {
  readonly pattern: RegExp;
  readonly fix: (found: RegExpExecArray, dates: readonly WrittenDate[]) => Fixed;
}

const length = String.raw`(${cardinalPattern}) (hour|day|week|month|year)s?`;

const moved = (date: WrittenDate | undefined, count: string, unit: string, sign: 1 | -1): number | undefined => {
  const day = date && dayWritten(date);
  const offset = offsetOf(count, unit);
  return day === undefined || offset === undefined ? undefined : shift(day, { ...offset, count: sign * offset.count });
};

const by = (day: number | undefined, offset: Offset): number | undefined =>
  day === undefined ? undefined : shift(day, offset);

/** `3/5` in a year that the facts give elsewhere. */
const inYear = (date: WrittenDate | undefined, year: number): number | undefined => {
  if (!date) return undefined;
  const whole = { year, month: date.month, day: date.day };
  return isDate(whole) && (date.year ?? year) === year ? dayOf(whole) : undefined;
};

const anniversaries: Readonly<Record<string, number>> = { silver: 25, ruby: 40, golden: 50, diamond: 60 };

/** The forms of the BIG-bench data, most particular first. */
const forms: readonly Form[] = [
  {
    // Two people disagree about today, and the text says who is right.
    pattern: /^(\w+) thinks today is #, but (\w+) thinks today is #\. (\w+) is correct\.$/,
    fix: ([, first, , right], dates) => {
      const date = dates[right === first ? 0 : 1];
      return { today: date && dayWritten(date) };
    },
  },
  {
    pattern: new RegExp(String.raw`^\w+ thought today is #, but today is in fact #, which is ${length} later\.$`),
    fix: ([, count = '', unit = ''], [first]) => ({ today: moved(first, count, unit, 1) }),
  },
  {
    pattern: new RegExp(String.raw`^# is like yesterday to \w+, but that is actually ${length} ago\.$`),
    fix: ([, count = '', unit = ''], [date]) => ({ today: moved(date, count, unit, 1) }),
  },
  {
    pattern: new RegExp(String.raw`^It was # ${length} ago\.$`),
    fix: ([, count = '', unit = ''], [date]) => ({ today: moved(date, count, unit, 1) }),
  },
  {
    pattern: /^The day before yesterday was #\.$/,
    fix: (_, [date]) => ({ today: by(date && dayWritten(date), { count: 2, unit: 'day' }) }),
  },
  {
    pattern: /married on #\. (?:It is their (\d+)-year anniversary today|Today is their (\w+) wedding anniversary)\.$/,
    fix: ([, years, metal = ''], [date]) => {
      const count = years === undefined ? anniversaries[metal] : Number(years);
      const married = date && dayWritten(date);
      return { today: count === undefined ? undefined : by(married, { count, unit: 'year' }) };
    },
  },
  {
    pattern: /born on #\. Today is (?:her|his) (\d+)-year-old birthday\.$/,
    fix: ([, years], [date]) => {
      const born = date && dayWritten(date);
      return {
        today: by(born, { count: Number(years), unit: 'year' }),
        named: [
          ['her birthday', born],
          ['his birthday', born],
        ],
      };
    },
  },
  {
    // The month and day of the n-th day at work give the first day.
    pattern: new RegExp(
      String.raw`got (?:her|his) job in (\d{4})\. Today is (?:her|his) (\d+)-year work anniversary\. .*\bon #, (?:her|his) (${ordinalPattern}) day at work`,
    ),
    fix: ([, year, years, nth = ''], [date]) => {
      const first = by(inYear(date, Number(year)), { count: 1 - (ordinalNumber(nth) ?? 1), unit: 'day' });
      return { today: by(first, { count: Number(years), unit: 'year' }) };
    },
  },
  {
    pattern: new RegExp(
      String.raw`on the (${ordinalPattern}) of each month starting from (?:the )?(\w+) of (\d{4})\. It is (?:her|his) (${ordinalPattern}) visit .*today\.$`,
    ),
    fix: ([, day = '', name = '', year = '', nth = '']) => {
      const start = withoutDates(`${name} ${ordinalNumber(day) ?? 0}, ${year}`).dates[0];
      return { today: by(start && dayWritten(start), { count: (ordinalNumber(nth) ?? 1) - 1, unit: 'month' }) };
    },
  },
  {
    // So many things, one used up a day.
    pattern: /^On # \w+ bought (\d+) \w+\. (?:She|He) ate one per day\. Today (?:she|he) ran out of \w+\.$/,
    fix: ([, count], [date]) => ({ today: by(date && dayWritten(date), { count: Number(count), unit: 'day' }) }),
  },
  {
    pattern: new RegExp(String.raw`scheduled to be on #, but was delayed by ${length} to today\.$`),
    fix: ([, count = '', unit = ''], [date]) => ({ today: moved(date, count, unit, 1) }),
  },
  {
    pattern: new RegExp(String.raw`^The deadline is #, which is ${length} away from now\.$`),
    fix: ([, count = '', unit = ''], [date]) => ({ today: moved(date, count, unit, -1) }),
  },
  {
    // The instant so many hours before the year begins lies in the day that began up to 24 hours earlier.
    pattern: /^(\d{4}) is coming in (\d+) hours\.$/,
    fix: ([, year, hours]) => ({
      today: dayOf({ year: Number(year), month: 1, day: 1 }) - Math.ceil(Number(hours) / 24),
    }),
  },
  {
    // Day before month.
    pattern: /put the day before the month .*today is # to them\.$/,
    fix: (_, [date]) => {
      const swapped = date?.year === undefined ? undefined : { year: date.year, month: date.day, day: date.month };
      return { today: swapped && isDate(swapped) ? dayOf(swapped) : undefined };
    },
  },
  {
    pattern: /^Today is #(?:, and it is .* in the year|\. .*\b[A-Z]+) (\d{4})\b.*\.$/,
    fix: ([, year], [date]) => ({ today: inYear(date, Number(year)) }),
  },
  {
    pattern: new RegExp(String.raw`^Today is #\. (\w+'s \w+) will be ${length} later\.$`),
    fix: ([, name = '', count = '', unit = ''], [date]) => {
      const later = moved(date, count, unit, 1);
      const lower = name.toLowerCase();
      return {
        today: date && dayWritten(date),
        named: [
          [lower, later],
          [`${lower} date`, later],
        ],
      };
    },
  },
  {
    pattern: /(?:^|[ ,.])(?:[Tt]omorrow)(?: is)?,? \(?#\)?\.$/,
    fix: (_, dates) => {
      const date = dates.at(-1);
      return { today: by(date && dayWritten(date), { count: -1, unit: 'day' }) };
    },
  },
  {
    pattern: /^Yesterday(?: was|,) #[,.]/,
    fix: (_, [date]) => ({ today: by(date && dayWritten(date), { count: 1, unit: 'day' }) }),
  },
  {
    pattern:
      /^(?:It is # today|This is #|The current local time is [\d:]+ [ap]m of #|Today, #, is .*|\w+ is celebrating #)\.$/,
    fix: (_, [date]) => ({ today: date && dayWritten(date) }),
  },
  {
    pattern: /(?:^|, and |\. )[Tt]oday is #(?:, because [^#]*)?\.$/,
    fix: (_, dates) => {
      const date = dates.at(-1);
      return { today: date && dayWritten(date) };
    },
  },
];

/** Reads facts in one of the forms; undefined where none fits or a date in them does not exist. */
export const readForm = (facts: string): ReadFacts | undefined => {
  const { form, dates } = withoutDates(facts);
  for (const { pattern, fix } of forms) {
    const found = pattern.exec(form);
    if (!found) continue;
    const { today, named = [] } = fix(found, dates);
    if (today === undefined) continue;
    const known = named.flatMap(([name, day]) => (day === undefined ? [] : [[name, day] as const]));
    const premise = facts.replace(/\.$/, '');
    return { today, named: new Map(known), derivations: [{ subject: 'today', premise, day: today, needs: undefined }] };
  }
  return undefined;
};
