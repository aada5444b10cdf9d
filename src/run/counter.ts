import type { Counter } from '../../projections/rederive';
import { rowLength } from '../train/encodeInOrder';
import type { Tokenizer } from '../train/tokenizer';

/** Counts the tokens of rows as the trainer makes them, for a policy with `maxTokens`. */
export const counterOf = (tokenizer: Tokenizer): Counter => ({
  tokenizer: tokenizer.digest,
  countTokens: (sections, end) =>
    rowLength(
      tokenizer,
      sections.map(({ text }) => text),
      end,
    ),
});
