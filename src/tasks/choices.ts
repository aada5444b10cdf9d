import { answerText } from './attemptText';

/** One option of a multiple-choice problem. */
export interface Choice {
  /** `A`, `B`, … */
  readonly letter: string;
  readonly text: string;
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The letter of an answer such as `(C)`. */
export const choiceOf = (attempt: string): string | undefined =>
  /^\(([A-Z])\)$/.exec(answerText(attempt)?.trim() ?? '')?.[1];

/** `Options:` and a line `(A) text` for each; undefined where it is in another form or a letter is out of its order. */
export const readChoices = (options: string | null): readonly Choice[] | undefined => {
  const [header, ...lines] = (options ?? '').split('\n');
  if (header !== 'Options:' || lines.length === 0) return undefined;
  const read = lines.map((line) => /^\(([A-Z])\) (.+)$/.exec(line));
  const choices = read.flatMap((found) =>
    found?.[1] === undefined || found[2] === undefined ? [] : [{ letter: found[1], text: found[2] }],
  );
  const inOrder = choices.every(({ letter }, i) => letter === letters[i]);
  return choices.length === lines.length && inOrder ? choices : undefined;
};

export const writeChoices = (texts: readonly string[]): string =>
  ['Options:', ...texts.map((text, i) => `(${letters[i] ?? '?'}) ${text}`)].join('\n');

export const letterAt = (i: number): string => letters[i] ?? '?';
