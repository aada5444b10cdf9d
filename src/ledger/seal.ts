import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import type { Position, RecordedEvent } from '../../events/envelope';
import { decodeEvent } from '../../events/index';
import { ledgerSealed, type LedgerSealed } from '../../events/ledgerSealed';
import type { AppendError, EventLog } from '../ports/eventLog';
import { createMerkleTree, type MerkleTree } from './merkle';

/** How many events a prefix of the ledger has, and the Merkle root over their leaves. */
export interface LedgerRoot {
  readonly size: number;
  readonly root: Digest;
}

/** A prefix of the ledger that was read before: its last event, and its tree. */
export interface KnownPrefix {
  readonly end: Position | undefined;
  readonly tree: Pick<MerkleTree, 'subtrees'>;
}

/** The root over everything up to a position (inclusive), or over the whole ledger. A known prefix is not read again. */
export const rootOf = async (log: EventLog, until?: Position, known?: KnownPrefix): Promise<LedgerRoot> => {
  const after = known?.end;
  const tree = createMerkleTree(after === undefined ? [] : known?.tree.subtrees());
  const range = { ...(after !== undefined && { after }), ...(until !== undefined && { until }) };
  for await (const event of log.readAll(range)) tree.append(event.leaf);
  return { size: tree.size(), root: tree.root() };
};

export interface Sealed extends LedgerRoot {
  /** The LedgerSealed event. */
  readonly id: string;
  readonly position: Position;
  readonly signature: string | null;
  /** False when nothing was new since the last seal, which is then the one named here. */
  readonly written: boolean;
}

/** What a signature covers: these bytes, and nothing that another protocol could have signed. Ends with a line feed. */
export const sealMessage = ({ size, root }: LedgerRoot): string => `tripost-seal-v1\n${size}\n${root}\n`;

/** A seal as it lies on the ledger. */
export interface StoredSeal extends LedgerSealed {
  readonly id: string;
  readonly position: Position;
  readonly revision: number;
}

const storedSeal = (event: RecordedEvent): StoredSeal | undefined => {
  const decoded = decodeEvent(event);
  if (E.isLeft(decoded) || decoded.right.type !== 'LedgerSealed') return undefined;
  const { id, position, revision } = event;
  return { ...decoded.right.data, id, position, revision };
};

/** The ledger's seals, oldest first. Events of the stream that are no seals are left to `verify`. */
export const sealsOf = async (log: EventLog): Promise<readonly StoredSeal[]> => {
  const seals: StoredSeal[] = [];
  for await (const event of log.readStream('seals')) {
    const seal = storedSeal(event);
    if (seal !== undefined) seals.push(seal);
  }
  return seals;
};

const lastSeal = async (log: EventLog): Promise<StoredSeal | undefined> => {
  for await (const event of log.readStream('seals', { direction: 'backwards', max: 1 })) return storedSeal(event);
  return undefined;
};

const attempts = 5;

/**
 * Appends a LedgerSealed event over everything stored. A ledger whose last event is a seal of all before it is not
 * sealed again, unless `sign` gives that seal another signature than it has: then a new seal covers the old one too.
 * `sign` returns the signature of `sealMessage`; the key stays with the caller.
 */
export const seal = async (
  log: EventLog,
  options: { readonly sign?: (message: string) => string; readonly known?: KnownPrefix } = {},
): Promise<E.Either<AppendError, Sealed>> => {
  const { sign, known } = options;
  for (let attempt = 1; ; attempt++) {
    const previous = await lastSeal(log);
    const head = await log.head();
    if (
      previous !== undefined &&
      previous.position === head.position &&
      previous.size === head.size - 1 &&
      (sign === undefined || sign(sealMessage(previous)) === previous.signature)
    ) {
      const { size, root, id, position, signature } = previous;
      return E.right({ size, root, id, position, signature, written: false });
    }
    const { size, root } = await rootOf(log, head.position, known);
    const signature = sign?.(sealMessage({ size, root })) ?? null;
    const event = ledgerSealed.create({ size, root, previousSeal: previous?.id ?? null, signature });
    const appended = await log.append('seals', previous?.revision ?? 'noStream', [event])();
    if (E.isRight(appended)) {
      const { position } = appended.right;
      return E.right({ size, root, id: event.id, position, signature, written: true });
    }
    // With a wrong revision another writer has sealed in the meantime: look again.
    if (appended.left.tag !== 'WrongExpectedRevision' || attempt === attempts) return appended;
  }
};
