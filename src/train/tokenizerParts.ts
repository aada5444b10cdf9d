import type { Either } from 'fp-ts/Either';
import { isLeft, left, right } from 'fp-ts/Either';
import { byteTokens, bytesOfSpelling } from './byteAlphabet';
import type { Merge } from './bytePairs';
import type { JsonObject } from './jsonShape';
import { isCount, isObject, isRecordOf, isText, parsed, quoted } from './jsonShape';

export type TokenizerError =
  | { readonly tag: 'TokenizerNotJson'; readonly expected: string; readonly got: string }
  /** Legal, but with it encoding would not be exact, or a part is unknown here. */
  | { readonly tag: 'TokenizerUnsupported'; readonly field: string; readonly expected: string; readonly got: string }
  | { readonly tag: 'TokenizerDamaged'; readonly field: string; readonly expected: string; readonly got: string };

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

/** A tokenizer.json that passed every check. */
export interface TokenizerParts {
  readonly json: JsonObject;
  readonly model: JsonObject;
  readonly merges: readonly Merge[];
  readonly steps: readonly JsonObject[];
  readonly vocab: ReadonlyMap<string, number>;
  readonly added: readonly AddedToken[];
}

export const unsupported = (field: string, expected: string, got: unknown): Either<TokenizerError, never> =>
  left({ tag: 'TokenizerUnsupported', field, expected, got: quoted(got) });
export const damaged = (field: string, expected: string, got: unknown): Either<TokenizerError, never> =>
  left({ tag: 'TokenizerDamaged', field, expected, got: quoted(got) });

const isAdded = (value: unknown): value is JsonObject & { readonly id: number; readonly content: string } =>
  isObject(value) && isCount(value['id']) && isText(value['content']) && value['content'] !== '';

/** The steps of a pre-tokenizer that keeps every character; the last one is ByteLevel. */
const stepsOf = (value: unknown): Either<TokenizerError, readonly JsonObject[]> => {
  const steps: unknown = isObject(value) && value['type'] === 'Sequence' ? value['pretokenizers'] : [value];
  if (!Array.isArray(steps) || !steps.every(isObject)) return damaged('pre_tokenizer', 'one step or more', value);
  for (const [i, step] of steps.entries()) {
    const field = `pre_tokenizer[${i}]`;
    const { type } = step;
    const isLast = i === steps.length - 1;
    if ((type === 'ByteLevel') !== isLast) {
      return unsupported(field, 'ByteLevel as the last step, and only there', step);
    }
    if (type !== 'ByteLevel' && type !== 'Split' && type !== 'Digits') {
      return unsupported(`${field}.type`, 'Split, Digits or ByteLevel', type);
    }
    const behavior: unknown = step['behavior'];
    if (type === 'Split' && behavior !== 'Isolated') return unsupported(`${field}.behavior`, 'Isolated', behavior);
    const option = ['invert', 'add_prefix_space'].find((name) => step[name] === true);
    if (option !== undefined) return unsupported(`${field}.${option}`, 'false', true);
  }
  return right(steps);
};

const mergesOf = (
  model: JsonObject,
  vocab: ReadonlyMap<string, number>,
  special: ReadonlySet<string>,
): Either<TokenizerError, readonly Merge[]> => {
  const listed: unknown = model['merges'];
  if (!Array.isArray(listed)) return damaged('model.merges', 'a list', listed);
  const merges: Merge[] = [];
  for (const [i, merge] of listed.entries()) {
    const field = `model.merges[${i}]`;
    const pair: unknown = isText(merge) ? merge.split(' ') : merge;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(isText)) return damaged(field, 'two tokens', merge);
    const [first = '', second = ''] = pair;
    const made = first + second;
    const missing = [first, second, made].find((token) => !vocab.has(token));
    if (missing !== undefined) return damaged(field, 'tokens of the vocabulary', missing);
    if (special.has(made)) return unsupported(field, 'no merge into a special token', made);
    merges.push([first, second]);
  }
  return right(merges);
};

