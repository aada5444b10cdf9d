import type { JsonObject } from './jsonShape';
import { libraryTokenizer } from './tokenizersPackage';

/** What a ByteLevel step with `use_regex` splits by: GPT-2's pattern. */
const gpt2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

export const splitStep = (pattern: string): JsonObject => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior: 'Isolated',
  invert: false,
});

/**
 * Pre-tokenizer steps with the same pieces, as Split steps alone; the spelling of bytes that a ByteLevel step does is
 * left out. Digits is what Hugging Face's Rust code calls numeric, \p{N}; the package's own step knows \d only.
 */
export const splitSteps = (steps: readonly JsonObject[]): readonly JsonObject[] =>
  steps.flatMap((step) => {
    if (step['type'] === 'Digits') return [splitStep(step['individual_digits'] === true ? '\\p{N}' : '\\p{N}+')];
    if (step['type'] !== 'ByteLevel') return [step];
    return step['use_regex'] === false ? [] : [splitStep(gpt2)];
  });

/**
 * Cuts text into pieces by a tokenizer.json's pre-tokenizer steps, as text, so that pieces can be looked up before their
 * bytes are spelled. Throws SyntaxError on a pattern that is none.
 */
export const pieceSplitter = (steps: readonly JsonObject[]): ((text: string) => readonly string[]) => {
  const splits = splitSteps(steps);
  if (splits.length === 0) return (text) => (text === '' ? [] : [text]);
  const { pre_tokenizer: split } = libraryTokenizer({
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: splits },
    post_processor: null,
    decoder: null,
    added_tokens: [],
    model: { type: 'BPE', vocab: {}, merges: [] },
  });
  if (split === null) throw new TypeError('pieceSplitter: the library made no pre-tokenizer');
  return (text) => split.pre_tokenize_text(text);
};
