import type { Either } from 'fp-ts/Either';
import { right } from 'fp-ts/Either';
import { bytesOfSpelling, fallbackBytes } from './byteAlphabet';
import type { TokenizerError } from './tokenizerError';
import { damaged } from './tokenizerError';
import type { Form } from './tokenizerForm';
import { spaceMark } from './tokenizerForm';
import type { TokenizerParts } from './tokenizerParts';
import { normaliserOf } from './tokenizerSpelling';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The bytes of text that a vocabulary entry stands for. */
const bytesOf = (token: string, { kind }: Form): Uint8Array => {
  if (kind === 'bytes') return bytesOfSpelling(token) ?? utf8(token);
  const byte = fallbackBytes.get(token);
  return byte === undefined ? utf8(token.replaceAll(spaceMark, ' ')) : Uint8Array.of(byte);
};

/**
 * The bytes of text that each id stands for; special tokens have none, and an added token that is looked for behind the
 * normalizer has what it takes out of the text there. Or the id that two tokens claim.
 */
export const bytesById = ({
  vocab,
  added,
  form,
}: TokenizerParts): Either<TokenizerError, ReadonlyMap<number, Uint8Array>> => {
  const addedIds = new Map(added.map((token) => [token.id, token]));
  const bytes = new Map<number, Uint8Array>();
  const names = new Map<number, string>();
  for (const [token, id] of vocab) {
    const other = names.get(id) ?? addedIds.get(id)?.content ?? token;
    if (other !== token) return damaged('model.vocab', `one token with id ${id}`, [other, token]);
    names.set(id, token);
    bytes.set(id, bytesOf(token, form));
  }
  const normalise = normaliserOf(form);
  for (const { id, content, special, normalized } of added) {
    const found = normalized ? normalise(content, 'start') : content;
    const text = normalized && form.kind === 'marks' ? found.replaceAll(spaceMark, ' ') : found;
    bytes.set(id, special ? new Uint8Array(0) : utf8(text));
  }
  return right(bytes);
};
