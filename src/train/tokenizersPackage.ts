import { Tokenizer } from '@huggingface/tokenizers';
import type { JsonObject } from './jsonShape';

/**
 * What is used of @huggingface/tokenizers 0.2.0, typed here: the package's own declarations import each other without
 * file extensions, so under `nodenext` every one of them is `any`.
 */
export interface LibraryTokenizer {
  readonly pre_tokenizer: { pre_tokenize_text(text: string): string[] } | null;
  /** From pieces to tokens, both in byte spelling. A token outside the vocabulary is dropped in silence. */
  readonly model: { encode(pieces: string[]): string[] };
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: number[] };
}

/** Throws what the library throws: SyntaxError for a pattern, Error for an unknown part. */
export const libraryTokenizer = (json: JsonObject): LibraryTokenizer => {
  const tokenizer: LibraryTokenizer = new Tokenizer(json, { clean_up_tokenization_spaces: false });
  return tokenizer;
};
