import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteLog, type SqliteLog } from '../../src/adapters/sqlite/eventLog';
import { must, testClock } from './events';

const folders: string[] = [];

/** A folder of this test file's own; call `removeFolders` in `afterAll`. */
export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tripost-test-'));
  folders.push(folder);
  return folder;
};

export const removeFolders = (): void => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
};

export const openLedger = async (path: string, mode: 'read' | 'write' = 'write'): Promise<SqliteLog> =>
  must(await openSqliteLog({ path, mode, now: testClock() })());
