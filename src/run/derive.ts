import * as E from 'fp-ts/Either';
import { datasetDerived, type DatasetDerived } from '../../events/datasetDerived';
import type { Digest } from '../../events/digest';
import { leafHash } from '../../events/envelope';
import { decodeEvent, type DecodeError, type LedgerEvent } from '../../events/index';
import { datasetDerivedOf, deriveDataset, type Derived } from '../../projections/deriveDataset';
import type { Policy } from '../../projections/policies/policy';
import { parseRows, type Row } from '../../projections/replayDataset';
import { appendOnce } from '../ledger/openStream';
import { createMerkleTree } from '../ledger/merkle';
import type { BlobError, BlobStore } from '../ports/blobStore';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { Tokenizer } from '../train/tokenizer';
import { counterOf } from './counter';

export interface DeriveRequest {
  readonly policy: Policy;
  readonly seed: number;
  readonly scope: { readonly runId?: string; readonly iteration?: number; readonly problemSet?: string };
  /** Counts row lengths for a policy with `maxTokens`. */
  readonly tokenizer?: Tokenizer;
}

export type DeriveError =
  | AppendError
  | BlobError
  | DecodeError
  | { readonly tag: 'DatasetUnreadable'; readonly dataset: Digest; readonly message: string };

/** The whole ledger, decoded, with its Merkle root; every event is held against its leaf hash on the way. */
export const readLedger = async (
  log: EventLog,
): Promise<
  E.Either<DecodeError, { readonly events: readonly LedgerEvent[]; readonly size: number; readonly root: Digest }>
> => {
  const events: LedgerEvent[] = [];
  const tree = createMerkleTree();
  for await (const recorded of log.readAll()) {
    tree.append(recorded.leaf);
    const leaf = leafHash(recorded);
    if (leaf !== recorded.leaf) {
      const { id: eventId, stream, revision, type, version } = recorded;
      const details = [
        `its leaf hash is ${recorded.leaf}, its content gives ${leaf}: it was changed after it was written`,
      ];
      return E.left({ tag: 'BadData', eventId, stream, revision, type, version, details });
    }
    const decoded = decodeEvent(recorded);
    if (E.isLeft(decoded)) return decoded;
    events.push(decoded.right);
  }
  return E.right({ events, size: events.length, root: tree.root() });
};

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

/**
 * Derives a dataset from the ledger as it is now and records it: rows, decisions and manifest go to the blob store, a
 * DatasetDerived event names them. No model is called. The same prefix and policy give the same bytes.
 */
export const derive = async (
  request: DeriveRequest,
  { log, blobs }: { readonly log: EventLog; readonly blobs: BlobStore },
): Promise<E.Either<DeriveError, { readonly derived: Derived; readonly event: DatasetDerived }>> => {
  const ledger = await readLedger(log);
  if (E.isLeft(ledger)) return ledger;
  const { events, size, root } = ledger.right;
  const { tokenizer, policy, seed, scope } = request;
  const derived = deriveDataset(events, policy, {
    seed,
    scope,
    ledger: { size, root },
    ...(tokenizer === undefined ? {} : counterOf(tokenizer)),
  });
  for (const bytes of [derived.datasetBytes, derived.decisionsBytes, derived.manifestBytes]) {
    const put = await blobs.put(bytes)();
    if (E.isLeft(put)) return put;
  }
  const event = datasetDerivedOf(derived);
  const known = events.find((one) => one.type === 'DatasetDerived' && isSame(one.data, event));
  if (known?.type === 'DatasetDerived') return E.right({ derived, event: known.data });
  const created = datasetDerived.create(event, scope.runId === undefined ? {} : { correlation: scope.runId });
  const appended = await appendOnce(log, datasetDerived.stream(event), created);
  return E.isLeft(appended) ? appended : E.right({ derived, event });
};

/** The rows of a dataset that was derived before, from the blob store, checked against its digest. */
export const loadRows = async (blobs: BlobStore, dataset: Digest): Promise<E.Either<DeriveError, readonly Row[]>> => {
  const bytes = await blobs.get(dataset)();
  if (E.isLeft(bytes)) return bytes;
  return E.mapLeft((message: string): DeriveError => ({ tag: 'DatasetUnreadable', dataset, message }))(
    parseRows(bytes.right),
  );
};
