import type { Either } from 'fp-ts/Either';
import { right } from 'fp-ts/Either';
import { isMapping } from '../../events/digest';
import type { JsonObject } from './jsonShape';
import { isCount, isText } from './jsonShape';
import type { TokenizerError } from './tokenizerError';
import { damaged, unsupported } from './tokenizerError';

/** A token beside the model's vocabulary: found in the text before anything else is done to it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Special tokens stand for no text: a text that spells one gets ordinary tokens. */
  readonly special: boolean;
  /** Whether it is looked for behind the normalizer, by its normalised content. */
  readonly normalized: boolean;
}

const isAdded = (value: unknown): value is JsonObject & { readonly id: number; readonly content: string } =>
  isMapping(value) && isCount(value['id']) && isText(value['content']) && value['content'] !== '';

/** The `added_tokens` of a tokenizer.json. */
export const addedTokensOf = (
  listed: unknown,
  vocab: ReadonlyMap<string, number>,
): Either<TokenizerError, readonly AddedToken[]> => {
  if (!Array.isArray(listed) || !listed.every(isAdded)) {
    return damaged('added_tokens', 'tokens with id and content', listed);
  }
  for (const [i, token] of listed.entries()) {
    const option = ['lstrip', 'rstrip', 'single_word'].find((name) => token[name] === true);
    const field = `added_tokens[${i}].${option ?? ''}`;
    if (option !== undefined && token['special'] !== true) return unsupported(field, 'false', true);
    const known = vocab.get(token.content);
    if (known !== undefined && known !== token.id) {
      return damaged(`added_tokens[${i}].id`, `${known}, as in model.vocab`, token.id);
    }
  }
  return right(
    listed.map(({ id, content, special: isSpecial, normalized }) => {
      const special = isSpecial === true;
      return { id, content, special, normalized: typeof normalized === 'boolean' ? normalized : !special };
    }),
  );
};

/** A stretch of text, or an added token that is found in it. */
export interface Stretch {
  readonly text: string;
  /** The token's id; undefined for a text between added tokens. */
  readonly id: number | undefined;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/**
 * Cuts text at added tokens: the leftmost, of several there the longest. A special token hides what it overlaps, and is
 * itself left in the text.
 */
export const addedTokenSplitter = (tokens: readonly AddedToken[]): ((text: string) => readonly Stretch[]) => {
  const idOf = new Map(tokens.flatMap(({ content, id, special }) => (special ? [] : [[content, id] as const])));
  if (idOf.size === 0) return (text) => (text === '' ? [] : [{ text, id: undefined }]);
  const contents = tokens.map(({ content }) => content).sort((a, b) => b.length - a.length);
  const anywhere = new RegExp(contents.map(escaped).join('|'), 'gu');
  return (text) => {
    const stretches: Stretch[] = [];
    let from = 0;
    for (const { 0: found, index } of text.matchAll(anywhere)) {
      const id = idOf.get(found);
      if (id === undefined) continue;
      if (index > from) stretches.push({ text: text.slice(from, index), id: undefined });
      stretches.push({ text: found, id });
      from = index + found.length;
    }
    if (from < text.length) stretches.push({ text: text.slice(from), id: undefined });
    return stretches;
  };
};
