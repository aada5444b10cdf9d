import type { Connection } from './connection';
import { integer, text, utf8 } from './connection';
import { digestOnRecord, digestThroughSqlite } from './closing';
import { toStoreError } from './errors';
import { sizeOf } from './schema';

export interface StorageCheck {
  readonly name: 'fileDigest' | 'writeAheadFile' | 'head' | 'integrity';
  readonly ok: boolean;
  /** A sentence for people. */
  readonly message: string;
}

/** What can be said of the file without knowing what its events mean. */
export interface StorageReport {
  readonly ok: boolean;
  readonly checks: readonly StorageCheck[];
}

const fileDigest = (connection: Connection, path: string): StorageCheck => {
  const name = 'fileDigest';
  const expected = digestOnRecord(path);
  if (expected === undefined) {
    const message = `no ${path}.sha256: the ledger is open for writing, or was not closed; bytes outside the events are unchecked`;
    return { name, ok: true, message };
  }
  const { sha256, bytes } = digestThroughSqlite(connection);
  const size = sizeOf(path);
  if (bytes !== size) {
    return {
      name,
      ok: false,
      message: `the file has ${size} bytes, the database in it ${bytes}: cut off, or added to`,
    };
  }
  if (sha256 === expected) return { name, ok: true, message: `all ${size} bytes are as they were when it was closed` };
  const message = `the file has changed since it was closed: expected SHA-256 ${expected}, got ${sha256}`;
  return { name, ok: false, message };
};

const writeAheadFile = (path: string): StorageCheck => {
  const name = 'writeAheadFile';
  const size = sizeOf(`${path}-wal`);
  if (size === 0) return { name, ok: true, message: 'nothing is waiting in a write-ahead file' };
  if (digestOnRecord(path) === undefined) {
    return { name, ok: true, message: `${size} bytes wait in ${path}-wal: the ledger is open, or was not closed` };
  }
  return { name, ok: false, message: `${path}-wal holds ${size} bytes beside a closed ledger: another program wrote` };
};

const head = (connection: Connection, path: string): StorageCheck => {
  const name = 'head';
  const row = connection.query('SELECT count(*), min(size), min(last_position) FROM head').get();
  const events = connection.query('SELECT count(*), max(position) FROM events').get();
  const [size, position] = [integer(row?.[1]), integer(row?.[2])];
  const [stored, last] = [integer(events?.[0]), integer(events?.[1])];
  const whole = integer(row?.[0]) === 1 && size === position && stored === last && position <= last;
  // A closed ledger's head is exact; an open one's follows.
  if (whole && position === last) {
    return { name, ok: true, message: `${stored} events, the last at position ${last}, as the head says` };
  }
  if (whole && digestOnRecord(path) === undefined) {
    const message = `${stored} events; the head, brought up to date when the ledger is closed, knows of the first ${position}`;
    return { name, ok: true, message };
  }
  const message = `the head says ${size} events up to position ${position}; stored are ${stored} up to position ${last}`;
  return { name, ok: false, message };
};

const integrity = (connection: Connection): StorageCheck => {
  const name = 'integrity';
  const rows = connection.query(`SELECT ${text('integrity_check')} FROM pragma_integrity_check(20)`).all();
  const lines = rows.map((row) => utf8(row[0]));
  if (lines.length === 1 && lines[0] === 'ok') {
    return { name, ok: true, message: 'tables, indexes and pages are whole (SQLite integrity_check)' };
  }
  return { name, ok: false, message: `SQLite finds damage: ${lines.join('; ')}` };
};

/** Runs every check to its end; a check that cannot be run says so and is not ok. */
export const checkStorage = (connection: Connection, path: string): StorageReport => {
  const attempt = (name: StorageCheck['name'], check: () => StorageCheck): StorageCheck => {
    try {
      return check();
    } catch (failure) {
      const error = toStoreError(failure, path);
      return { name, ok: false, message: 'message' in error ? error.message : error.holder };
    }
  };
  const checks = [
    attempt('fileDigest', () => fileDigest(connection, path)),
    attempt('writeAheadFile', () => writeAheadFile(path)),
    attempt('head', () => head(connection, path)),
    attempt('integrity', () => integrity(connection)),
  ];
  return { ok: checks.every((check) => check.ok), checks };
};
