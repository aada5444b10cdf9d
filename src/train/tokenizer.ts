import type { Either } from 'fp-ts/Either';
import { isLeft, right } from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { digestOf, sha256 } from '../../events/digest';
import { addedTokenSplitter } from './addedTokens';
import { quoted } from './jsonShape';
import { textStartOf } from './textStart';
import type { TokenizerError } from './tokenizerError';
import { damaged, unsupported } from './tokenizerError';
import type { TokenizerParts } from './tokenizerParts';
import { tokenizerParts } from './tokenizerParts';
import { spellingOf } from './tokenizerSpelling';
import { libraryTokenizer } from './tokenizersPackage';
import { bytesById } from './tokenTexts';

export type { TokenizerError } from './tokenizerError';

export const endToken = '<|endoftext|>';

/** What `loadTokenizer` takes, as plain data: another thread loads the same tokenizer from it. */
export interface TokenizerSource {
  readonly json: string;
  readonly end: string | number;
  readonly config: string | undefined;
}

/** Where a text, or the ids of one, stand in a row or behind a prompt. */
export interface TextPlace {
  /** Whether there is text in front. No, when left out. */
  readonly continued?: boolean;
}

/**
 * A BPE tokenizer of a Llama-family model. `decode(encode(text)) === text` for every text without lone surrogates, but
 * for what the tokenizer itself changes: with NFC, text comes back in that form; of space marks (Llama 2, Mistral), `▁`
 * comes back as a space, Metaspace takes a space at the beginning of a text for its own, and a mark may be added behind
 * an added token.
 */
export interface Tokenizer {
  /** The tokenizer.json it was loaded from. */
  readonly json: string;
  /** All that it was loaded from. */
  readonly source: TokenizerSource;
  /** Of all that decides ids: of `json`, and of `startIds` where tokenizer.json has others. */
  readonly digest: Digest;
  /** One more than the largest id. */
  readonly vocabSize: number;
  readonly endId: number;
  /** What a row and a prompt begin with, in training and behind it: the BOS token of a model that knows one, or none. */
  readonly startIds: readonly number[];
  /**
   * Ids of a text, nothing added but the space mark that a tokenizer of space marks puts in front. That mark stands for
   * the beginning, so a continued text has none: a row's sections then have the tokens that the same words have in one
   * text, a completion the model's own, and weights are exact at section borders. With a mark in front of each section,
   * training would teach a space, and tokens, that no prompt has. Special tokens are never produced: a text that spells
   * one gets ordinary tokens.
   */
  encode(text: string, place?: TextPlace): number[];
  /**
   * Text of ids, without the space that a mark at the beginning stands for; continued ids keep it. Special tokens have
   * no text; broken UTF-8 becomes U+FFFD. Throws RangeError on an id without token.
   */
  decode(ids: readonly number[], place?: TextPlace): string;
}

/** The same string without the row it was cut from, which V8 would keep alive as long as the part. */
const unsliced = (piece: string): string => Buffer.from(piece, 'utf16le').toString('utf16le');

/** Pieces whose ids are remembered: so many, and none longer than so many characters. */
const remembered = { pieces: 100_000, length: 400 };

/** From a piece to its ids, without special tokens. The library merges each piece anew: here each is looked up first. */
const mergerOf = (
  { json, model, merges, form, vocab, added }: TokenizerParts,
  spell: (piece: string) => string,
): ((piece: string) => readonly number[]) => {
  const special = new Set(added.filter((token) => token.special).map((token) => token.content));
  const ordinary = new Map([...vocab].filter(([token]) => !special.has(token)));
  const library = libraryTokenizer({
    ...json,
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    added_tokens: [],
    model: { ...model, type: 'BPE', unk_token: null, vocab: Object.fromEntries(ordinary) },
  });
  const idOf = (token: string): number => {
    const id = ordinary.get(token);
    if (id === undefined) throw new Error(`encode: the library made a token outside the vocabulary: ${token}`);
    return id;
  };
  const hasBytesAlone = form.kind === 'bytes' && merges.length === 0;
  const idsOf = (piece: string): readonly number[] => {
    const spelled = spell(piece);
    const whole = model['ignore_merges'] === true ? ordinary.get(spelled) : undefined;
    if (whole !== undefined) return [whole];
    return (hasBytesAlone ? Array.from(spelled) : library.model.encode([spelled])).map(idOf);
  };
  const known = new Map<string, readonly number[]>();
  return (piece) => {
    const found = known.get(piece);
    if (found !== undefined) return found;
    const ids = idsOf(piece);
    if (known.size >= remembered.pieces) known.clear();
    if (piece.length <= remembered.length) known.set(unsliced(piece), ids);
    return ids;
  };
};

