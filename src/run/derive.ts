import * as E from 'fp-ts/Either';
import { datasetDerived, type DatasetDerived } from '../../events/datasetDerived';
import type { Digest } from '../../events/digest';
import { decodeEvent, decodeStored, type DecodeError, type LedgerEvent } from '../../events/index';
import type { TrajectoryStore } from '../../projections/compact/trajectoryStore';
import { datasetDerivedOf, manifestBytesOf, rowOf, settle, type Settled } from '../../projections/deriveDataset';
import type { Policy } from '../../projections/policies/policy';
import type { Work } from '../../projections/policies/rule';
import type { Scope } from '../../projections/policies/scope';
import { parseRows, toLines, type Decision, type Manifest, type Row } from '../../projections/replayDataset';
import type { TextSource } from '../../projections/trajectory';
import { appendOnce } from '../ledger/openStream';
import type { BlobError, BlobStore } from '../ports/blobStore';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { Tokenizer } from '../train/tokenizer';
import { counterOf } from './counter';
import { LedgerPrefix, type FoldedPrefix } from './ledgerPrefix';

export interface DeriveRequest {
  readonly policy: Policy;
  readonly seed: number;
  readonly scope: Partial<Scope>;
  /** Counts row lengths for a policy with `maxTokens`. */
  readonly tokenizer?: Tokenizer;
}

export type DeriveError =
  | AppendError
  | BlobError
  | DecodeError
  | { readonly tag: 'DatasetUnreadable'; readonly dataset: Digest; readonly message: string };

/** Thrown while a dataset is written, to leave the writing with what is wrong in the ledger. */
class Unreadable extends Error {
  constructor(readonly reason: DecodeError) {
    super(reason.tag);
  }
}

/** Reads the texts of these back, in place of those read before. */
const readTexts = async (log: EventLog, store: TrajectoryStore, texts: readonly TextSource[]): Promise<void> => {
  const events: LedgerEvent[] = [];
  for (const stored of await log.readAt(store.positionsOf(texts))) {
    const decoded = decodeStored(stored);
    if (E.isLeft(decoded)) throw new Unreadable(decoded.left);
    events.push(decoded.right);
  }
  store.take(texts, events);
};

/** Does work, reading the texts that it asks for. */
const doWork = async <T>(work: Work<T>, read: (texts: readonly TextSource[]) => Promise<void>): Promise<T> => {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await read(step.value.texts);
  }
};

/** Rows whose texts are in memory at once, and decisions that are written at once. */
const atOnce = 20;

async function* rowPieces(
  { all, ordered, policy }: Settled,
  read: (texts: readonly TextSource[]) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < ordered.length; from += atOnce) {
    const some = ordered.slice(from, from + atOnce);
    await read(some.flatMap(({ sections }) => sections.map(({ source }) => source)));
    yield toLines(some.map((unit) => rowOf(unit, policy, all)));
  }
}

async function* decisionPieces({ decisions }: Settled): AsyncGenerator<Uint8Array> {
  let some: Decision[] = [];
  for (const decision of decisions()) {
    some.push(decision);
    if (some.length < atOnce) continue;
    yield toLines(some);
    some = [];
  }
  if (some.length > 0) yield toLines(some);
}

/** The same rows and decisions under the same policy, seed and scope: the ledger grew, but nothing that this asks about did. */
const isSame = (a: DatasetDerived, b: DatasetDerived): boolean =>
  a.dataset === b.dataset &&
  a.decisions === b.decisions &&
  a.policy.digest === b.policy.digest &&
  a.seed === b.seed &&
  a.scope.runId === b.scope.runId &&
  a.scope.iteration === b.scope.iteration &&
  a.scope.problemSet === b.scope.problemSet &&
  a.tokenizer === b.tokenizer;

/** A dataset that lies in the blob store. */
export interface DerivedDataset {
  readonly manifest: Manifest;
  readonly event: DatasetDerived;
}

/** The derivation that is on the ledger already, if it is. */
const recordedBefore = async (
  log: EventLog,
  event: DatasetDerived,
): Promise<E.Either<DecodeError, DatasetDerived | undefined>> => {
  for await (const recorded of log.readStream(datasetDerived.stream(event))) {
    const decoded = decodeEvent(recorded);
    if (E.isLeft(decoded)) return decoded;
    const { right: known } = decoded;
    if (known.type === 'DatasetDerived' && isSame(known.data, event)) return E.right(known.data);
  }
  return E.right(undefined);
};

/** What deriving needs of this process. `prefix`: the ledger as it was read before, so that it is not read again. */
export interface DerivePorts {
  readonly log: EventLog;
  readonly blobs: BlobStore;
  readonly prefix?: LedgerPrefix;
}

const deriveFrom = async (
  { store, tree }: FoldedPrefix,
  request: DeriveRequest,
  { log, blobs }: DerivePorts,
): Promise<E.Either<DeriveError, DerivedDataset>> => {
  const { tokenizer, policy, seed, scope } = request;
  const read = (texts: readonly TextSource[]): Promise<void> => readTexts(log, store, texts);
  const ledger = { size: tree.size(), root: tree.root() };
  const options = { seed, scope, ledger, ...(tokenizer === undefined ? {} : counterOf(tokenizer)) };
  try {
    const settled = await doWork(settle(store.view(), policy, options), read);
    const rows = await blobs.putStream(rowPieces(settled, read))();
    if (E.isLeft(rows)) return rows;
    const decisions = await blobs.putStream(decisionPieces(settled))();
    if (E.isLeft(decisions)) return decisions;
    const manifest = settled.manifest(rows.right, decisions.right);
    const manifestBytes = manifestBytesOf(manifest);
    const put = await blobs.put(manifestBytes)();
    if (E.isLeft(put)) return put;
    const event = datasetDerivedOf({ manifest, policy, manifestBytes });
    const known = await recordedBefore(log, event);
    if (E.isLeft(known)) return known;
    if (known.right !== undefined) return E.right({ manifest, event: known.right });
    const { runId } = event.scope;
    const created = datasetDerived.create(event, runId === null ? {} : { correlation: runId });
    const appended = await appendOnce(log, datasetDerived.stream(event), created);
    return E.isLeft(appended) ? appended : E.right({ manifest, event });
  } catch (failure) {
    if (failure instanceof Unreadable) return E.left(failure.reason);
    throw failure;
  }
};

/**
 * Derives a dataset from the ledger as it is now and records it: rows, decisions and manifest go to the blob store, a
 * DatasetDerived event names them. No model is called. The same prefix and policy give the same bytes.
 *
 * The ledger is read once for everything but texts, which are read back in batches where a rule measures them and where
 * they are written. Memory grows with the number of candidates, never with their texts.
 */
export const derive = async (
  request: DeriveRequest,
  ports: DerivePorts,
): Promise<E.Either<DeriveError, DerivedDataset>> => {
  const { log, prefix = new LedgerPrefix(log) } = ports;
  return E.flatten<DeriveError, DerivedDataset>(await prefix.use((folded) => deriveFrom(folded, request, ports)));
};

/** The rows of a dataset that was derived before, from the blob store, checked against its digest. */
export const loadRows = async (blobs: BlobStore, dataset: Digest): Promise<E.Either<DeriveError, readonly Row[]>> => {
  const bytes = await blobs.get(dataset)();
  if (E.isLeft(bytes)) return bytes;
  return E.mapLeft((message: string): DeriveError => ({ tag: 'DatasetUnreadable', dataset, message }))(
    parseRows(bytes.right),
  );
};
