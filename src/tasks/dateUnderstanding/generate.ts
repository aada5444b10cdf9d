import type { Json } from '../../../events/digest';
import { draws } from '../../../projections/random';
import { letterAt, writeChoices } from '../choices';
import { ConfigError, fieldsOf, integerAt, listAt, rangeAt } from '../configFields';
import { DrawQueue } from '../drawQueue';
import type { Cell, GeneratedProblem, Problem } from '../task';
import { dateOf, daysInMonth, dayOf, isDate, nthWeekday, shift, weekdayOf, type Offset } from './calendar';
import { monthNames, named, slashed, weekdayNames } from './dateText';
import { lengthText, ordinalText } from './numbers';
import { askedText, readQuestion } from './question';
import { stepsOf } from './solution';

export interface Config {
  /** The years that the first date of a problem lies in. */
  readonly years: { readonly from: number; readonly to: number };
  /** Steps of the gold rationale, one cell each. */
  readonly seen: readonly number[];
  readonly unseen: readonly number[];
}

/** The paper's grid: 1 or 2 steps seen, 3 or more unseen. */
export const paperConfig: Config = { years: { from: 1900, to: 2050 }, seen: [1, 2], unseen: [3, 4, 5] };

/** The cell by reasoning steps of the gold rationale: 1 or 2 are trained on. */
export const cellBySteps = (steps: number): Cell => ({
  name: steps > 2 ? '3+ steps' : '1-2 steps',
  seen: steps <= 2,
});

/** Things that happen on a day. */
const events =
  `the audit, the auction, the ceremony, the concert, the eclipse, the exhibition, the fair, the ferry trip,
the final match, the flood, the harvest, the inspection, the launch, the lecture, the marathon, the move, the opening,
the parade, the premiere, the regatta, the rehearsal, the repair, the storm, the survey, the trial, the vote, the walk,
the wedding, the workshop`
    .replaceAll('\n', ' ')
    .split(', ');

/** Reads a configuration; every field may be absent and is then the paper's. Throws a ConfigError. */
export const readConfig = (config: Json): Config => {
  const fields = fieldsOf(config, 'the configuration', ['years', 'seen', 'unseen']);
  const steps = (field: 'seen' | 'unseen'): readonly number[] =>
    fields[field] === undefined
      ? paperConfig[field]
      : listAt(fields[field], field).map((count, i) => integerAt(count, `${field}[${i}]`, 1, 12));
  const years = fields['years'] === undefined ? paperConfig.years : rangeAt(fields['years'], 'years', 1000, 9000);
  const read = { years, seen: steps('seen'), unseen: steps('unseen') };
  const both = read.seen.find((count) => read.unseen.includes(count));
  if (both !== undefined) throw new ConfigError(`${both} steps cannot be both seen and unseen`);
  return read;
};

/** The cell of a problem under the paper's grid; a question in no known form is in a cell of its own. */
export const cellOf = (problem: Problem): Cell => {
  const question = readQuestion(problem.question);
  return question ? cellBySteps(stepsOf(question)) : { name: 'other', seen: false };
};

/** What two problems must not share: the facts, whatever is asked about them. */
export const factsOf = ({ question }: Problem): string => question.replace(/ What is the date .*$/, '');

const drawOffset = (queue: DrawQueue): Offset => {
  const unit = queue.pick(['day', 'week', 'month', 'year'] as const);
  const most = { day: 60, week: 8, month: 11, year: 12 }[unit];
  return { count: queue.between(1, most), unit };
};

const drawDay = (queue: DrawQueue, { years }: Config): number => {
  const year = queue.between(years.from, years.to);
  const month = queue.between(1, 12);
  return dayOf({ year, month, day: queue.between(1, daysInMonth(year, month)) });
};

/** A date in digits or words. */
const plain = (queue: DrawQueue, day: number): string => (queue.integer(2) === 0 ? slashed(day) : named(day));

