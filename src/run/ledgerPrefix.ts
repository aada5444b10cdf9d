import * as E from 'fp-ts/Either';
import { leafOfText, type Position, type StoredEvent } from '../../events/envelope';
import { decodeStored, isKnownEvent, type DecodeError } from '../../events/index';
import { isFolded, TrajectoryStore } from '../../projections/compact/trajectoryStore';
import { createMerkleTree, type MerkleTree } from '../ledger/merkle';
import type { EventLog } from '../ports/eventLog';

/** A prefix of a ledger, folded for deriving: no texts, but where they are. */
export interface FoldedPrefix {
  readonly store: TrajectoryStore;
  readonly tree: Pick<MerkleTree, 'size' | 'root' | 'subtrees'>;
  /** Its last event; undefined: it has none. */
  readonly end: Position | undefined;
}

const changed = (event: StoredEvent, leaf: string): DecodeError => {
  const { id: eventId, stream, revision, type, version } = event;
  const detail = `its leaf hash is ${event.leaf}, its content gives ${leaf}: it was changed after it was written`;
  return { tag: 'BadData', eventId, stream, revision, type, version, details: [detail] };
};

/**
 * A ledger as far as this process has read it. Every event is read once and held against its leaf hash, as text; only what
 * belongs to trajectories is parsed and decoded. Whoever comes again finds it read up to where it was: a comparison of many
 * cells on one ledger reads no event once per cell.
 */
export class LedgerPrefix {
  private store = new TrajectoryStore();
  private tree = createMerkleTree();
  private end: Position | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly log: EventLog) {}

  /** Reads on to the end of the ledger, then does this work, during which nothing more is folded; one at a time. */
  use<T>(work: (prefix: FoldedPrefix) => Promise<T>): Promise<E.Either<DecodeError, T>> {
    const done = this.turn.then(async (): Promise<E.Either<DecodeError, T>> => {
      const failed = await this.readOn();
      if (failed !== undefined) return E.left(failed);
      const { store, tree, end } = this;
      return E.right(await work({ store, tree, end }));
    });
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async readOn(): Promise<DecodeError | undefined> {
    try {
      for await (const page of this.log.readPages(this.end === undefined ? {} : { after: this.end }))
        for (const stored of page) {
          const failed = this.take(stored);
          if (failed === undefined) continue;
          this.forget();
          return failed;
        }
      return undefined;
    } catch (failure) {
      this.forget();
      throw failure;
    }
  }

  private take(stored: StoredEvent): DecodeError | undefined {
    const leaf = leafOfText(stored);
    if (leaf !== stored.leaf) return changed(stored, leaf);
    if (isFolded(stored.type) || !isKnownEvent(stored)) {
      const decoded = decodeStored(stored);
      if (E.isLeft(decoded)) return decoded.left;
      this.store.apply(decoded.right);
    }
    this.tree.append(leaf);
    this.end = stored.position;
    return undefined;
  }

  /** After a failure in the middle of a reading: what comes next starts anew. */
  private forget(): void {
    this.store = new TrajectoryStore();
    this.tree = createMerkleTree();
    this.end = undefined;
  }
}
