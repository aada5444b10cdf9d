import type { StoreError } from '../../ports/eventLog';

/** Carries a `StoreError` through code that can only throw. */
export class StoreFailure extends Error {
  constructor(readonly error: StoreError) {
    super('message' in error ? error.message : error.holder);
    this.name = 'StoreFailure';
  }
}

const hasFields = (u: unknown): u is Readonly<Record<string, unknown>> => typeof u === 'object' && u !== null;

/** A field of an error. Not `instanceof Error`: an error may come from another realm (jest has one of its own). */
export const part = (failure: unknown, name: 'code' | 'rawCode' | 'message'): unknown =>
  hasFields(failure) ? failure[name] : undefined;

const messageOf = (failure: unknown): string => String(part(failure, 'message') ?? failure);

/** Primary result codes of SQLite: https://www.sqlite.org/rescode.html */
const code = { busy: 5, locked: 6, readonly: 8, corrupt: 11, full: 13, cantOpen: 14, constraint: 19, notADatabase: 26 };

/** SQLite's primary result code in an error of libsql, or undefined for any other error. */
export const sqliteCode = (failure: unknown): number | undefined => {
  const raw = part(failure, 'rawCode');
  if (typeof raw === 'number') return raw & 0xff;
  const opening = /unable to open connection.*: (\d+)/i.exec(messageOf(failure));
  return opening === null ? undefined : Number(opening[1]);
};

/** A unique index refused a row: the id, or the place in the stream, is taken. */
export const isConstraint = (failure: unknown): boolean => sqliteCode(failure) === code.constraint;

/** Another connection has the lock that was asked for. */
export const isBusy = (failure: unknown): boolean => {
  const found = sqliteCode(failure);
  return found === code.busy || found === code.locked;
};

export const isNotADatabase = (failure: unknown): boolean => sqliteCode(failure) === code.notADatabase;

export const isCorruption = (failure: unknown): boolean => {
  if (failure instanceof StoreFailure) return failure.error.tag === 'Damaged';
  const found = sqliteCode(failure);
  return found === code.corrupt || found === code.notADatabase;
};

/** Says in the ledger's words what SQLite or the file system said. `where` is the file, and the place in it if known. */
export const toStoreError = (failure: unknown, where: string): StoreError => {
  if (failure instanceof StoreFailure) return failure.error;
  const said = messageOf(failure);
  const found = sqliteCode(failure);
  if (found === code.notADatabase) return { tag: 'NotALedger', where, message: `not an SQLite database: ${said}` };
  // The tables were checked when the file was opened; if one is not there now, the schema itself is damaged.
  if (found === code.corrupt || /malformed|corrupt|no such (table|column|index)/i.test(said)) {
    return { tag: 'Damaged', where, message: `SQLite cannot read this part of the file: ${said}` };
  }
  if (found === code.full) return { tag: 'NoSpace', where, message: `no space left: ${said}` };
  const system = part(failure, 'code');
  if (system === 'ENOSPC' || system === 'EDQUOT') return { tag: 'NoSpace', where, message: said };
  if (isBusy(failure)) {
    return { tag: 'Unavailable', where, message: `another program holds the file (waited 5 s): ${said}` };
  }
  if (found === code.readonly) return { tag: 'Unavailable', where, message: `the file cannot be written: ${said}` };
  if (found === code.cantOpen) return { tag: 'Unavailable', where, message: `the file cannot be opened: ${said}` };
  return { tag: 'Unavailable', where, message: said };
};
