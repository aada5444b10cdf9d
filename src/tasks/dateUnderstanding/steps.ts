import { cardinalNumber } from './numbers';
import { withoutDates, type WrittenDate } from './dateText';
import { bareName, dayNamed, type Question } from './question';

/** What a step says. */
export type Step =
  /** `If <premise>, then <name> is <date>, that is <date>.`, the premise and further dates where there are any. */
  | {
      readonly kind: 'claim';
      readonly premise: string | undefined;
      /** `today`, `the harvest`, `one week from today`, without what adds nothing. */
      readonly name: string;
      /** The day that the name stands for in the question; undefined where the question has no such day. */
      readonly day: number | undefined;
      /** The dates that the step gives it; at least one. */
      readonly dates: readonly WrittenDate[];
    }
  /** A sentence of the question, word for word. */
  | { readonly kind: 'quotation' };

const claimPattern =
  /^(.+?) (?:is|was)(?: now| on| really| actually)* (#(?:,? that is,? #)*)(?:, and that is the correct date)?\.$/i;
/** Where a claim may begin after its premise. */
const joints = /, then |\. then | then |, /gi;
const noun = /^(?:the|her|his) [a-z]+(?: [a-z]+)?$/;

const sentences = (text: string): readonly string[] => text.split(/(?<=\.) /);

const readClaim = (
  text: string,
  question: Question,
): Omit<Step & { readonly kind: 'claim' }, 'kind' | 'premise'> | undefined => {
  const { form, dates } = withoutDates(text);
  const words = claimPattern.exec(form)?.[1];
  if (words === undefined) return undefined;
  const own = words.split('#').length - 1;
  const day = dayNamed(words, dates.slice(0, own), question);
  const name = bareName(words);
  return day === undefined && !noun.test(name) ? undefined : { name, day, dates: dates.slice(own) };
};

/**
 * Reads a step's text against its question; undefined where it says nothing that can be checked. Of the places where
 * the claim may begin, the first that leaves a claim about a day of the question is taken.
 */
export const readStep = (text: string, question: Question): Step | undefined => {
  if (sentences(question.facts).includes(text)) return { kind: 'quotation' };
  const places = [{ at: 0, from: 0 }];
  for (const joint of text.matchAll(joints)) places.push({ at: joint.index, from: joint.index + joint[0].length });
  const read = places.flatMap(({ at, from }) => {
    const claim = readClaim(text.slice(from), question);
    const premise = from === 0 ? undefined : text.slice(0, at);
    return claim ? [{ kind: 'claim' as const, premise, ...claim }] : [];
  });
  return read.find(({ day }) => day !== undefined) ?? read[0];
};

const basic = new Set(
  `a actual actually after and before but correct date day days he her his if in is it its month now of on really s
  she since so that the then there this to today tomorrow was week will year yesterday`.split(/\s+/),
);

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[a-z]+|\d+/g) ?? [];

const canonical = (word: string): string => String(word === 'a' ? word : (cardinalNumber(word) ?? word));

/** Whether two long words differ by at most two letters put in, left out or exchanged: a corrected misspelling. */
const isNear = (a: string, b: string): boolean => {
  if (Math.min(a.length, b.length) < 5 || Math.abs(a.length - b.length) > 2 || /\d/.test(a + b)) return false;
  const short = (a.length < b.length ? a : b).split('');
  const long = (a.length < b.length ? b : a).split('');
  let kept = 0;
  for (const letter of long) if (letter === short[kept]) kept += 1;
  const sameLetters = [...short].sort().join('') === [...long].sort().join('');
  return kept >= short.length - (sameLetters ? 3 : 1) || sameLetters;
};

const sameDate = (a: WrittenDate, b: WrittenDate): boolean =>
  a.month === b.month &&
  a.day === b.day &&
  (a.year === undefined || b.year === undefined || a.year === b.year) &&
  (a.weekday === undefined || a.weekday === b.weekday);

/**
 * The first thing in a premise that the question does not say: a date, a number or a word. The meaning of the premise is
 * not looked into.
 */
export const foreignIn = (
  premise: string,
  question: Question,
  isKnownDay: (date: WrittenDate) => boolean,
): string | undefined => {
  const given = withoutDates(question.facts);
  const stated = withoutDates(premise);
  const date = stated.dates.find((each) => !given.dates.some((other) => sameDate(each, other)) && !isKnownDay(each));
  if (date) return date.text;
  const known = wordsOf(question.facts).map(canonical);
  return wordsOf(stated.form).find((word) => {
    const own = canonical(word);
    return !basic.has(own) && !known.includes(own) && !known.some((other) => isNear(own, other));
  });
};
