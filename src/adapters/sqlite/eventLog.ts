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
  type StoreError,
} from '../../ports/eventLog';
import { createAppender, type Appender } from './appender';
import { checkStorage, type StorageReport } from './checkStorage';
import { digestOnRecord, digestThroughSqlite, removeDigest, settle } from './closing';
import { connect, type Connection } from './connection';
import { StoreFailure, toStoreError } from './errors';
import { acquire, turnOf, untilThere, type FileLock, type Turn } from './fileLock';
import { createReader, type Reader } from './reader';
import { createReadings } from './readings';
import { numberOf } from './rows';
import { checkSchema, mustExist } from './schema';
import { createWriteLock } from './writeLock';

/** How often a follower looks for what another process has written: an event of another process is at most so late. */
const pollMilliseconds = 50;
/** How long an append waits for its turn, and a writer for another one's closing, before it is refused. */
const usualPatience = 30_000;
/** Collecting goes on for hours: who may not collect now is told at once. */
const collectPatience = 50;

export interface SqliteLogOptions {
  readonly path: string;
  /**
   * Any number of processes of one machine read and write at the same time, in turns of one transaction each. A reader
   * changes nothing on disk. (Not on a network file system: SQLite's write-ahead log needs memory that all share.)
   */
  readonly mode: 'read' | 'write';
  readonly now: () => string;
  /**
   * For a writer that collects: `shared` with others that share, `alone` with nobody, or is refused as `Locked`. Two that
   * do not know of each other would make, and pay, every call twice.
   */
  readonly collects?: 'alone' | 'shared';
  /** Longest wait for a turn to write, in milliseconds: 30,000 unless told otherwise. */
  readonly patience?: number;
  /** Ends the waiting while the ledger is opened. */
  readonly signal?: AbortSignal;
}

export type SqliteLog = EventLog & {
  /** Checks of the file itself: digest, SQLite's integrity check, the head. */
  checkStorage(): Promise<StorageReport>;
};

/** What a writer holds for as long as it is open. */
interface Rights {
  /** Whoever has the ledger open for writing shares it; the last one to leave closes the ledger. */
  readonly writing: FileLock;
  readonly collecting: FileLock | undefined;
  readonly turn: Turn;
}

/** What a writer has and a reader has not. */
interface Writing {
  readonly rights: Rights;
  readonly appender: Appender;
}

/** In its turn, so that nobody else writes meanwhile. */
const checkBeforeWriting = (connection: Connection, reader: Reader, path: string): void => {
  const { position, headPosition } = reader.last();
  if (position < headPosition) {
    const message = `the head says ${headPosition} events, the last one stored is at position ${position}`;
    throw new StoreFailure({ tag: 'Damaged', where: path, message });
  }
  // Closing writes a fresh digest over whatever is there, so a change that nobody made here must be noticed now. While
  // the digest is there, no writer has written since the last closing.
  const expected = digestOnRecord(path);
  const got = expected === undefined ? undefined : digestThroughSqlite(connection).sha256;
  if (expected !== got) {
    const message = `the file has changed since it was closed: expected SHA-256 ${expected}, got ${got}`;
    throw new StoreFailure({ tag: 'Damaged', where: path, message });
  }
};

const startWriting = (
  connection: Connection,
  reader: Reader,
  rights: Rights,
  options: SqliteLogOptions,
  wake: () => void,
): Writing => {
  const { path, now, patience = usualPatience } = options;
  checkBeforeWriting(connection, reader, path);
  let wrote = false;
  const beforeWriting = (): void => {
    if (wrote) return;
    // A digest is put there by the last writer to leave, so from now on there is none.
    removeDigest(path);
    connection.exec('PRAGMA journal_mode = WAL');
    wrote = true;
  };
  const lock = createWriteLock(connection, rights.turn, { path, patience, beforeWriting });
  return { rights, appender: createAppender(connection, lock, { path, now, committed: wake }) };
};

