import type { Connection } from './connection';
import { isBusy, StoreFailure } from './errors';
import { holderOf, type Turn } from './fileLock';

/**
 * How long a writer may go on in one turn, in milliseconds, and so how long the next one waits. Asking for a turn before
 * every transaction would cost a tenth of a single append, and handing it over costs both a pause.
 */
const sliceMilliseconds = 10;

/** SQLite's write lock on the ledger, in turns with other processes. */
export interface WriteLock {
  /**
   * True: a transaction is open, and committing it gives the lock back. False: ask again after a pause. Throws `Locked`
   * when its turn has not come within its patience.
   */
  tryTake(): boolean;
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
  /** It has the turn, and waits for SQLite's lock: nobody can get in before it. */
  let next = false;
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
    if (next) turn.give();
    next = false;
    since = undefined;
  };

  const tryOnce = (): boolean => {
    const now = performance.now();
    since ??= now;
    if (now - slice < sliceMilliseconds && begin()) return true;
    if (!next) next = turn.take();
    if (next) {
      options.beforeWriting();
      if (begin()) {
        slice = now;
        return true;
      }
    }
    if (now - since <= options.patience) return false;
    const where = next ? options.path : `${options.path}.lock`;
    throw new StoreFailure({ tag: 'Locked', where, holder: holderOf(where) });
  };

  return {
    tryTake: () => {
      try {
        const taken = tryOnce();
        if (taken) end();
        return taken;
      } catch (failure) {
        end();
        throw failure;
      }
    },
  };
};
