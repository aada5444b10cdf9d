import type { Connection } from './connection';
import { isBusy, StoreFailure } from './errors';
import { holderOf, pauseMilliseconds, type Turn } from './fileLock';

/**
 * How long a writer may go on in one turn, in milliseconds, and so how long the next one waits; asking for a turn before
 * every transaction would cost a tenth of a single append.
 */
const sliceMilliseconds = 4;
/** How long who has the turn asks for the write lock at every turn of the event loop, in milliseconds. */
const eagerMilliseconds = 2 * sliceMilliseconds;

/** SQLite's write lock on the ledger, in turns with other processes. */
export interface WriteLock {
  /**
   * `taken`: a transaction is open, and committing it gives the lock back. Else how many milliseconds to wait before
   * asking again (0: a turn of the event loop). Throws `Locked` when its turn has not come within its patience.
   */
  tryTake(): 'taken' | number;
}

export interface WriteLockOptions {
  readonly path: string;
  /** Longest wait for one transaction's turn, in milliseconds. */
  readonly patience: number;
  /** What has to be done once, before anything is written: nobody else writes meanwhile, and no transaction is open. */
  readonly beforeWriting: () => void;
}

export const createWriteLock = (connection: Connection, turn: Turn, options: WriteLockOptions): WriteLock => {
  /** Since when this writer waits; undefined: it does not. */
  let since: number | undefined;
  /** Since when it has the turn and waits for SQLite's lock. */
  let turnSince: number | undefined;
  /** When it last had the turn. */
  let slice = -Infinity;

  const begin = (): boolean => {
    try {
      connection.attempt('BEGIN IMMEDIATE');
      return true;
    } catch (failure) {
      if (isBusy(failure)) return false;
      throw failure;
    }
  };

  const end = (): void => {
    if (turnSince !== undefined) turn.give();
    turnSince = undefined;
    since = undefined;
  };

  const taken = (now: number): 'taken' => {
    if (turnSince !== undefined) slice = now;
    end();
    return 'taken';
  };

  const tryOnce = (): 'taken' | number => {
    const now = performance.now();
    since ??= now;
    if (now - slice < sliceMilliseconds && begin()) return taken(now);
    if (turnSince === undefined && turn.take()) turnSince = now;
    if (turnSince !== undefined) {
      options.beforeWriting();
      if (begin()) return taken(now);
    }
    if (now - since > options.patience) {
      const where = turnSince === undefined ? `${options.path}.lock` : options.path;
      throw new StoreFailure({ tag: 'Locked', where, holder: holderOf(where) });
    }
    // Whoever writes now is done in a fraction of a millisecond as a rule.
    return turnSince !== undefined && now - turnSince < eagerMilliseconds ? 0 : pauseMilliseconds;
  };

  return {
    tryTake: () => {
      try {
        return tryOnce();
      } catch (failure) {
        end();
        throw failure;
      }
    },
  };
};