/** The encoder: added tokens out of the text as it is, the normalizer, added tokens out of what it makes, pieces, ids. */
const encoderOf = (parts: TokenizerParts): Tokenizer['encode'] => {
  const { normalise, pieces, spell } = spellingOf(parts);
  const merged = mergerOf(parts, spell);
  const [raw, normalised] = [false, true].map((is) => parts.added.filter(({ normalized }) => normalized === is));
  const atRaw = addedTokenSplitter(raw ?? []);
  const atNormalised = addedTokenSplitter(
    (normalised ?? []).map((token) => ({ ...token, content: normalise(token.content, 'start') })),
  );
  return (text, { continued = false } = {}) => {
    const all: number[] = [];
    const first = continued ? 'continued' : 'start';
    for (const [i, stretch] of atRaw(text).entries()) {
      if (stretch.id !== undefined) {
        all.push(stretch.id);
        continue;
      }
      const place = i === 0 ? first : 'inside';
      for (const [j, { text: part, id }] of atNormalised(normalise(stretch.text, place)).entries()) {
        if (id !== undefined) all.push(id);
        else
          for (const piece of pieces(part, j === 0 ? place : 'inside')) for (const one of merged(piece)) all.push(one);
      }
    }
    return all;
  };
};

const encoderOrError = (parts: TokenizerParts): Either<TokenizerError, Tokenizer['encode']> => {
  try {
    return right(encoderOf(parts));
  } catch (error) {
    return unsupported('pre_tokenizer', 'patterns that JavaScript can express', String(error));
  }
};

/**
 * Loads a Hugging Face tokenizer.json of a Llama-family model: byte-level BPE (GPT-2, Llama 3, SmolLM2, Qwen, and what
 * trainTokenizer.ts makes) or BPE with space marks and byte fallback (Llama 2, TinyLlama, Mistral). Ids are those of
 * Hugging Face's tokenizers with `encode_special_tokens`. `end` is the end token's content or id; `config` is the text of
 * the tokenizer_config.json beside it. Refused, with the field's name: other models, and parts that lose characters or
 * that would be tokenised otherwise here.
 */
export const loadTokenizer = (
  json: string,
  end: string | number = endToken,
  config?: string,
): Either<TokenizerError, Tokenizer> => {
  const parts = tokenizerParts(json);
  if (isLeft(parts)) return parts;
  const { added, form } = parts.right;
  const bytes = bytesById(parts.right);
  if (isLeft(bytes)) return bytes;
  const ending = added.find((token) => token.special && (token.id === end || token.content === end));
  if (ending === undefined) {
    return damaged('added_tokens', `a special token ${quoted(end)}`, added.slice(-1)[0]?.content);
  }
  const start = textStartOf(parts.right.json['post_processor'], added, ending.id, config);
  if (isLeft(start)) return start;
  const encode = encoderOrError(parts.right);
  if (isLeft(encode)) return encode;
  const texts = bytes.right;
  const { ids: startIds, isOwn } = start.right;
  const isPrefixed = form.kind === 'marks' && form.prefix !== 'none';
  return right({
    json,
    source: { json, end, config },
    digest: isOwn ? sha256(json) : digestOf({ tokenizer: sha256(json), startIds: [...startIds] }),
    vocabSize: [...texts.keys()].reduce((most, id) => Math.max(most, id), -1) + 1,
    endId: ending.id,
    startIds,
    encode: encode.right,
    decode: (ids, { continued = false } = {}) => {
      const parted = ids.map((id) => {
        const part = texts.get(id);
        if (part === undefined) throw new RangeError(`decode: no token has id ${id}`);
        return part;
      });
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parted));
      return isPrefixed && !continued && text.startsWith(' ') ? text.slice(1) : text;
    },
  });
};
