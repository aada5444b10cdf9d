import { readFileSync } from 'node:fs';
import { stop } from './faults';

export const reason = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure));

const newline = 0x0a;

/** Text of bytes that are UTF-8, without a byte order mark; anything else is refused, with the line where it stands. */
export const utf8 = (path: string, bytes: Uint8Array): string => {
  const whole = decoded(bytes);
  if (whole !== undefined) return whole;
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
    if (decoded(bytes.subarray(start, end)) === undefined) break;
    start = end + 1;
    line += 1;
  }
  return stop({ tag: 'InputUnreadable', path, message: `line ${line}: not UTF-8` });
};

const decoded = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** A text file that a person named; UTF-8, or it is refused. */
export const readText = (path: string): string => utf8(path, readBytes(path));

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
