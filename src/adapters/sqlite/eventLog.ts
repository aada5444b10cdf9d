import { dirname } from 'node:path';
import { mkdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import { positionOf, type RecordedEvent } from '../../../events/envelope';
import { prepareAll } from '../../../events/prepare';
import {
  LogReadError,
  type AppendError,
  type CaughtUp,
  type EventLog,
  type Follow,
  type ReadAll,
  type StoreError,
} from '../../ports/eventLog';
import { createAppender, type Appender } from './appender';
import { checkStorage, type StorageReport } from './checkStorage';
import { digestOnRecord, digestThroughSqlite, removeDigest, settle } from './closing';
import { connect, type Connection } from './connection';
import { StoreFailure, toStoreError } from './errors';
import { acquireLock, type Lock } from './lockFile';
import { createReader, filterSql, type Reader } from './reader';
import { numberOf } from './rows';
import { checkSchema, mustExist } from './schema';

const last = Number.MAX_SAFE_INTEGER;
/** How often a follower looks for what another process has written. */
const pollMilliseconds = 50;

export interface SqliteLogOptions {
  readonly path: string;
  /** One process writes at a time; any number reads, also while it writes. A reader changes nothing on disk. */
  readonly mode: 'read' | 'write';
  readonly now: () => string;
  /** For the lock file, so that a refused writer learns who writes. */
  readonly command: string;
}

export type SqliteLog = EventLog & {
  /** Checks of the file itself: digest, SQLite's integrity check, the head. */
  checkStorage(): Promise<StorageReport>;
};

/** What a writer has and a reader has not. */
interface Writing {
  readonly lock: Lock;
  readonly appender: Appender;
  /** Whether this session has changed the file. */
  readonly wrote: () => boolean;
}

const startWriting = (
  connection: Connection,
  reader: Reader,
  lock: Lock,
  options: SqliteLogOptions,
  wake: () => void,
): Writing => {
  const { position, headSize, headPosition } = reader.last();
  if (position !== headPosition) {
    const message = `the head says ${headSize} events up to position ${headPosition}, the last one stored is at ${position}`;
    throw new StoreFailure({ tag: 'Damaged', where: options.path, message });
  }
  // Closing writes a fresh digest over whatever is there, so a change that nobody made here must be noticed now.
  const expected = digestOnRecord(options.path);
  const got = expected === undefined ? undefined : digestThroughSqlite(connection).sha256;
  if (expected !== got) {
    const message = `the file has changed since it was closed: expected SHA-256 ${expected}, got ${got}`;
    throw new StoreFailure({ tag: 'Damaged', where: options.path, message });
  }
  let wrote = false;
  const beforeWriting = (): void => {
    if (wrote) return;
    removeDigest(options.path);
    connection.exec('PRAGMA journal_mode = WAL');
    wrote = true;
  };
  const { path, now } = options;
  const appender = createAppender(connection, { path, now, beforeWriting, committed: wake });
  return { lock, appender, wrote: () => wrote };
};

const createLog = (connection: Connection, options: SqliteLogOptions, lock: Lock | undefined): SqliteLog => {
  const { path } = options;
  const reader = createReader(connection, path);
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const resolve of waiting) resolve();
  };
  const writing = lock && startWriting(connection, reader, lock, options, wake);
  const state = { closed: false };

  const unavailable = (message: string): StoreError => ({ tag: 'Unavailable', where: path, message });
  const mustBeOpen = (): void => {
    if (state.closed) throw new LogReadError(unavailable('the log is closed'));
  };

  const append: EventLog['append'] = (stream, expected, events) => async () => {
    if (events.length === 0) throw new RangeError(`append to ${stream}: the batch is empty`);
    const prepared = prepareAll(stream, events);
    if ('message' in prepared) return E.left<AppendError>({ tag: 'NotJson', stream, ...prepared });
    if (state.closed) return E.left<AppendError>(unavailable('the log is closed'));
    if (writing === undefined) return E.left<AppendError>(unavailable('the log is open for reading only'));
    return writing.appender.append({ stream, expected, events: prepared });
  };

  const readAll = async function* (read: ReadAll = {}): AsyncGenerator<RecordedEvent> {
    mustBeOpen();
    const backwards = read.direction === 'backwards';
    // What is appended while this reading goes on is not part of it.
    const stored = reader.last().position;
    const [low, high] = backwards
      ? [numberOf(read.until, 0), numberOf(read.after, last) - 1]
      : [numberOf(read.after, 0) + 1, numberOf(read.until, last)];
    const { condition, parameters } = filterSql(read.filter);
    const range = { column: 'position', backwards, low, high: Math.min(high, stored), max: read.max ?? last } as const;
    for await (const event of reader.range({ ...range, condition, parameters })) {
      yield event;
      mustBeOpen();
    }
  };

  const readStream: EventLog['readStream'] = async function* (stream, read = {}) {
    mustBeOpen();
    const backwards = read.direction === 'backwards';
    const head = reader.revisionOf(stream);
    if (head === 'noStream') return;
    const low = backwards ? 0 : (read.from ?? 0);
    const high = backwards ? Math.min(read.from ?? head, head) : head;
    const range = { column: 'revision', backwards, low, high, max: read.max ?? last } as const;
    for await (const event of reader.range({ ...range, condition: 'stream = ?', parameters: [stream] })) {
      yield event;
      mustBeOpen();
    }
  };

  /** Resolves when this process or another one has committed, on abort and on close. */
  const changed = async (seen: number, signal: AbortSignal): Promise<void> => {
    const done = new AbortController();
    const stop = (): void => done.abort();
    waiting.add(stop);
    signal.addEventListener('abort', stop);
    try {
      while (!done.signal.aborted && !state.closed && reader.dataVersion() === seen) {
        // The only writer is this process: nothing to look for elsewhere.
        const pause = writing === undefined ? pollMilliseconds : 60_000;
        await setTimeout(pause, undefined, { signal: done.signal }).catch(stop);
      }
    } finally {
      waiting.delete(stop);
      signal.removeEventListener('abort', stop);
    }
  };

  const follow = async function* (read: Follow): AsyncGenerator<RecordedEvent | CaughtUp> {
    mustBeOpen();
    const { signal } = read;
    const filter = read.filter === undefined ? {} : { filter: read.filter };
    let after = numberOf(read.after, 0);
    let live = false;
    while (!signal.aborted && !state.closed) {
      const version = reader.dataVersion();
      const until = reader.last().position;
      if (until > after) {
        for await (const event of readAll({ ...filter, after: positionOf(after), until: positionOf(until) })) {
          yield event;
          if (signal.aborted) return;
        }
        after = until;
      }
      if (!live) yield { tag: 'CaughtUp', position: after === 0 ? undefined : positionOf(after) };
      live = true;
      if (!signal.aborted && !state.closed && reader.last().position <= after) await changed(version, signal);
    }
  };

  const close = async (): Promise<void> => {
    if (state.closed) return;
    writing?.appender.flush();
    state.closed = true;
    wake();
    try {
      if (writing !== undefined && (writing.wrote() || digestOnRecord(path) === undefined)) settle(connection, path);
    } catch (failure) {
      throw new LogReadError(toStoreError(failure, path));
    } finally {
      connection.close();
      writing?.lock.release();
    }
  };

  return {
    append,
    readAll,
    readStream,
    follow,
    close,
    head: async () => {
      mustBeOpen();
      const { headSize, headPosition } = reader.last();
      return { position: headPosition === 0 ? undefined : positionOf(headPosition), size: headSize };
    },
    streamHead: async (stream) => {
      mustBeOpen();
      return reader.revisionOf(stream);
    },
    readEvent: async (id) => {
      mustBeOpen();
      return reader.byId(id);
    },
    comparePositions: (a, b) => {
      const [x, y] = [numberOf(a, 0), numberOf(b, 0)];
      return x < y ? -1 : x > y ? 1 : 0;
    },
    checkStorage: async () => {
      mustBeOpen();
      return checkStorage(connection, path);
    },
  };
};

const open = (options: SqliteLogOptions): SqliteLog => {
  const { path, mode } = options;
  if (mode === 'read') mustExist(path);
  else mkdirSync(dirname(path), { recursive: true });
  const lock = mode === 'write' ? acquireLock(path, options.command) : undefined;
  let connection: Connection | undefined;
  try {
    connection = connect(path, mode);
    checkSchema(connection, path, mode);
    return createLog(connection, options, lock);
  } catch (failure) {
    connection?.close();
    lock?.release();
    throw failure;
  }
};

/** The ledger in one SQLite file, for one writing process and any number of readers. */
export const openSqliteLog = (options: SqliteLogOptions): TE.TaskEither<StoreError, SqliteLog> =>
  TE.tryCatch(
    async () => open(options),
    (failure) => (failure instanceof LogReadError ? failure.reason : toStoreError(failure, options.path)),
  );
