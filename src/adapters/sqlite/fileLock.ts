import { closeSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connectToLock, type Connection } from './connection';
import { isBusy, isNotADatabase, part, StoreFailure } from './errors';

/** `shared`: any number hold it at the same time. `exclusive`: one holds it, and nobody shares it. */
export type Level = 'shared' | 'exclusive';

export interface FileLock {
  /**
   * Gives the lock up. Where nobody else holds it, `last` runs before anybody can take it, and the file goes away.
   * Says whether this was the last holder.
   */
  leave(last?: () => void): Promise<boolean>;
}

/** Between two tries. Equal for all, so that of several that wait each has the same chance. */
export const pauseMilliseconds = 1;

/** Tries of who leaves to be alone: two that leave at the same moment can each be in the other's way for microseconds. */
const leavingTries = 10;

/** What tells one file from another of the same name: it is removed by the last holder, and made again by the next. */
const identity = (path: string): string | undefined => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}:${found.birthtimeNs}`;
};

/** Never opens a file that is there: closing it would drop the locks that this process holds on it (POSIX). */
const make = (path: string): void => {
  try {
    closeSync(openSync(path, 'wx'));
  } catch (failure) {
    if (part(failure, 'code') !== 'EEXIST') throw failure;
  }
};

const wordsOf = (pid: string): string => {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, 3);
    return words.map((word) => basename(word)).join(' ');
  } catch {
    return 'not of this user';
  }
};

/** Who holds a lock on the file, as Linux tells it; elsewhere nobody can tell. */
export const holderOf = (path: string): string => {
  try {
    const inode = String(statSync(path).ino);
    const lines = readFileSync('/proc/locks', 'utf8').split('\n');
    const fields = lines.map((line) => line.trim().split(/\s+/)).filter((words) => words[1] === 'POSIX');
    const pids = fields.filter((words) => words[5]?.split(':')[2] === inode).map((words) => words[4] ?? '0');
    const known = [...new Set(pids)].filter((pid) => Number(pid) > 0);
    if (known.length > 0) return known.map((pid) => `process ${pid} (${wordsOf(pid)})`).join(', ');
  } catch {
    // No /proc, or the file is gone by now.
  }
  return 'another process';
};

const locked = (path: string, holder: string): StoreFailure => new StoreFailure({ tag: 'Locked', where: path, holder });

/** Takes a lock by a statement, or says that somebody else has it. */
const takes = (connection: Connection, path: string, sql: string): boolean => {
  try {
    connection.attempt(sql);
    return true;
  } catch (failure) {
    if (isNotADatabase(failure))
      throw locked(path, 'nobody: the file holds something else. Delete it if nobody writes');
    if (!isBusy(failure)) throw failure;
    if (connection.inTransaction()) connection.exec('ROLLBACK');
    return false;
  }
};

/** Nothing is ever written, and a journal in memory leaves no file either. */
const exclusively = 'PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE';
/** A deferred transaction takes the shared lock with its first read. */
const sharing = 'PRAGMA journal_mode = MEMORY; BEGIN; SELECT count(*) FROM sqlite_master';

const held = (connection: Connection, path: string, level: Level, file: string): FileLock => ({
  leave: async (last) => {
    let alone = level === 'exclusive';
    if (!alone) connection.exec('ROLLBACK');
    for (let tries = 0; !alone && tries < leavingTries; tries++) {
      if (tries > 0) await setTimeout(pauseMilliseconds);
      alone = takes(connection, path, exclusively);
    }
    // Somebody else may have come, been the last, and removed the file, all since we gave up our share of it. What goes
    // by its name now is others'.
    alone &&= identity(path) === file;
    try {
      if (alone) last?.();
    } finally {
      // Where an open file cannot be removed it stays, which is harmless.
      if (alone) rmSync(path, { force: true, maxRetries: 0 });
      connection.close();
    }
    return alone;
  },
});

const attempt = (path: string, level: Level): FileLock | undefined => {
  make(path);
  const before = identity(path);
  const connection = connectToLock(path);
  try {
    const taken = takes(connection, path, level === 'shared' ? sharing : exclusively);
    // The last holder may have removed the file between our finding it and our lock on it.
    if (taken && before !== undefined && identity(path) === before) return held(connection, path, level, before);
  } catch (failure) {
    connection.close();
    throw failure;
  }
  connection.close();
  return undefined;
};

export interface Patience {
  /** Longest wait, in milliseconds. */
  readonly patience: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
}

/** Asks again until it is there; throws `Locked` when patience is at its end. */
export const untilThere = async <T>(
  path: string,
  { patience, signal }: Patience,
  ask: () => T | undefined,
): Promise<T> => {
  const until = performance.now() + patience;
  for (;;) {
    const got = ask();
    if (got !== undefined) return got;
    if (performance.now() >= until || signal?.aborted === true) throw locked(path, holderOf(path));
    await setTimeout(pauseMilliseconds);
  }
};

/**
 * A lock that several processes of one machine hold or wait for: SQLite's own locks on an empty file. The system drops
 * them when a process ends, however it ends, so that there is nothing to clean up and no process to be guessed dead.
 */
export const acquire = (path: string, level: Level, patience: Patience): Promise<FileLock> =>
  untilThere(path, patience, () => attempt(path, level));

/** The right to be the next one to write. */
export interface Turn {
  take(): boolean;
  give(): void;
  close(): void;
}

/**
 * A turnstile before SQLite's write lock. Who wants to write first takes the turn, then the write lock, and only then
 * gives the turn away: who has just written cannot push in before one who waits. SQLite alone is unfair here: of two
 * busy writers one can starve for seconds. Needs the shared lock on the same file.
 */
export const turnOf = (path: string): Turn => {
  const connection = connectToLock(path);
  connection.exec('PRAGMA journal_mode = MEMORY');
  return {
    take: () => takes(connection, path, 'BEGIN IMMEDIATE'),
    give: () => connection.exec('ROLLBACK'),
    close: () => connection.close(),
  };
};
