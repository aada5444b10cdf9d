import { shift, type Offset } from './calendar';
import { dayWritten, withoutDates, type WrittenDate } from './dateText';
import { readForm } from './forms';
import { cardinalPattern, lengthText, offsetOf } from './numbers';

/** A day that the question fixes, and the words it does so with. */
export interface Derivation {
  /** As a step names it: `today`, `the harvest`. */
  readonly subject: string;
  /** The question's words, without final period, that a step repeats after "If". */
  readonly premise: string;
  readonly day: number;
  /** The day that the premise counts from, where that has to be worked out first. */
  readonly needs: string | undefined;
}

export interface Question {
  /** The sentences before the last one, which asks. */
  readonly facts: string;
  readonly today: number;
  /** Other days that the question fixes, by lower-case name: `the harvest`, `her birthday`. */
  readonly named: ReadonlyMap<string, number>;
  /** What has to be worked out before the asked day, in order. */
  readonly derivations: readonly Derivation[];
  /** `one week from today`, as asked. */
  readonly asked: string;
  readonly target: number;
  /** Whether the facts are several of the generator's sentences: a premise is then one of them, word for word. */
  readonly chained: boolean;
}

const askPhrase = /^([\s\S]*?)\s*What is the date (.+?) in MM\/DD\/YYYY\?$/;
const lengthPhrase = String.raw`(${cardinalPattern}) (hour|day|week|month|year)s?`;
const relative = new RegExp(String.raw`^${lengthPhrase} (ago|before|from|after|later)(?: (?:of |from )?(.+))?$`, 'i');

const nearDays: ReadonlyMap<string, number> = new Map([
  ['today', 0],
  ['tomorrow', 1],
  ['yesterday', -1],
  ['the day before yesterday', -2],
  ['the day after tomorrow', 2],
]);

/** What words may name: today, days the question names, dates written in the words (each replaced by `#`). */
export interface Days {
  readonly today: number;
  readonly named: ReadonlyMap<string, number>;
}

/** Words for a day without what adds nothing: `So the date of today's` is `today`. */
export const bareName = (words: string): string =>
  words
    .trim()
    .toLowerCase()
    .replace(/^so /, '')
    .replace(/ in mm\/dd\/yyyy$/, '')
    .replace(/, (?:the date|it)$/, '')
    .replace(/'s date$/, '')
    .replace(/^the (?:current )?date(?: of)?(?: |$)/, '')
    .replace(/^$|^(?:it|now)$/, 'today')
    .trim();

/** The day that words such as `10 days before #` or `yesterday's date` stand for; undefined where they name none. */
export const dayNamed = (words: string, dates: readonly WrittenDate[], days: Days): number | undefined => {
  const bare = bareName(words);
  const near = nearDays.get(bare);
  if (near !== undefined) return days.today + near;
  if (bare === '#') return dates[0] && dayWritten(dates[0]);
  const [, count, unit, direction = '', from] = relative.exec(bare) ?? [];
  if (count !== undefined && unit !== undefined) {
    const base = from === undefined ? days.today : dayNamed(from, dates, days);
    const offset = offsetOf(count, unit);
    if (base === undefined || offset === undefined) return undefined;
    const back = direction === 'ago' || direction === 'before';
    return shift(base, back ? { ...offset, count: -offset.count } : offset);
  }
  return days.named.get(bare) ?? days.named.get(`the ${bare}`);
};

export const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

const ownFact = /^(The [a-z ]+|Today|Tomorrow|Yesterday) (?:is|was)(?: on)? (.+)\.$/;
const ownLink = new RegExp(String.raw`^${lengthPhrase} (after|before) (the [a-z ]+)$`);

export type ReadFacts = Pick<Question, 'today' | 'named' | 'derivations'>;

/** Reads the generator's own sentences: a fact a sentence, each of a date or of a day named before. */
const readOwn = (facts: string): ReadFacts | undefined => {
  const named = new Map<string, number>();
  const derivations: Derivation[] = [];
  let today: number | undefined;
  for (const sentence of facts.split(/(?<=\.) /)) {
    const [, who, what] = ownFact.exec(sentence) ?? [];
    if (who === undefined || what === undefined || today !== undefined) return undefined;
    const near = nearDays.get(who.toLowerCase());
    const subject = near === undefined ? `t${who.slice(1)}` : 'today';
    if (named.has(subject)) return undefined;
    const { form, dates } = withoutDates(what);
    const date = dates[0];
    const [, count, unit, direction, from] = ownLink.exec(what) ?? [];
    const offset = count === undefined || unit === undefined ? undefined : offsetOf(count, unit);
    const base = form === '#' ? date && dayWritten(date) : from === undefined ? undefined : named.get(from);
    if (base === undefined || (form !== '#' && offset === undefined)) return undefined;
    const moved = offset ? shift(base, direction === 'before' ? { ...offset, count: -offset.count } : offset) : base;
    const day = moved - (near ?? 0);
    if (near === undefined) named.set(subject, day);
    else today = day;
    const given = date?.form === 'plain' && (near ?? 0) === 0;
    const premise = sentence.slice(0, -1);
    const needs = derivations.find((derivation) => derivation.subject === from)?.subject;
    if (!given) derivations.push({ subject, premise: lowerFirst(premise), day, needs });
  }
  return today === undefined ? undefined : { today, named, derivations };
};

/** Reads a question; undefined where its facts or what it asks are in no known form. */
export const readQuestion = (question: string): Question | undefined => {
  const [, facts, asked] = askPhrase.exec(question) ?? [];
  if (facts === undefined || asked === undefined) return undefined;
  const own = readOwn(facts);
  const read = own ?? readForm(facts);
  if (read === undefined) return undefined;
  const target = dayNamed(asked, [], read);
  return target === undefined
    ? undefined
    : { facts, asked, ...read, target, chained: own !== undefined && facts.includes('. ') };
};

/** How the generator asks: `tomorrow`, `one week from today`, `10 days ago`. */
export const askedText = (offset: Offset): string => {
  const { count, unit } = offset;
  if (count === 0) return 'today';
  if (unit === 'day' && Math.abs(count) === 1) return count > 0 ? 'tomorrow' : 'yesterday';
  return count > 0 ? `${lengthText(offset)} from today` : `${lengthText(offset)} ago`;
};
