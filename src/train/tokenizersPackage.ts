import { Tokenizer } from '@huggingface/tokenizers';
import type { JsonObject } from './jsonShape';

/**
 * What is used of @huggingface/tokenizers 0.2.0, typed here: the package's own declarations import each other without
 * file extensions, so under `nodenext` every one of them is `any`.
 */
export interface LibraryTokenizer {
  readonly pre_tokenizer: { pre_tokenize_text(text: string): string[] } | null;
  /** From pieces to tokens, both spelled as in the vocabulary. What is no token of it is dropped in silence. */
  readonly model: { encode(pieces: string[]): string[] };
}

/** Throws what the library throws: SyntaxError for a pattern, Error for an unknown part. */
export const libraryTokenizer = (json: JsonObject): LibraryTokenizer => {
  const tokenizer: LibraryTokenizer = new Tokenizer(json, { clean_up_tokenization_spaces: false });
  return tokenizer;
};
