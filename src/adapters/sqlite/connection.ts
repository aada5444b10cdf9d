import { pathToFileURL } from 'node:url';
import Libsql from 'libsql';
import { isBusy } from './errors';

/** What a column can hold when it is read: text is always read as bytes (see `text` below). */
export type Cell = number | bigint | Uint8Array | null;
export type Parameter = number | string | null;

/** A prepared statement; every result row is an array. */
export interface Query {
  all(...parameters: readonly Parameter[]): readonly (readonly Cell[])[];
  get(...parameters: readonly Parameter[]): readonly Cell[] | undefined;
  run(parameters: readonly Parameter[]): void;
}

/** The few things this adapter asks of SQLite, so that the choice of the binding stays in this file. */
export interface Connection {
  query(sql: string): Query;
  exec(sql: string): void;
  /** Like `exec`, but what another program holds is refused at once instead of waited for. */
  attempt(sql: string): void;
  inTransaction(): boolean;
  close(): void;
}

/**
 * SQL for reading a text expression. libsql ends the process on text that is not UTF-8, which is what one flipped byte
 * in a damaged file can be, so text columns are read as bytes and decoded here.
 */
export const text = (expression: string): string => `CAST(${expression} AS BLOB)`;

export const utf8 = (cell: Cell | undefined): string =>
  cell instanceof Uint8Array ? Buffer.from(cell).toString() : '';

export const integer = (cell: Cell | undefined): number => (cell === undefined || cell === null ? 0 : Number(cell));

/** How long a statement waits for a file that another program holds; the thread stands still meanwhile. */
const busyMilliseconds = 5000;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** SQLite's own waiting can be neither left out for one statement, nor has it pauses this short. */
const waiting = <T>(limit: number, work: () => T): T => {
  let since: number | undefined;
  for (;;) {
    try {
      return work();
    } catch (failure) {
      if (!isBusy(failure)) throw failure;
      since ??= performance.now();
      if (performance.now() - since >= limit) throw failure;
      Atomics.wait(sleeper, 0, 0, 1);
    }
  }
};

const wrapped = (database: Libsql.Database, limit: number): Connection => ({
  query: (sql) => {
    const statement = database.prepare(sql);
    if (statement.reader) statement.raw(true);
    return {
      // A raw statement gives arrays of these, by libsql's documentation.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      all: (...parameters) => waiting(limit, () => statement.all([...parameters])) as Cell[][],
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      get: (...parameters) => waiting(limit, () => statement.get([...parameters])) as Cell[] | undefined,
      run: (parameters) => {
        statement.run(parameters);
      },
    };
  },
  exec: (sql) => {
    waiting(limit, () => database.exec(sql));
  },
  attempt: (sql) => {
    database.exec(sql);
  },
  inTransaction: () => database.inTransaction,
  close: () => {
    database.close();
  },
});

/**
 * Opens a file. `read` opens it read-only at the level of the file system, so that it is neither made, nor changed,
 * nor checkpointed by closing; libsql has no such option but takes SQLite's URI names.
 */
export const connect = (path: string, mode: 'read' | 'write'): Connection => {
  const connection = wrapped(
    new Libsql(mode === 'read' ? `${pathToFileURL(path).href}?mode=ro` : path),
    busyMilliseconds,
  );
  connection.exec('PRAGMA busy_timeout = 0; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON');
  return connection;
};

/** Opens a file that is used for its locks alone: it stays empty, and what cannot be had at once is refused. */
export const connectToLock = (path: string): Connection => {
  const connection = wrapped(new Libsql(path), 0);
  connection.exec('PRAGMA busy_timeout = 0');
  return connection;
};
