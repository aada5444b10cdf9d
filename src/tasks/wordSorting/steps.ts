/** One entry of a letters line: `"birch"="b" (2)`. */
export interface Entry {
  readonly word: string;
  readonly letter: string;
  readonly rank: number;
  readonly text: string;
}

/** One group of a "We now have" line: `(2) "birch"` or `(3) ["cedar" ? "cello"]`. */
export interface Group {
  readonly rank: number;
  readonly words: readonly string[];
  readonly tied: boolean;
}

/** What a step of an attempt says. */
export type Step =
  /** `The first letter: …` or `Now sort this subpart […] by looking at their second letters: …` (`subpart` present). */
  | {
      readonly kind: 'letters';
      readonly position: number;
      readonly subpart: readonly string[] | undefined;
      readonly subpartText: string;
      readonly entries: readonly Entry[];
      readonly left: string;
      readonly right: string;
    }
  /** `We now have: (2) "birch" < (3) ["cedar" ? "cello"].` */
  | { readonly kind: 'now'; readonly groups: readonly Group[]; readonly ordering: string; readonly rising: boolean }
  /** `Hence, we have "cedar" < "cello".` */
  | { readonly kind: 'hence'; readonly words: readonly string[]; readonly ordering: string; readonly decided: boolean };

const ordinals = (
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth ' +
  'sixteenth seventeenth eighteenth nineteenth twentieth'
).split(' ');

/** `second` for 2. */
export const ordinalOf = (position: number): string => ordinals[position - 1] ?? `${position}th`;

const positionOf = (ordinal: string): number | undefined => {
  const at = ordinals.indexOf(ordinal);
  if (at >= 0) return at + 1;
  const digits = /^(\d{1,3})th$/.exec(ordinal)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

/** The letter of a word at a position from 1; empty past its end. */
export const letterAt = (word: string, position: number): string => word[position - 1] ?? '';

/**
 * The rank of a letter: 1 for a. Other characters keep their distance to it in code order, and a word's end stands
 * before all of them (-96), so that a word sorts before what it is a prefix of, where the original crashes.
 */
export const rankOf = (letter: string): number => (letter.charCodeAt(0) || 0) - 96;

export const entryText = (word: string, position: number): string => {
  const letter = letterAt(word, position);
  return `"${word}"="${letter}" (${rankOf(letter)})`;
};

/** `["cedar" ? "cello"]`. */
export const subpartText = (words: readonly string[]): string => `[${words.map((word) => `"${word}"`).join(' ? ')}]`;

/** `"cedar" < "cello"`. */
export const orderText = (words: readonly string[]): string => words.map((word) => `"${word}"`).join(' < ');

/** A word's characters: no capitals, and nothing that the format itself uses. */
const character = String.raw`[^"\s,.?<>=()[\]A-Z]`;
const word = `"(${character}+)"`;
const sortable = new RegExp(`^${character}+$`);
const entryPhrase = new RegExp(String.raw`^${word}="(${character}?)" \((-?\d{1,5})\)$`);
const groupPhrase = new RegExp(`^\\((-?\\d{1,5})\\) (?:${word}|\\[(.+)\\])$`);
const wordPhrase = new RegExp(`^${word}$`);

/** Every item read, or undefined where one is not readable. */
const readAll = <T>(texts: readonly string[], read: (text: string) => T | undefined): readonly T[] | undefined => {
  const items = texts.map(read);
  const found = items.filter((item) => item !== undefined);
  return found.length === items.length ? found : undefined;
};

const readWord = (text: string): string | undefined => wordPhrase.exec(text.trim())?.[1];

const readEntry = (text: string): Entry | undefined => {
  const [, name, letter, rank] = entryPhrase.exec(text.trim()) ?? [];
  if (name === undefined || letter === undefined || rank === undefined) return undefined;
  return { word: name, letter, rank: Number(rank), text: text.trim() };
};

const readGroup = (text: string): Group | undefined => {
  const [, rank, single, tied] = groupPhrase.exec(text.trim()) ?? [];
  if (rank === undefined) return undefined;
  const words = tied === undefined ? [single ?? ''] : readAll(tied.split('?'), readWord);
  return words && { rank: Number(rank), words, tied: tied !== undefined };
};

const lettersPhrase =
  /^((?:The (first) letter|Now sort this subpart (\[[^\]]*\]) by looking at their (\w+) letters)): (.+)\.$/;
const nowPhrase = /^We now have: (.+)\.$/;
const hencePhrase = /^Hence, we have (.+)\.$/;

/** Reads a step's text; undefined where it is none of the forms, a capital letter in a word included. */
export const readStep = (text: string): Step | undefined => {
  const [, left, first, part, ordinal, right] = lettersPhrase.exec(text) ?? [];
  if (left !== undefined && right !== undefined) {
    const position = positionOf(first ?? ordinal ?? '');
    const entries = readAll(right.split(','), readEntry);
    const subpart = part === undefined ? undefined : readAll(part.slice(1, -1).split('?'), readWord);
    if (position === undefined || !entries || (part !== undefined && !subpart)) return undefined;
    return { kind: 'letters', position, subpart, subpartText: part ?? '', entries, left, right };
  }
  const ordering = nowPhrase.exec(text)?.[1];
  if (ordering !== undefined) {
    const groups = readAll(ordering.split(/[<>]/), readGroup);
    return groups && { kind: 'now', groups, ordering, rising: !ordering.includes('>') };
  }
  const conclusion = hencePhrase.exec(text)?.[1];
  if (conclusion === undefined) return undefined;
  const words = readAll(conclusion.replace(/\(-?\d+\)|[[\]]/g, '').split(/[<>?]/), readWord);
  return words && { kind: 'hence', words, ordering: conclusion, decided: !/[>?[\]]/.test(conclusion) };
};

/** The words of a `List: …` line; undefined where it is none, or a word occurs twice or cannot be sorted. */
export const readList = (options: string | null): readonly string[] | undefined => {
  const words = /^List: (\S.*)$/
    .exec(options ?? '')?.[1]
    ?.trim()
    .split(/\s+/);
  return words && new Set(words).size === words.length && words.every((text) => sortable.test(text))
    ? words
    : undefined;
};
