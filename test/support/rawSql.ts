import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';

const root = join(__dirname, '..', '..');

/** Changes a closed ledger as somebody with an SQLite tool would, without the triggers that stop accidents. */
export const tamper = (path: string, sql: string): void => {
  const database = new Libsql(path);
  database.exec('DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete; DROP TRIGGER head_no_delete');
  database.exec(sql);
  database.close();
};

/** Runs SQL on a ledger as it is, triggers and all. */
export const runSql = (path: string, sql: string): void => {
  const database = new Libsql(path);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
};

/** Compiles the sources into a folder, for tests that need another process. Packages are found over NODE_PATH. */
export const compiled = (folder: string): { readonly dist: string; readonly env: NodeJS.ProcessEnv } => {
  const dist = mkdtempSync(join(folder, 'dist-'));
  try {
    execFileSync(
      process.execPath,
      [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.json'), '--outDir', dist],
      { cwd: root, stdio: 'pipe' },
    );
  } catch {
    // Type errors are another check's matter; the files are there all the same.
  }
  return { dist, env: { ...process.env, NODE_PATH: join(root, 'node_modules') } };
};
