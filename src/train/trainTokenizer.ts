import { byteTokens, spellBytes } from './byteAlphabet';
import type { Merge } from './bytePairs';
import { learnMerges } from './bytePairs';
import { pieceSplitter, splitStep } from './pieces';
import { endToken } from './tokenizer';

export interface BpeSettings {
  /** Rows to learn from. Their order does not matter. */
  readonly texts: Iterable<string>;
  /** Upper bound: 256 byte tokens, the end token, then what is learnt. */
  readonly vocabSize: number;
  /** A learnt token occurs at least so often in the texts. */
  readonly minFrequency: number;
  /** A piece is what the pattern matches or leaves between matches; see tokenPatterns.ts. */
  readonly pattern: string;
  /**
   * Frequent pieces become tokens whole, with no chain of part tokens under them, and before any merge; the merges are
   * learnt from the pieces that did not. Default true.
   */
  readonly wholePieces?: boolean;
  /** Whether to learn merges at all: without, what is no whole piece is spelled in bytes. Default true. */
  readonly merges?: boolean;
  /** Pieces that are tokens whatever their count, such as the numbers that may occur. */
  readonly include?: readonly string[];
}

/** The id of the end token in every tokenizer made here; ids 0–255 are the bytes. */
export const trainedEndId = 256;

/** `whole` tokens stand for whole pieces, with no merges that lead to them (`ignore_merges`). */
const tokenizerJson = (pattern: string | null, whole: readonly string[], merges: readonly Merge[]): string => {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  const learnt = new Set([...whole, ...merges.map(([left, right]) => left + right)]);
  const vocab = [...byteTokens, endToken, ...learnt];
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: trainedEndId,
        content: endToken,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: pattern === null ? byteLevel : { type: 'Sequence', pretokenizers: [splitStep(pattern), byteLevel] },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: whole.length > 0,
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
      merges,
    },
  });
};

/** tokenizer.json of the 256 bytes and the end token: no training, any text, one token a byte. */
export const byteLevelTokenizer = (): string => tokenizerJson(null, [], []);

/** How often each piece of the texts occurs, by its byte spelling. */
const countPieces = (texts: Iterable<string>, pattern: string): Map<string, number> => {
  const split = pieceSplitter([splitStep(pattern)]);
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const piece of split(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  return new Map([...counts].map(([piece, count]) => [spellBytes(piece), count]));
};

/** More frequent first, then by spelling. */
const byCount = ([a, m]: readonly [string, number], [b, n]: readonly [string, number]): number =>
  n - m || (a < b ? -1 : 1);

/** A number in full or in digits, never in parts of several digits. */
const isNumber = (piece: string): boolean => /^\d+$/.test(piece);

/**
 * Byte-level BPE learnt from texts, as a tokenizer.json that Hugging Face's libraries load. The same settings and the
 * same multiset of texts give the same bytes. Throws RangeError if vocabSize has no room for bytes, end token and
 * `include`.
 */
export const trainBpeTokenizer = (settings: BpeSettings): string => {
  const {
    texts,
    vocabSize,
    minFrequency,
    pattern,
    wholePieces = true,
    merges: hasMerges = true,
    include = [],
  } = settings;
  const fixed = [...new Set(include.map(spellBytes))].filter((piece) => piece.length > 1);
  const room = vocabSize - byteTokens.length - 1 - fixed.length;
  if (room < 0) {
    throw new RangeError(`trainBpeTokenizer: vocabSize: expected at least ${vocabSize - room}, got ${vocabSize}`);
  }
  const counts = countPieces(texts, pattern);
  counts.delete(endToken);
  for (const piece of fixed) counts.delete(piece);
  const frequent = [...counts].filter(([piece, count]) => piece.length > 1 && count >= minFrequency).sort(byCount);
  const whole = wholePieces ? frequent.slice(0, room).map(([piece]) => piece) : [];
  const rest = new Map([...counts].filter(([piece]) => !isNumber(piece)));
  for (const piece of whole) rest.delete(piece);
  const merges = hasMerges ? learnMerges(rest, room - whole.length, minFrequency, endToken) : [];
  return tokenizerJson(pattern, [...fixed, ...whole], merges);
};
