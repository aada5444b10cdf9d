import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { integer, utf8, type Connection } from './connection';

const digestFile = (path: string): string => `${path}.sha256`;

const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
};

/**
 * SHA-256 of the file's bytes, read page by page through SQLite (sqlite_dbpage): opening and closing the file ourselves
 * would drop the locks that SQLite holds on it for this process (POSIX locks belong to process and file).
 */
export const digestThroughSqlite = (connection: Connection): { readonly sha256: string; readonly bytes: number } => {
  const hash = createHash('sha256');
  const pages = connection.query('SELECT data FROM sqlite_dbpage WHERE pgno BETWEEN ? AND ?');
  const count = integer(connection.query('PRAGMA page_count').get()?.[0]);
  let bytes = 0;
  for (let from = 1; from <= count; from += 256) {
    for (const [page] of pages.all(from, Math.min(from + 255, count))) {
      if (!(page instanceof Uint8Array)) continue;
      hash.update(page);
      bytes += page.length;
    }
  }
  return { sha256: hash.digest('hex'), bytes };
};

/** What `<ledger>.sha256` says, or undefined when the ledger is being written or was not closed. */
export const digestOnRecord = (path: string): string | undefined =>
  existsSync(digestFile(path)) ? readFileSync(digestFile(path), 'utf8').slice(0, 64) : undefined;

/** Before the first write: a digest on record is that of a ledger nobody has written to since. */
export const removeDigest = (path: string): void => {
  if (!existsSync(digestFile(path))) return;
  rmSync(digestFile(path));
  syncFolder(dirname(path));
};

const writeDigest = (path: string, sha256: string): void => {
  const temporary = `${digestFile(path)}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = openSync(temporary, 'wx');
  try {
    writeSync(handle, `${sha256}  ${basename(path)}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temporary, digestFile(path));
  syncFolder(dirname(path));
};

/** The head follows lone appends from afar (appender.ts); here it catches up. */
const bringHeadUp =
  'UPDATE head SET size = last, last_position = last FROM (SELECT max(position) AS last FROM events) WHERE last > last_position';

/**
 * Leaves one plain file: the write-ahead log goes into it and away, and its digest stands beside it. With another
 * program reading, the (empty) write-ahead file stays; with one in the middle of a read, there is no digest this time.
 */
export const settle = (connection: Connection, path: string): void => {
  connection.exec(`PRAGMA busy_timeout = 1000; ${bringHeadUp}`);
  const mode = utf8(connection.query('SELECT CAST(journal_mode AS BLOB) FROM pragma_journal_mode').get()?.[0]);
  if (mode === 'wal') {
    const busy = integer(connection.query('PRAGMA wal_checkpoint(TRUNCATE)').get()?.[0]);
    if (busy !== 0) return;
    try {
      connection.attempt('PRAGMA journal_mode = DELETE');
    } catch {
      // Another connection is open: the file stays in WAL mode, complete and checkpointed.
    }
  }
  writeDigest(path, digestThroughSqlite(connection).sha256);
};
