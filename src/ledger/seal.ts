import * as E from 'fp-ts/Either';
import { canonicalJson, type Digest } from '../../events/digest';
import type { Position, RecordedEvent } from '../../events/envelope';
import { decodeEvent } from '../../events/index';
import { ledgerSealed, type LedgerSealed } from '../../events/ledgerSealed';
import type { AppendError, EventLog } from '../ports/eventLog';
import { createMerkleTree } from './merkle';

/** How many events a prefix of the ledger has, and the Merkle root over their leaves. */
export interface LedgerRoot {
  readonly size: number;
  readonly root: Digest;
}

/** The root over everything up to a position (inclusive), or over the whole ledger. */
export const rootOf = async (log: EventLog, until?: Position): Promise<LedgerRoot> => {
  const tree = createMerkleTree();
  for await (const event of log.readAll(until === undefined ? {} : { until })) tree.append(event.leaf);
  return { size: tree.size(), root: tree.root() };
};

export interface Sealed extends LedgerRoot {
  /** The LedgerSealed event. */
  readonly id: string;
  readonly position: Position;
  /** False when nothing was new since the last seal, which is then the one named here. */
  readonly written: boolean;
}

/** What a signature covers: canonical JSON of everything in the seal but the signature. */
export const sealText = (seal: Omit<LedgerSealed, 'signature'>): string =>
  canonicalJson({ size: seal.size, root: seal.root, previousSeal: seal.previousSeal });

const lastSeal = async (log: EventLog): Promise<(RecordedEvent & { readonly seal: LedgerSealed }) | undefined> => {
  for await (const event of log.readStream('seals', { direction: 'backwards', max: 1 })) {
    const decoded = decodeEvent(event);
    if (E.isRight(decoded) && decoded.right.type === 'LedgerSealed') return { ...event, seal: decoded.right.data };
  }
  return undefined;
};

const attempts = 5;

/**
 * Appends a LedgerSealed event over everything stored. A ledger whose last event is a seal of all before it is not
 * sealed again. `sign` returns the signature of `sealText`; the key stays with the caller.
 */
export const seal = async (
  log: EventLog,
  options: { readonly sign?: (text: string) => string } = {},
): Promise<E.Either<AppendError, Sealed>> => {
  for (let attempt = 1; ; attempt++) {
    const previous = await lastSeal(log);
    const head = await log.head();
    if (previous !== undefined && previous.position === head.position && previous.seal.size === head.size - 1) {
      const { size, root } = previous.seal;
      return E.right({ size, root, id: previous.id, position: previous.position, written: false });
    }
    const unsigned = { ...(await rootOf(log, head.position)), previousSeal: previous?.id ?? null };
    const event = ledgerSealed.create({ ...unsigned, signature: options.sign?.(sealText(unsigned)) ?? null });
    const appended = await log.append('seals', previous?.revision ?? 'noStream', [event])();
    if (E.isRight(appended)) {
      const { position } = appended.right;
      return E.right({ size: unsigned.size, root: unsigned.root, id: event.id, position, written: true });
    }
    // With a wrong revision another writer has sealed in the meantime: look again.
    if (appended.left.tag !== 'WrongExpectedRevision' || attempt === attempts) return appended;
  }
};