/** Gives up what a writer holds; the last of all writers runs `settling` before another can come. */
const leave = async ({ writing, collecting, turn }: Rights, settling: () => void): Promise<void> => {
  turn.close();
  try {
    await writing.leave(settling);
  } finally {
    await collecting?.leave();
  }
};

const createLog = (connection: Connection, options: SqliteLogOptions, rights: Rights | undefined): SqliteLog => {
  const { path } = options;
  const reader = createReader(connection, path);
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const resolve of waiting) resolve();
  };
  const writing = rights && startWriting(connection, reader, rights, options, wake);
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

  const { readAll, readPages, readAt, readStream } = createReadings(reader, mustBeOpen);

  /** Resolves when this process or another one has committed, on abort and on close. */
  const changed = async (seen: number, signal: AbortSignal): Promise<void> => {
    const done = new AbortController();
    const stop = (): void => done.abort();
    waiting.add(stop);
    signal.addEventListener('abort', stop);
    try {
      while (!done.signal.aborted && !state.closed && reader.dataVersion() === seen) {
        await setTimeout(pollMilliseconds, undefined, { signal: done.signal }).catch(stop);
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

  /** Leaves one plain file with its digest, unless nothing was written since there was one. */
  const settleLast = (): void => {
    if (digestOnRecord(path) === undefined) settle(connection, path);
  };

  const close = async (): Promise<void> => {
    if (state.closed) return;
    state.closed = true;
    await writing?.appender.settled();
    wake();
    try {
      if (writing !== undefined) await leave(writing.rights, settleLast);
    } catch (failure) {
      throw new LogReadError(toStoreError(failure, path));
    } finally {
      connection.close();
    }
  };

  return {
    append,
    readAll,
    readPages,
    readAt,
    readStream,
    follow,
    close,
    head: async () => {
      mustBeOpen();
      // Positions count from 1 without a gap. Of a log whose tail was cut off: what it should have.
      const { position, headPosition } = reader.last();
      const size = Math.max(position, headPosition);
      return { position: size === 0 ? undefined : positionOf(size), size };
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

const rightsOf = async (options: SqliteLogOptions): Promise<Rights> => {
  const { path, collects, patience = usualPatience, signal } = options;
  const level = collects === 'alone' ? 'exclusive' : 'shared';
  const short = { patience: Math.min(patience, collectPatience), signal };
  const collecting = collects && (await acquire(`${path}.collecting`, level, short));
  let writing: FileLock | undefined;
  let turn: Turn | undefined;
  try {
    writing = await acquire(`${path}.lock`, 'shared', { patience, signal });
    const next = turnOf(`${path}.lock`);
    turn = next;
    await untilThere(`${path}.lock`, { patience, signal }, () => next.take() || undefined);
    return { writing, collecting, turn };
  } catch (failure) {
    turn?.close();
    await writing?.leave();
    await collecting?.leave();
    throw failure;
  }
};

const open = async (options: SqliteLogOptions): Promise<SqliteLog> => {
  const { path, mode } = options;
  if (mode === 'read') mustExist(path);
  else mkdirSync(dirname(path), { recursive: true });
  // A writer opens in its turn: of several that come at the same moment one makes the tables.
  const rights = mode === 'write' ? await rightsOf(options) : undefined;
  let connection: Connection | undefined;
  try {
    connection = connect(path, mode);
    checkSchema(connection, path, mode);
    const log = createLog(connection, options, rights);
    rights?.turn.give();
    return log;
  } catch (failure) {
    connection?.close();
    if (rights !== undefined) await leave(rights, () => {});
    throw failure;
  }
};

/** The ledger in one SQLite file, for any number of writing and reading processes of one machine. */
export const openSqliteLog = (options: SqliteLogOptions): TE.TaskEither<StoreError, SqliteLog> =>
  TE.tryCatch(
    () => open(options),
    (failure) => (failure instanceof LogReadError ? failure.reason : toStoreError(failure, options.path)),
  );
