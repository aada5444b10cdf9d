import type { Either } from 'fp-ts/Either';
import { isLeft, left, right } from 'fp-ts/Either';
import { isMapping } from '../../events/digest';
import type { AddedToken } from './addedTokens';
import { addedTokensOf } from './addedTokens';
import { byteTokens, fallbackBytes, fallbackTokens } from './byteAlphabet';
import type { Merge } from './bytePairs';
import type { JsonObject } from './jsonShape';
import { isCount, isRecordOf, isText, parsed, quoted } from './jsonShape';
import type { TokenizerError } from './tokenizerError';
import { damaged, unsupported } from './tokenizerError';
import type { Form } from './tokenizerForm';
import { formOf } from './tokenizerForm';

/** A tokenizer.json that passed every check. */
export interface TokenizerParts {
  readonly json: JsonObject;
  readonly model: JsonObject;
  readonly merges: readonly Merge[];
  readonly form: Form;
  readonly vocab: ReadonlyMap<string, number>;
  readonly added: readonly AddedToken[];
}

const mergesOf = (
  model: JsonObject,
  form: Form,
  vocab: ReadonlyMap<string, number>,
  special: ReadonlySet<string>,
): Either<TokenizerError, readonly Merge[]> => {
  const listed: unknown = model['merges'];
  if (!Array.isArray(listed)) return damaged('model.merges', 'a list', listed);
  const isByte = (token: string): boolean => form.kind === 'marks' && fallbackBytes.has(token);
  const merges: Merge[] = [];
  for (const [i, merge] of listed.entries()) {
    const field = `model.merges[${i}]`;
    const pair: unknown = isText(merge) ? merge.split(' ') : merge;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(isText)) return damaged(field, 'two tokens', merge);
    const [first = '', second = ''] = pair;
    const made = first + second;
    for (const token of [first, second, made]) {
      if (!vocab.has(token)) return damaged(field, 'tokens of the vocabulary', token);
      if (isByte(token)) return unsupported(field, 'no merge of or into a byte token', token);
    }
    if (special.has(made)) return unsupported(field, 'no merge into a special token', made);
    merges.push([first, second]);
  }
  return right(merges);
};

/** Without all 256 bytes, or with a byte or a character that is a special token, some text could not be encoded. */
const checkBytes = (
  { kind }: Form,
  vocab: ReadonlyMap<string, number>,
  special: ReadonlySet<string>,
): Either<TokenizerError, null> => {
  for (const [byte, token] of (kind === 'bytes' ? byteTokens : fallbackTokens).entries()) {
    if (!vocab.has(token)) return damaged('model.vocab', `a token for byte ${byte}, "${token}"`, undefined);
    if (special.has(token)) return unsupported('added_tokens', 'special tokens that are no single byte', token);
  }
  const character = kind === 'bytes' ? undefined : [...special].find((token) => Array.from(token).length === 1);
  if (character === undefined) return right(null);
  return unsupported('added_tokens', 'special tokens of more than one character', character);
};

/** Reads and checks a tokenizer.json: a BPE of a known form of which nothing else loses or changes a character. */
export const tokenizerParts = (text: string): Either<TokenizerError, TokenizerParts> => {
  const json = parsed(text);
  if (!isMapping(json)) return left({ tag: 'TokenizerNotJson', expected: 'a JSON object', got: quoted(text) });
  const { model } = json;
  if (!isMapping(model) || (model['type'] ?? 'BPE') !== 'BPE') {
    return unsupported('model.type', 'BPE', isMapping(model) ? model['type'] : model);
  }
  const option = ['continuing_subword_prefix', 'end_of_word_suffix', 'dropout'].find(
    (name) => ![undefined, null, '', false, 0].some((none) => none === model[name]),
  );
  if (option !== undefined) return unsupported(`model.${option}`, 'none', model[option]);
  const form = formOf(json, model);
  if (isLeft(form)) return form;
  const ids = isMapping(model['vocab']) ? model['vocab'] : {};
  if (!isRecordOf(ids, isCount)) {
    const [token = '', id] = Object.entries(ids).find(([, each]) => !isCount(each)) ?? [];
    return damaged(`model.vocab[${quoted(token)}]`, 'an id', id);
  }
  const vocab = new Map(Object.entries(ids));
  const added = addedTokensOf(json['added_tokens'] ?? [], vocab);
  if (isLeft(added)) return added;
  const special = new Set(added.right.filter((token) => token.special).map((token) => token.content));
  const whole = checkBytes(form.right, vocab, special);
  if (isLeft(whole)) return whole;
  const merges = mergesOf(model, form.right, vocab, special);
  if (isLeft(merges)) return merges;
  return right({ json, model, merges: merges.right, form: form.right, vocab, added: added.right });
};
