import { isMapping } from '../../events/digest';
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

/** Letters as a class, with what Oniguruma folds onto them beside the other case: long s, the Kelvin sign. */
const foldedClass = (letters: string): string =>
  `[${letters}${/[sS]/.test(letters) ? '\u017f' : ''}${/[kK]/.test(letters) ? '\u212a' : ''}]`;

/** A group without regard to case of plain characters and classes of them. */
const plainGroup = /\(\?i:(?:[^()\\[\]]|\[[^\\[\]-]*\])*\)/g;

/**
 * A Split step to whose pattern the package gives the meaning that it has in Oniguruma. Of a group without regard to
 * case it folds ASCII letters alone, so the others are written out. Throws SyntaxError for possessive quantifiers and
 * atomic groups, which it takes for plain ones that may match more, and for groups that cannot be written out.
 */
const checkedSplit = (step: JsonObject): JsonObject => {
  const pattern = isMapping(step['pattern']) ? step['pattern']['Regex'] : undefined;
  if (typeof pattern !== 'string') return step;
  const written = pattern.replace(plainGroup, (group) =>
    group.replace(/\[([^\]]*)\]|[sSkK]/g, (found, inner: string | undefined) => foldedClass(inner ?? found)),
  );
  const unread = pattern.replace(plainGroup, '').replace(/\\.|\[(?:\\.|[^\\\]])*\]/gsu, ' ');
  const misread = /[*+?]\+|\(\?>|\(\?i:/.exec(unread)?.[0];
  if (misread !== undefined) throw new SyntaxError(`no ${misread} in ${pattern}`);
  return { ...step, pattern: { Regex: written } };
};

/**
 * Pre-tokenizer steps with the same pieces, as Split steps alone; the spelling of bytes that a ByteLevel step does is
 * left out. Digits is what Hugging Face's Rust code calls numeric, \p{N}; the package's own step knows \d only. Which
 * characters are letters and numbers is the running Node's Unicode (17 in Node 20.20; Oniguruma in tokenizers 0.23 has
 * 16): they differ for characters that one of them does not know.
 */
export const splitSteps = (steps: readonly JsonObject[]): readonly JsonObject[] =>
  steps.flatMap((step) => {
    if (step['type'] === 'Digits') return [splitStep(step['individual_digits'] === true ? '\\p{N}' : '\\p{N}+')];
    if (step['type'] !== 'ByteLevel') return [checkedSplit(step)];
    return step['use_regex'] === false ? [] : [splitStep(gpt2)];
  });

/**
 * Cuts text into pieces by a tokenizer.json's pre-tokenizer steps, as text, so that pieces can be looked up before their
 * bytes are spelled. Throws SyntaxError on a pattern that is none, or that is read otherwise by Oniguruma.
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
