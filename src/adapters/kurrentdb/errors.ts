import { LogReadError, type StoreError } from '../../ports/eventLog';

/** Nothing came within the time that one request may take. */
export class TimedOut extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds} ms`);
    this.name = 'TimedOut';
  }
}

/** Waits for a promise, but not for ever. What comes later is dropped. */
export const within = async <T>(milliseconds: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(milliseconds)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
};

const hasFields = (u: unknown): u is Readonly<Record<string, unknown>> => typeof u === 'object' && u !== null;

/** The client's own name for what went wrong; its classes may be those of another copy of the package. */
export const typeOf = (failure: unknown): string => {
  const type = hasFields(failure) ? failure['type'] : undefined;
  return typeof type === 'string' ? type : '';
};

export const messageOf = (failure: unknown): string => {
  const message = hasFields(failure) ? failure['message'] : undefined;
  const said = typeof message === 'string' && message !== '' ? message : String(failure);
  const type = typeOf(failure);
  return type === '' || said.includes(type) ? said : `${type}: ${said}`;
};

/** Refusals that asking again does not change, and that certainly wrote nothing. */
const final = new Set([
  'access-denied',
  'append-record-size-exceeded',
  'invalid-argument',
  'invalid-transaction',
  'maximum-append-size-exceeded',
  'stream-deleted',
  'stream-tombstoned',
  'transaction-max-size-exceeded',
  'unsupported',
]);

export const isFinal = (failure: unknown): boolean => failure instanceof LogReadError || final.has(typeOf(failure));

const sizeOf = (failure: unknown): string => {
  const size = hasFields(failure) ? (failure['maxAppendSize'] ?? failure['maxSize']) : undefined;
  return typeof size === 'number' ? ` (at most ${size} bytes)` : '';
};

/** Says in the ledger's words what the client said. `where` is the address as it may be shown. */
export const toStoreError = (failure: unknown, where: string): StoreError => {
  if (failure instanceof LogReadError) return failure.reason;
  const type = typeOf(failure);
  const said = messageOf(failure);
  if (type === 'stream-deleted' || type === 'stream-tombstoned') {
    return { tag: 'Damaged', where, message: `a stream of this ledger was deleted on the server: ${said}` };
  }
  if (type.endsWith('size-exceeded')) {
    const message = `the server does not take this much in one append${sizeOf(failure)}: append fewer events at a time`;
    return { tag: 'Unavailable', where, message };
  }
  if (type === 'access-denied') return { tag: 'Unavailable', where, message: `the server refuses access: ${said}` };
  return { tag: 'Unavailable', where, message: said };
};
