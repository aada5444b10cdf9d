import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import { canonicalJson } from '../../../events/digest';
import { isPosition, leafOfText, type RecordedEvent } from '../../../events/envelope';
import { LogReadError, type StoreError } from '../../ports/eventLog';
import type { Mirror } from '../../ports/mirror';
import { connect, integer, text, utf8, type Connection } from './connection';
import { isConstraint, StoreFailure, toStoreError } from './errors';
import { openSqliteLog } from './eventLog';
import { acquire } from './fileLock';
import { checkSchema } from './schema';

export interface SqliteMirrorOptions {
  readonly path: string;
  /** The source as it may be shown, for messages about its events. */
  readonly of: string;
}

/** Rows per query of `places`. */
const pageSize = 10_000;
/** How many streams' heads are kept at hand. */
const headsKept = 65_536;

interface StreamHead {
  readonly revision: number;
  readonly leaf: string | null;
}

/** The tables are a ledger's; one more says how far the source has been copied, in the same transaction as the events. */
const prepareTables = (connection: Connection, path: string): void => {
  checkSchema(connection, path, 'write');
  // Nothing here is the only copy: what a power cut takes is read again.
  connection.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS mirrored (one INTEGER PRIMARY KEY CHECK (one = 1), source TEXT NOT NULL) STRICT`);
};

const createTaker = (connection: Connection, of: string): Mirror['take'] => {
  const headOfStream = connection.query(
    `SELECT revision, ${text('leaf')} FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1`,
  );
  const lastPosition = connection.query('SELECT last_position FROM head');
  const setHead = connection.query('UPDATE head SET size = size + ?, last_position = ?');
  const setSource = connection.query('INSERT OR REPLACE INTO mirrored VALUES (1, ?)');
  const insert = connection.query('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  let heads = new Map<string, StreamHead>();

  const headOf = (stream: string): StreamHead => {
    const known = heads.get(stream);
    if (known !== undefined) return known;
    const row = headOfStream.get(stream);
    return row === undefined ? { revision: -1, leaf: null } : { revision: integer(row[0]), leaf: utf8(row[1]) };
  };

  const damaged = (event: RecordedEvent, message: string): LogReadError => {
    const { position, stream, revision, id } = event;
    const where = `${of}, stream ${stream}, revision ${revision}`;
    return new LogReadError({ tag: 'Damaged', where, message }, { position, stream, revision, id });
  };

  const takeOne = (event: RecordedEvent, position: number): void => {
    const { stream, revision, id, type, version, meta, leaf, recordedAt, observed } = event;
    const { causation = null, correlation = null, prev } = meta;
    const head = headOf(stream);
    if (revision !== head.revision + 1) throw damaged(event, `expected revision ${head.revision + 1}, got ${revision}`);
    if (prev !== head.leaf) throw damaged(event, `the event before it: expected ${head.leaf}, got ${prev}`);
    const dataText = canonicalJson(event.data);
    const computed = leafOfText({ stream, revision, id, type, version, dataText, meta });
    if (computed !== leaf) throw damaged(event, `leaf hash: expected ${computed}, got ${leaf}`);
    const observedText = observed === null ? null : canonicalJson(observed);
    try {
      // biome-ignore format: in the order of the columns
      insert.run([
        position, stream, revision, id, type, version, recordedAt, causation, correlation, prev, leaf, dataText,
        observedText,
      ]);
    } catch (failure) {
      throw isConstraint(failure) ? damaged(event, `the id ${id} is stored twice`) : failure;
    }
    if (heads.size >= headsKept) heads = new Map();
    heads.set(stream, { revision, leaf });
  };

  return (events) => {
    connection.exec('BEGIN IMMEDIATE');
    const first = integer(lastPosition.get()?.[0]);
    let taken = 0;
    let failure: unknown;
    try {
      for (const event of events) {
        takeOne(event, first + taken + 1);
        taken += 1;
      }
    } catch (caught) {
      failure = caught;
    }
    try {
      const last = events[taken - 1];
      if (last !== undefined) {
        setHead.run([taken, first + taken]);
        setSource.run([last.position]);
      }
      connection.exec('COMMIT');
    } catch (caught) {
      heads = new Map();
      if (connection.inTransaction()) connection.exec('ROLLBACK');
      throw failure ?? caught;
    }
    if (failure !== undefined) throw failure;
  };
};

const createMirror = async (connection: Connection, options: SqliteMirrorOptions): Promise<Omit<Mirror, 'close'>> => {
  const { path, of } = options;
  prepareTables(connection, path);
  // A connection of its own, so that a long reading never meets a half-written page.
  const opened = await openSqliteLog({ path, mode: 'read', now: () => '' })();
  if (E.isLeft(opened)) throw new StoreFailure(opened.left);
  const take = createTaker(connection, of);
  const source = connection.query(`SELECT ${text('source')} FROM mirrored`);
  const lastPosition = connection.query('SELECT last_position FROM head');
  const page = connection.query(
    `SELECT position, ${text('id')}, ${text('stream')}, revision FROM events WHERE position BETWEEN ? AND ?`,
  );
  return {
    where: path,
    log: opened.right,
    source: () => {
      const found = utf8(source.get()?.[0]);
      return isPosition(found) ? found : undefined;
    },
    places: () => {
      const last = integer(lastPosition.get()?.[0]);
      return (async function* () {
        for (let from = 1; from <= last; from += pageSize) {
          for (const [, id, stream, revision] of page.all(from, Math.min(from + pageSize - 1, last))) {
            yield { id: utf8(id), stream: utf8(stream), revision: integer(revision) };
          }
        }
      })();
    },
    take: (events) => {
      try {
        take(events);
      } catch (failure) {
        throw failure instanceof LogReadError ? failure : new LogReadError(toStoreError(failure, path));
      }
    },
  };
};

/**
 * A mirror in one SQLite file with the tables of a ledger, so that everything that reads a ledger's file reads it too.
 * One process writes it; another one is refused as `Locked`. It is a copy: deleted, it is made again.
 */
export const openSqliteMirror = (options: SqliteMirrorOptions): TE.TaskEither<StoreError, Mirror> =>
  TE.tryCatch(
    async () => {
      const { path } = options;
      mkdirSync(dirname(path), { recursive: true });
      const lock = await acquire(`${path}.lock`, 'exclusive', { patience: 0, signal: undefined });
      let connection: Connection | undefined;
      try {
        const own = connect(path, 'write');
        connection = own;
        const mirror = await createMirror(own, options);
        const close = async (): Promise<void> => {
          await mirror.log.close();
          own.close();
          await lock.leave();
        };
        return { ...mirror, close };
      } catch (failure) {
        connection?.close();
        await lock.leave();
        throw failure;
      }
    },
    (failure) => (failure instanceof LogReadError ? failure.reason : toStoreError(failure, options.path)),
  );
