import type { Tokenizer } from './tokenizer';

/** Ids of texts that follow one another: all but the first that is not empty are continued. `startIds` are not in them. */
export const encodeInOrder = (
  tokenizer: Pick<Tokenizer, 'encode'>,
  texts: readonly string[],
): readonly (readonly number[])[] => {
  const first = texts.findIndex((text) => text !== '');
  return texts.map((text, i) => tokenizer.encode(text, { continued: i > first }));
};

/** How many tokens a row of such texts has, with those that it begins and, where `end` says so, ends with. */
export const rowLength = (
  tokenizer: Pick<Tokenizer, 'encode' | 'startIds'>,
  texts: readonly string[],
  end: boolean,
): number =>
  encodeInOrder(tokenizer, texts).reduce((sum, ids) => sum + ids.length, tokenizer.startIds.length + (end ? 1 : 0));
