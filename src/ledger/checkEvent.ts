import * as E from 'fp-ts/Either';
import { canonicalJson, type Digest, type Json } from '../../events/digest';
import { leafHash, type Position, type RecordedEvent } from '../../events/envelope';
import { decodeEvent, definitionOf } from '../../events/index';

export type Check =
  | 'position'
  | 'revision'
  | 'prev'
  | 'leaf'
  | 'data'
  | 'stream'
  | 'id'
  | 'seal'
  | 'head'
  | 'published'
  | 'read';

/** One finding; the event's own fields are null where the store could not tell them. */
export interface Damage {
  readonly position: Position;
  readonly stream: string | null;
  readonly revision: number | null;
  readonly id: string | null;
  readonly type: string | null;
  readonly check: Check;
  readonly expected: string;
  readonly got: string;
}

/** What the next event of a stream is checked against. */
export interface StreamState {
  readonly position: Position;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly leaf: Digest;
}

export const streamState = ({ position, revision, id, type, leaf }: RecordedEvent): StreamState => {
  return { position, revision, id, type, leaf };
};

/** The leaf of what is stored, or why there is none (a lone surrogate that a damaged byte left behind). */
const recomputed = (event: RecordedEvent): { readonly leaf: Digest } | { readonly message: string } => {
  try {
    return { leaf: leafHash(event) };
  } catch (failure) {
    return { message: failure instanceof Error ? failure.message : 'no canonical form' };
  }
};

type Finding = readonly [check: Check, expected: string, got: string];

/** Data against its definition: it decodes, has no field nobody defined, and gives this stream and this id. */
const content = (event: RecordedEvent): readonly Finding[] => {
  const decoded = decodeEvent(event);
  if (E.isLeft(decoded)) {
    const { tag, details } = decoded.left;
    return [['data', `${event.type}@${event.version}`, `${tag}: ${details.join('; ')}`]];
  }
  const definition = definitionOf(decoded.right.type);
  const { data } = decoded.right;
  const found: Finding[] = [];
  // A strict codec gives the very object back when there is nothing to leave out; then nothing need be compared.
  const written =
    data === event.data ? E.right<never, Json>(event.data) : definition.asWritten(event.version, event.data);
  if (
    E.isRight(written) &&
    written.right !== event.data &&
    canonicalJson(written.right) !== canonicalJson(event.data)
  ) {
    found.push(['data', `only known fields: ${canonicalJson(written.right)}`, canonicalJson(event.data)]);
  }
  const stream = definition.stream(data);
  if (stream !== event.stream) found.push(['stream', stream, event.stream]);
  const id = definition.idOf(data);
  if (id !== event.id) found.push(['id', id, event.id]);
  return found;
};

const chain = (event: RecordedEvent, before: StreamState | undefined, leaf: string): readonly Damage[] => {
  const { position, stream, revision, id, type, meta } = event;
  const own = { position, stream, revision, id, type };
  const next = before === undefined ? 0 : before.revision + 1;
  if (revision !== next) return [{ ...own, check: 'revision', expected: String(next), got: String(revision) }];
  const prev = before?.leaf ?? null;
  if (meta.prev === prev) return [];
  // This event is whole, so what it says of its predecessor holds: the predecessor was rewritten, leaf and all.
  if (leaf === event.leaf && before !== undefined) {
    return [
      { ...before, stream, check: 'leaf', expected: `${meta.prev} (as revision ${revision} says)`, got: before.leaf },
    ];
  }
  return [{ ...own, check: 'prev', expected: String(prev), got: String(meta.prev) }];
};

/** Everything that can be checked of one event, given the event before it in its stream. */
export const checkEvent = (event: RecordedEvent, before: StreamState | undefined): readonly Damage[] => {
  const { position, stream, revision, id, type } = event;
  const computed = recomputed(event);
  const leaf = 'leaf' in computed ? computed.leaf : computed.message;
  const own: readonly Finding[] = leaf === event.leaf ? [] : [['leaf', leaf, event.leaf]];
  const found = chain(event, before, leaf);
  // Data that has no canonical form cannot be looked into any further.
  const inside = 'leaf' in computed ? content(event) : [];
  const rest = [...own, ...inside].map(([check, expected, got]): Damage => {
    return { position, stream, revision, id, type, check, expected, got };
  });
  return [...found, ...rest];
};
