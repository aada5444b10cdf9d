import { readFileSync } from 'node:fs';
import { stop } from './faults';

export const reason = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure));

/** A text file that a person named; UTF-8, or it is refused. */
export const readText = (path: string): string => new TextDecoder('utf-8', { fatal: false }).decode(readBytes(path));

export const readBytes = (path: string): Uint8Array => {
  try {
    return readFileSync(path);
  } catch (failure) {
    return stop({ tag: 'InputUnreadable', path, message: reason(failure) });
  }
};

/** Runs what writes files, and says in our words what the file system said. */
export const writing = <T>(path: string, write: () => T): T => {
  try {
    return write();
  } catch (failure) {
    const code = failure instanceof Error && 'code' in failure ? failure.code : undefined;
    const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
    return stop({ tag: 'OutputUnwritable', path, message: reason(failure), full });
  }
};
