import { readChoices } from '../choices';
import type { Problem } from '../task';
import { allAxes, placesOf, type Axis } from './axes';
import { both, everything, isWithin, mostObjects, setOfConstraint, size } from './orderings';
import type { Constraint, OrderingSet } from './orderings';

/** One of the things that are ordered. */
export interface Thing {
  /** As a sentence names it: `the red kite`, `Ada`. */
  readonly name: string;
  /** As a pattern names it. */
  readonly short: string;
  /** Every name it goes by, in lower case, without article. */
  readonly aliases: readonly string[];
}

export interface Statement {
  readonly text: string;
  readonly constraint: Constraint;
  readonly set: OrderingSet;
}

export interface Option {
  readonly letter: string;
  readonly text: string;
  readonly constraint: Constraint & { readonly kind: 'place' };
  readonly set: OrderingSet;
}

/** A problem as constraints. Its statements leave one ordering, and one option holds in it. */
export interface Paragraph {
  readonly axis: Axis;
  /** What the things are, as written: `fruits`. */
  readonly noun: string;
  readonly things: readonly Thing[];
  readonly statements: readonly Statement[];
  readonly options: readonly Option[];
  /** The one ordering that all statements leave. */
  readonly solution: OrderingSet;
  readonly right: Option;
}

const counts = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];

export const countWord = (n: number): string => counts[n] ?? String(n);

export const countNamed = (word: string): number => {
  const at = counts.indexOf(word.toLowerCase());
  return at >= 0 ? at : /^\d+$/.test(word) ? Number(word) : -1;
};

/** The same word in singular and plural, as far as English is regular. */
const numbersOf = (word: string): readonly string[] => {
  const plural = /(?:s|x|ch|sh)$/.test(word) ? `${word}es` : `${word}s`;
  const stems = [word.replace(/ies$/, 'y'), word.replace(/es$/, ''), word.replace(/s$/, '')];
  return [...new Set([word, plural, `${word}es`, word.replace(/y$/, 'ies'), ...stems])];
};

const withoutArticle = (text: string): string => text.trim().replace(/^(?:and )?(?:(?:an?|the) )?/i, '');

/** The things of a list such as `a red kite, a blue kite, and a green kite`. */
export const namesIn = (list: string): readonly string[] =>
  list.split(/, (?:and )?| and /).map((item) => item.replace(/^and /, '').trim());

const thingOf = (item: string, noun: string): Thing => {
  const bare = withoutArticle(item);
  const words = bare.split(' ');
  const last = words.at(-1) ?? '';
  const isNoun = words.length > 1 && numbersOf(noun.toLowerCase()).includes(last.toLowerCase());
  const short = isNoun ? words.slice(0, -1).join(' ') : bare;
  const plural = numbersOf(last.toLowerCase()).map((word) => [...words.slice(0, -1), word].join(' ').toLowerCase());
  const proper = /^[A-Z]/.test(bare);
  return {
    name: proper ? bare : `the ${bare}`,
    short,
    aliases: [...new Set([bare.toLowerCase(), short.toLowerCase(), ...plural])],
  };
};

export const findThing = (things: readonly Thing[], words: string): number => {
  const bare = withoutArticle(words).toLowerCase();
  return things.findIndex(({ aliases }) => aliases.includes(bare));
};

/** Reads a sentence, without its period, as a constraint; undefined where it is none in these words. */
export const readSentence = (sentence: string, things: readonly Thing[], axis: Axis): Constraint | undefined => {
  const places = placesOf(axis, things.length);
  for (const verb of axis.verbs) {
    const at = sentence.indexOf(` ${verb} `);
    if (at < 0) continue;
    const object = findThing(things, sentence.slice(0, at));
    const rest = sentence.slice(at + verb.length + 2);
    if (object < 0) continue;
    const place = places.get(rest.toLowerCase());
    if (place !== undefined) return { kind: 'place', object, at: place };
    for (const phrase of [...axis.before, ...axis.after]) {
      const other = rest.startsWith(`${phrase} `) ? findThing(things, rest.slice(phrase.length + 1)) : -1;
      if (other < 0 || other === object) continue;
      const [first, second] = axis.before.includes(phrase) ? [object, other] : [other, object];
      return { kind: 'before', first, second };
    }
  }
  return undefined;
};

const preamble = /^The following paragraphs each describe .*? within each paragraph\. /;
const introduction = /^(?:.*?\b)?(two|three|four|five|six|seven|eight) ([a-z ]+?)(?: [a-z ]+?)??: ([^.]+)\. (.+)$/i;

const withSets = <T extends { readonly constraint: Constraint }>(
  k: number,
  items: readonly T[],
): readonly (T & { readonly set: OrderingSet })[] =>
  items.map((item) => ({ ...item, set: setOfConstraint(k, item.constraint) }));

type Read = { readonly ok: true; readonly paragraph: Paragraph } | { readonly ok: false; readonly reason: string };

/** Reads a problem and solves it; a sentence where it is in no known form or has no single answer. */
export const readProblem = ({ question, options }: Problem): Read => {
  const no = (reason: string): Read => ({ ok: false, reason });
  const found = introduction.exec(question.replace(preamble, ''));
  const [, word = '', nounWords = '', list = '', text = ''] = found ?? [];
  if (!found) return no('the question does not say what is ordered');
  const noun = nounWords.split(' ')[0] ?? nounWords;
  const things = namesIn(list).map((item) => thingOf(item, noun));
  const k = things.length;
  if (k !== countNamed(word) || k > mostObjects) return no(`the question names ${k} objects, not ${word}`);
  const sentences = text.replace(/\.$/, '').split('. ');
  const choices = readChoices(options) ?? [];
  for (const axis of allAxes) {
    const read = sentences.map((sentence) => ({ text: sentence, constraint: readSentence(sentence, things, axis) }));
    const statements = read.flatMap(({ constraint, ...rest }) => (constraint ? [{ ...rest, constraint }] : []));
    if (statements.length < sentences.length) continue;
    const offered = choices.flatMap((choice) => {
      const constraint = readSentence(choice.text.replace(/\.$/, ''), things, axis);
      return constraint?.kind === 'place' ? [{ ...choice, constraint }] : [];
    });
    if (offered.length < choices.length || offered.length === 0) return no('an option is in no known form');
    const made = { axis, noun, things, statements: withSets(k, statements), options: withSets(k, offered) };
    const solution = made.statements.reduce((set, statement) => both(set, statement.set), everything(k));
    if (size(solution) !== 1) return no(`its statements leave ${size(solution)} orderings`);
    const right = made.options.filter(({ set }) => isWithin(solution, set));
    const [only] = right;
    if (!only || right.length > 1) return no(`${right.length} of its options hold`);
    return { ok: true, paragraph: { ...made, solution, right: only } };
  }
  return no('a statement is in no known form');
};
