import type { Either } from 'fp-ts/Either';
import { isLeft, right } from 'fp-ts/Either';
import { isMapping } from '../../events/digest';
import type { AddedToken } from './addedTokens';
import type { JsonObject } from './jsonShape';
import { parsed } from './jsonShape';
import type { TokenizerError } from './tokenizerError';
import { damaged, unsupported } from './tokenizerError';
import { partsOf } from './tokenizerForm';

type Ids = readonly number[];

/** The ids of the special tokens that one item of a template puts in. */
const idsOfItem = (item: JsonObject, template: JsonObject, special: ReadonlySet<number>): Ids | undefined => {
  const named = isMapping(item['SpecialToken']) ? item['SpecialToken']['id'] : undefined;
  const tokens = template['special_tokens'];
  const token = isMapping(tokens) && typeof named === 'string' ? tokens[named] : undefined;
  const ids: unknown = isMapping(token) ? token['ids'] : undefined;
  const isSpecial = (id: unknown): id is number => typeof id === 'number' && special.has(id);
  return Array.isArray(ids) && ids.every(isSpecial) ? ids : undefined;
};

/** The ids that a post-processor puts in front of a text. Behind it there may be none but the end token's. */
const templateStart = (
  processor: unknown,
  special: ReadonlySet<number>,
  endId: number,
): Either<TokenizerError, Ids> => {
  const parts = partsOf(processor, 'processors') ?? [{}];
  const other = parts.find(({ type }) => type !== 'ByteLevel' && type !== 'TemplateProcessing');
  const [template, second] = parts.filter(({ type }) => type === 'TemplateProcessing');
  if (other !== undefined || second !== undefined) {
    return unsupported('post_processor', 'null, ByteLevel or one TemplateProcessing', other ?? second);
  }
  if (template === undefined) return right([]);
  const single = template['single'];
  const items: readonly unknown[] = Array.isArray(single) ? single : [];
  const at = items.findIndex((item) => isMapping(item) && isMapping(item['Sequence']));
  const [before, behind] = [items.slice(0, at), items.slice(at + 1)].map((side) =>
    side.map((item) => (isMapping(item) ? idsOfItem(item, template, special) : undefined)),
  );
  const start = before?.flatMap((ids) => ids ?? [Number.NaN]) ?? [];
  const end = behind?.flatMap((ids) => ids ?? [Number.NaN]) ?? [];
  if (at < 0 || [...start, ...end].some(Number.isNaN)) {
    return damaged('post_processor.single', 'one text among special tokens', single);
  }
  if (end.some((id) => id !== endId)) {
    return unsupported('post_processor.single', `nothing but the end token, ${endId}, behind the text`, single);
  }
  return right(start);
};

const contentOf = (token: unknown): unknown => (isMapping(token) ? token['content'] : token);

/** What every row and prompt begins with. */
export interface TextStart {
  readonly ids: Ids;
  /** Whether tokenizer.json alone says so, and not tokenizer_config.json in its place. */
  readonly isOwn: boolean;
}

/**
 * The ids that a model expects in front of a text: its BOS token, or none. `add_bos_token` of tokenizer_config.json (its
 * text is `config`) decides where it is there, as in transformers 4 for Llama; else the post-processor's template does,
 * as in transformers 5. An end token that either adds is left out: a row has one where its dataset says so, and a prompt
 * none.
 */
export const textStartOf = (
  processor: unknown,
  added: readonly AddedToken[],
  endId: number,
  config: string | undefined,
): Either<TokenizerError, TextStart> => {
  const special = new Map(added.flatMap(({ content, id, special: is }) => (is ? [[content, id] as const] : [])));
  const template = templateStart(processor, new Set(special.values()), endId);
  if (isLeft(template) || config === undefined) return asOwn(template);
  const settings = parsed(config);
  if (!isMapping(settings)) return damaged('tokenizer_config.json', 'a JSON object', config);
  const { add_bos_token: adds, bos_token: named } = settings;
  if (typeof adds !== 'boolean') return asOwn(template);
  if (!adds) return right({ ids: [], isOwn: template.right.length === 0 });
  const content = contentOf(named);
  if (content === undefined || content === null) {
    if (template.right.length > 0) return asOwn(template);
    return damaged('tokenizer_config.json, bos_token', 'a token, for add_bos_token is true', named);
  }
  const bos = typeof content === 'string' ? special.get(content) : undefined;
  if (bos === undefined) return damaged('tokenizer_config.json, bos_token', 'a special token', named);
  return template.right.includes(bos) ? asOwn(template) : right({ ids: [bos], isOwn: false });
};

const asOwn = (template: Either<TokenizerError, Ids>): Either<TokenizerError, TextStart> =>
  isLeft(template) ? template : right({ ids: template.right, isOwn: true });
