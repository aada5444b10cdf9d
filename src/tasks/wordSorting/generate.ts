import type { Json } from '../../../events/digest';
import { draws } from '../../../projections/random';
import { ConfigError, fieldsOf, integerAt, listAt, rangeAt } from '../configFields';
import type { Cell, GeneratedProblem, Problem } from '../task';
import { sorted } from './derivation';
import { readList } from './steps';
import { commonWords } from './words';

export interface Config {
  /** The letters that random words are made of; null for the built-in common words. */
  readonly alphabet: string | null;
  /** Letters per random word. */
  readonly wordLength: { readonly from: number; readonly to: number };
  /** Words per list, one cell each. */
  readonly seen: readonly number[];
  readonly unseen: readonly number[];
}

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** The paper's grid: 2 to 7 words seen, 8 to 20 unseen. */
export const paperConfig: Config = {
  alphabet: null,
  wordLength: { from: 3, to: 8 },
  seen: range(2, 7),
  unseen: range(8, 20),
};

/** Reads a configuration; every field may be absent and is then the paper's. Throws a ConfigError. */
export const readConfig = (config: Json): Config => {
  const fields = fieldsOf(config, 'the configuration', ['alphabet', 'wordLength', 'seen', 'unseen']);
  const counts = (field: 'seen' | 'unseen'): readonly number[] =>
    fields[field] === undefined
      ? paperConfig[field]
      : listAt(fields[field], field).map((count, i) => integerAt(count, `${field}[${i}]`, 1, 100));
  const alphabet = fields['alphabet'] ?? null;
  if (alphabet !== null && (typeof alphabet !== 'string' || !/^[a-z]+$/.test(alphabet))) {
    throw new ConfigError('alphabet must be a text of letters from a to z, or null for the built-in words');
  }
  const wordLength =
    fields['wordLength'] === undefined ? paperConfig.wordLength : rangeAt(fields['wordLength'], 'wordLength', 1, 30);
  const read = {
    alphabet: alphabet && [...new Set(alphabet)].join(''),
    wordLength,
    seen: counts('seen'),
    unseen: counts('unseen'),
  };
  const words = read.alphabet === null ? commonWords.length : read.alphabet.length ** wordLength.to;
  const most = Math.max(...read.seen, ...read.unseen);
  if (words < most) throw new ConfigError(`a list of ${most} words needs more than the ${words} words there are`);
  return read;
};

const cellName = (count: number): string => `${count} ${count === 1 ? 'word' : 'words'}`;

/** The cell of a problem under the paper's grid. */
export const cellOf = (problem: Problem): Cell => {
  const words = readList(problem.options);
  return words
    ? { name: cellName(words.length), seen: paperConfig.seen.includes(words.length) }
    : { name: 'other', seen: false };
};

const isPrefix = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);

const mostDraws = 10_000;

/** The index-th problem: counts in turn; no word of a list equals another or begins with it. */
export const generate = (config: Json, seed: number, cells: 'seen' | 'unseen', index: number): GeneratedProblem => {
  const { alphabet, wordLength, ...counts } = readConfig(config);
  const count = counts[cells][index % counts[cells].length] ?? 2;
  const stream = draws(['word-sorting', seed, cells, index]);
  let at = 0;
  const drawWord = (): string => {
    if (alphabet === null) return commonWords[stream.integer(at++, commonWords.length)] ?? '';
    const length = wordLength.from + stream.integer(at++, wordLength.to - wordLength.from + 1);
    return Array.from({ length }, () => alphabet[stream.integer(at++, alphabet.length)] ?? '').join('');
  };
  const words: string[] = [];
  for (let draw = 0; words.length < count; draw++) {
    if (draw === mostDraws) {
      throw new Error(`word-sorting: found only ${words.length} of ${count} words of which none begins with another`);
    }
    const word = drawWord();
    if (!words.some((other) => isPrefix(word, other))) words.push(word);
  }
  return {
    question: 'Sort the following words alphabetically:',
    options: `List: ${words.join(' ')}`,
    answer: sorted(words).join(' '),
    cell: { name: cellName(count), seen: cells === 'seen' },
  };
};
