import * as E from 'fp-ts/Either';
import { canonicalJson } from '../../events/digest';
import { leafHash, type NewEvent, type Position, type RecordedEvent } from '../../events/envelope';
import { LogReadError, type AppendError, type EventLog } from '../ports/eventLog';
import { createMerkleTree, type MerkleTree } from './merkle';
import type { LedgerRoot } from './seal';

export type CopyError =
  /** The target is no beginning of the source; `position` counts events from 1. */
  | { readonly tag: 'CopyDiffers'; readonly position: number; readonly expected: string; readonly got: string }
  | { readonly tag: 'RootsDiffer'; readonly from: LedgerRoot; readonly to: LedgerRoot };

/** How far a target is a copy of a source already. */
export interface Present {
  /** Events that both begin with. */
  readonly size: number;
  /** The source's position of the last of them. */
  readonly after: Position | undefined;
  /** What the source holds behind them when this is asked. */
  readonly missing: number;
  /** The source's last position then: what comes later is not copied. */
  readonly until: Position | undefined;
  /** The source's leaves so far. */
  readonly tree: MerkleTree;
}

export interface Copied {
  readonly from: LedgerRoot;
  /** Computed from what the target gives back, event by event. */
  readonly to: LedgerRoot;
  /** Events that were there already, and those that were appended now. */
  readonly present: number;
  readonly appended: number;
}

export interface CopyOptions {
  /**
   * How many appends are asked for at once. More than one only of a store that performs them in that order and in one
   * transaction (the file's group commit); 1 unless told otherwise: each append waits for the answer to the one before.
   */
  readonly together?: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** An event is copied, and counted, only with the leaf hash that its content gives. */
const checkedLeaf = (event: RecordedEvent, where: string): string => {
  const { stream, revision, id, position, leaf } = event;
  const computed = leafHash(event);
  if (computed === leaf) return leaf;
  const message = `leaf hash of event ${id}: expected ${computed}, got ${leaf}`;
  throw new LogReadError(
    { tag: 'Damaged', where: `the ${where}, stream ${stream}, revision ${revision}`, message },
    { position, stream, revision, id },
  );
};

const told = (event: RecordedEvent | undefined): string =>
  event === undefined ? 'none' : `${event.type} ${event.id} at ${event.stream}@${event.revision}, leaf ${event.leaf}`;

/** Holds the target's events against the source's, in the order of both. */
export const present = async (from: EventLog, to: EventLog): Promise<E.Either<CopyError, Present>> => {
  const { position: until, size: total } = await from.head();
  const tree = createMerkleTree();
  const source = from.readAll(until === undefined ? { max: 0 } : { until })[Symbol.asyncIterator]();
  let after: Position | undefined;
  try {
    for await (const got of to.readAll()) {
      const next = await source.next();
      const expected = next.done === true ? undefined : next.value;
      const [own, other] = [expected && checkedLeaf(expected, 'source'), checkedLeaf(got, 'target')];
      if (expected === undefined || own !== other) {
        return E.left({ tag: 'CopyDiffers', position: tree.size() + 1, expected: told(expected), got: told(got) });
      }
      tree.append(other);
      after = expected.position;
    }
  } finally {
    await source.return?.();
  }
  return E.right({ size: tree.size(), after, missing: total - tree.size(), until, tree });
};

/** A batch is one append: events of one stream that come one behind the other, up to so many and so much text. */
const mostEvents = 500;
const mostCharacters = 200_000;
type Batch = readonly [RecordedEvent, ...RecordedEvent[]];

const isBatch = (events: readonly RecordedEvent[]): events is Batch => events.length > 0;

/** The event as a writer hands it over. (`storedMeta` of the target gives it the same predecessor.) */
const asNew = ({ id, type, version, data, meta, observed }: RecordedEvent): NewEvent => {
  const { prev: _, ...given } = meta;
  return { id, type, version, data, meta: given, ...(observed === null ? {} : { observed }) };
};

/** Cuts a log into batches; from the same event on, always the same ones, so that a copy that was killed meets no half. */
const batches = async function* (events: AsyncIterable<RecordedEvent>): AsyncGenerator<Batch> {
  let batch: RecordedEvent[] = [];
  let characters = 0;
  for await (const event of events) {
    const own = canonicalJson(event.data).length;
    const full = batch.length === mostEvents || characters + own > mostCharacters;
    if (isBatch(batch) && (full || batch[0].stream !== event.stream)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(event);
    characters += own;
  }
  if (isBatch(batch)) yield batch;
};

/** So many batches at a time. */
const grouped = async function* <T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
};

/** The root over what a log gives back, each leaf computed anew from the content. */
const provenRoot = async (log: EventLog, where: string): Promise<LedgerRoot> => {
  const tree = createMerkleTree();
  for await (const event of log.readAll()) tree.append(checkedLeaf(event, where));
  return { size: tree.size(), root: tree.root() };
};

/**
 * Appends what the target lacks, in the order of the source, so that the target is a beginning of it at any moment, and reads all of the target back at the end. Ids, data, meta, revisions and `observed` are kept, and with
 * them every leaf and every root; position and `recordedAt` are the target's own (nothing hashed has them).
 * Stopped by the signal it ends early, with what it has; `to` is then undefined.
 */
export const copyBehind = async (
  from: EventLog,
  to: EventLog,
  { size, after, missing, until, tree }: Present,
  { signal, onProgress, together = 1 }: CopyOptions,
): Promise<E.Either<CopyError | AppendError, Copied | { readonly stoppedAt: number }>> => {
  const total = size + missing;
  const rest =
    missing === 0 || until === undefined
      ? from.readAll({ max: 0 })
      : from.readAll({ until, ...(after === undefined ? {} : { after }) });
  const appendBatch = (batch: Batch) => {
    for (const event of batch) tree.append(checkedLeaf(event, 'source'));
    const [{ stream, revision }] = batch;
    return to.append(stream, revision === 0 ? 'noStream' : revision - 1, batch.map(asNew))();
  };
  for await (const group of grouped(batches(rest), together)) {
    if (signal.aborted) return E.right({ stoppedAt: tree.size() });
    const results = await Promise.all(group.map(appendBatch));
    for (const appended of results) if (E.isLeft(appended)) return appended;
    onProgress(tree.size(), total);
  }
  const own = { size: tree.size(), root: tree.root() };
  const other = await provenRoot(to, 'target');
  if (own.size !== other.size || own.root !== other.root) return E.left({ tag: 'RootsDiffer', from: own, to: other });
  return E.right({ from: own, to: other, present: size, appended: own.size - size });
};
