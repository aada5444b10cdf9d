import { createHash, randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { part, StoreFailure } from './errors';

/** Who holds a ledger for writing. `started` (Linux: clock ticks since boot) tells a reused pid from the holder. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly command: string;
  readonly started: string | null;
  readonly token: string;
}

export interface Lock {
  release(): void;
}

const has = (failure: unknown, code: string): boolean => part(failure, 'code') === code;

/** When the process began, field 22 of /proc/<pid>/stat; null where there is no such file. */
const startOf = (pid: number): string | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
};

const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (failure) {
    return !has(failure, 'ESRCH');
  }
};

const isDead = (holder: Holder): boolean => {
  if (holder.host !== hostname()) return false;
  if (!runs(holder.pid)) return true;
  return holder.started !== null && startOf(holder.pid) !== holder.started;
};

const isHolder = (value: unknown): value is Holder =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  Number.isSafeInteger(value.pid) &&
  'host' in value &&
  typeof value.host === 'string' &&
  'command' in value &&
  'started' in value &&
  'token' in value &&
  typeof value.token === 'string';

interface Found {
  readonly text: string;
  readonly holder: Holder | undefined;
}

const read = (path: string): Found | undefined => {
  try {
    const content = readFileSync(path, 'utf8');
    try {
      const value: unknown = JSON.parse(content);
      return { text: content, holder: isHolder(value) ? value : undefined };
    } catch {
      return { text: content, holder: undefined };
    }
  } catch (failure) {
    if (has(failure, 'ENOENT')) return undefined;
    throw failure;
  }
};

const describe = (path: string, found: Found): string => {
  const { holder } = found;
  if (holder === undefined)
    return `${path} holds ${JSON.stringify(found.text.slice(0, 80))}; delete it if nobody writes`;
  const elsewhere = holder.host === hostname() ? '' : `; if that host no longer writes, delete ${path}`;
  return `process ${holder.pid} on ${holder.host} (${holder.command})${elsewhere}`;
};

const create = (path: string, content: string): boolean => {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (failure) {
    if (has(failure, 'EEXIST')) return false;
    throw failure;
  }
};

/** Makes `path` with its whole content or fails with EEXIST: a link is atomic, opening with `wx` leaves it empty first. */
const claim = (path: string, content: string, token: string): boolean => {
  const temporary = `${path}.${process.pid}.${token}.tmp`;
  writeFileSync(temporary, content, { flag: 'wx' });
  try {
    linkSync(temporary, path);
    return true;
  } catch (failure) {
    if (has(failure, 'EEXIST')) return false;
    // A file system without hard links: the lock is empty for a moment, which others read as held.
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].some((code) => has(failure, code))) throw failure;
    return create(path, content);
  } finally {
    rmSync(temporary, { force: true });
  }
};

/** Replaces a dead process's lock. Only who holds the claim on that very lock (by its content) may do it. */
const takeOver = (path: string, stale: Found, content: string, command: string): boolean => {
  const claimPath = `${path}.${createHash('sha256').update(stale.text).digest('hex').slice(0, 16)}`;
  const right = acquire(claimPath, command);
  try {
    if (read(path)?.text !== stale.text) return false;
    const temporary = `${path}.${process.pid}.${randomBytes(8).toString('hex')}.tmp`;
    writeFileSync(temporary, content, { flag: 'wx' });
    renameSync(temporary, path);
    return true;
  } finally {
    right.release();
  }
};

/**
 * The right to write, as a file: `{pid, host, command}`. A lock whose process has died on this host is taken over; of
 * several that try at the same time exactly one gets it, and the others are told who did.
 */
const acquire = (path: string, command: string): Lock => {
  const token = randomBytes(8).toString('hex');
  const holder: Holder = { pid: process.pid, host: hostname(), command, started: startOf(process.pid), token };
  const content = `${JSON.stringify(holder)}\n`;
  const lock: Lock = {
    release: () => {
      if (read(path)?.text === content) rmSync(path, { force: true });
    },
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    if (claim(path, content, token)) return lock;
    const found = read(path);
    if (found === undefined) continue;
    if (found.holder === undefined || !isDead(found.holder)) {
      throw new StoreFailure({ tag: 'Locked', where: path, holder: describe(path, found) });
    }
    if (takeOver(path, found, content, command)) return lock;
  }
  throw new StoreFailure({ tag: 'Locked', where: path, holder: 'others that keep taking it' });
};

export const acquireLock = (ledger: string, command: string): Lock => acquire(`${ledger}.lock`, command);