/** A day by a fact of the calendar, which a step has to turn into a date. */
const drawFact = (queue: DrawQueue, config: Config): string => {
  const { year, month, day } = dateOf(drawDay(queue, config));
  const name = monthNames[month - 1] ?? '';
  const [from, to] = [dayOf({ year, month, day: 1 }), dayOf({ year, month, day: daysInMonth(year, month) })];
  switch (queue.integer(5)) {
    case 0:
      return `the last day of ${name} ${year}`;
    case 1:
      return `the ${ordinalText(queue.between(2, 365))} day of ${year}`;
    case 2:
      return `the last ${weekdayNames[weekdayOf(to - queue.integer(7))] ?? ''} of ${name} ${year}`;
    case 3:
      return `the last day of the ${queue.pick(['first', 'second', 'third', 'fourth'])} quarter of ${year}`;
    default: {
      const weekday = weekdayOf(dayOf({ year, month, day }));
      const nth = queue.pick(['first', 'second', 'third', 'fourth'] as const);
      if (nthWeekday(from, to, weekday, 4) === undefined) throw new Error('a month without a fourth weekday');
      return `the ${nth} ${weekdayNames[weekday] ?? ''} of ${name} ${year}`;
    }
  }
};

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Facts that take so many steps before the asked day: a first date or fact, days counted from it, and today. */
const drawFacts = (queue: DrawQueue, config: Config, steps: number): readonly string[] => {
  if (steps === 0) return [`Today is ${plain(queue, drawDay(queue, config))}.`];
  const direct = steps === 1 ? queue.integer(3) : 2;
  if (direct === 0) return [`Today is ${drawFact(queue, config)}.`];
  if (direct === 1) {
    return [`${queue.pick(['Tomorrow is', 'Yesterday was'])} ${plain(queue, drawDay(queue, config))}.`];
  }
  const isFact = steps > 1 && queue.integer(2) === 0;
  const names = queue.shuffle(events).slice(0, steps - (isFact ? 1 : 0));
  const counted = (): string => `${lengthText(drawOffset(queue))} ${queue.pick(['after', 'after', 'before'])}`;
  const anchor = isFact ? drawFact(queue, config) : plain(queue, drawDay(queue, config));
  const facts = names.map((name, i) => {
    const before = names[i - 1];
    return `${capital(name)} was ${before === undefined ? `on ${anchor}` : `${counted()} ${before}`}.`;
  });
  return [...facts, `Today is ${counted()} ${names.at(-1) ?? ''}.`];
};

const drawAsked = (queue: DrawQueue): Offset => {
  const kind = queue.integer(4);
  if (kind === 0) return { count: queue.integer(3) - 1, unit: 'day' };
  const { count, unit } = drawOffset(queue);
  return { count: kind === 1 ? -count : count, unit };
};

/** Five wrong dates near the right one, as a slip would give them. */
const drawWrong = (queue: DrawQueue, target: number): readonly string[] => {
  const { year, month, day } = dateOf(target);
  const swapped = { year, month: day, day: month };
  const near = [
    target + 1,
    target - 1,
    shift(target, { count: 1, unit: 'month' }),
    shift(target, { count: -1, unit: 'month' }),
    shift(target, { count: 1, unit: 'year' }),
    shift(target, { count: -1, unit: 'year' }),
    shift(target, { count: 1, unit: 'week' }),
    target + queue.between(10, 40),
    ...(isDate(swapped) ? [dayOf(swapped)] : []),
  ];
  const others = [...new Set(near)].filter((other) => other !== target);
  return queue.shuffle(others).slice(0, 5).map(slashed);
};

/** The index-th problem: steps in turn; the facts, what is asked and the order of six options drawn. */
export const generate = (config: Json, seed: number, cells: 'seen' | 'unseen', index: number): GeneratedProblem => {
  const read = readConfig(config);
  const steps = read[cells][index % read[cells].length] ?? 1;
  const queue = new DrawQueue(draws(['date-understanding', seed, cells, index]));
  const facts = drawFacts(queue, read, steps - 1);
  const question = `${facts.join(' ')} What is the date ${askedText(drawAsked(queue))} in MM/DD/YYYY?`;
  const target = readQuestion(question)?.target;
  if (target === undefined) throw new Error(`date-understanding: the generator cannot read its own "${question}"`);
  const right = slashed(target);
  const options = queue.shuffle([right, ...drawWrong(queue, target)]);
  return {
    question,
    options: writeChoices(options),
    answer: letterAt(options.indexOf(right)),
    cell: { name: cellBySteps(steps).name, seen: cells === 'seen' },
  };
};