/** Without all 256 bytes, or with a byte that is a special token, some text could not be encoded. */
const checkBytes = (vocab: ReadonlyMap<string, number>, special: ReadonlySet<string>): Either<TokenizerError, null> => {
  for (const [byte, char] of byteTokens.entries()) {
    if (!vocab.has(char)) return damaged('model.vocab', `a token for byte ${byte}, "${char}"`, undefined);
    if (special.has(char)) return unsupported('added_tokens', 'special tokens that are no single byte', char);
  }
  return right(null);
};

const addedOf = (listed: unknown): Either<TokenizerError, readonly AddedToken[]> => {
  if (!Array.isArray(listed) || !listed.every(isAdded)) {
    return damaged('added_tokens', 'tokens with id and content', listed);
  }
  for (const [i, token] of listed.entries()) {
    const option = ['lstrip', 'rstrip', 'single_word'].find((name) => token[name] === true);
    const field = `added_tokens[${i}].${option ?? ''}`;
    if (option !== undefined && token['special'] !== true) return unsupported(field, 'false', true);
  }
  return right(listed.map(({ id, content, special }) => ({ id, content, special: special === true })));
};

/** Reads and checks a tokenizer.json: a byte-level BPE of which nothing loses or changes a character. */
export const tokenizerParts = (text: string): Either<TokenizerError, TokenizerParts> => {
  const json = parsed(text);
  if (!isObject(json)) return left({ tag: 'TokenizerNotJson', expected: 'a JSON object', got: quoted(text) });
  const { model, normalizer, decoder } = json;
  if (!isObject(model) || (model['type'] ?? 'BPE') !== 'BPE') {
    return unsupported('model.type', 'BPE', isObject(model) ? model['type'] : model);
  }
  const option = ['continuing_subword_prefix', 'end_of_word_suffix', 'dropout', 'byte_fallback'].find(
    (name) => ![undefined, null, '', false, 0].some((none) => none === model[name]),
  );
  if (option !== undefined) return unsupported(`model.${option}`, 'none', model[option]);
  if (normalizer !== null && normalizer !== undefined) return unsupported('normalizer', 'null', normalizer);
  if (!isObject(decoder) || decoder['type'] !== 'ByteLevel') return unsupported('decoder', 'ByteLevel', decoder);
  const ids = isObject(model['vocab']) ? model['vocab'] : {};
  if (!isRecordOf(ids, isCount)) {
    const [token = '', id] = Object.entries(ids).find(([, each]) => !isCount(each)) ?? [];
    return damaged(`model.vocab[${quoted(token)}]`, 'an id', id);
  }
  const vocab = new Map(Object.entries(ids));
  const added = addedOf(json['added_tokens'] ?? []);
  if (isLeft(added)) return added;
  const special = new Set(added.right.filter((token) => token.special).map((token) => token.content));
  const whole = checkBytes(vocab, special);
  if (isLeft(whole)) return whole;
  const merges = mergesOf(model, vocab, special);
  if (isLeft(merges)) return merges;
  const steps = stepsOf(json['pre_tokenizer']);
  if (isLeft(steps)) return steps;
  return right({ json, model, merges: merges.right, steps: steps.right, vocab, added: added.right });
};

/** Each id's bytes; special tokens have none. Or the id that two tokens claim. */
export const bytesById = ({
  vocab,
  added,
}: TokenizerParts): Either<TokenizerError, ReadonlyMap<number, Uint8Array>> => {
  const addedIds = new Map(added.map((token) => [token.id, token]));
  const bytes = new Map<number, Uint8Array>();
  const names = new Map<number, string>();
  for (const [token, id] of vocab) {
    const other = names.get(id) ?? addedIds.get(id)?.content ?? token;
    if (other !== token) return damaged('model.vocab', `one token with id ${id}`, [other, token]);
    names.set(id, token);
    bytes.set(id, bytesOfSpelling(token) ?? new TextEncoder().encode(token));
  }
  for (const token of added) {
    bytes.set(token.id, token.special ? new Uint8Array(0) : new TextEncoder().encode(token.content));
  }
  return right(bytes);
};
