import { spawn } from 'node:child_process';

/** A child process of a test, and what it has said. */
export interface Child {
  readonly pid: number;
  readonly out: () => string;
  kill(): void;
  /** Resolves when it has written so many whole lines, or ended. */
  said(lines: number): Promise<void>;
  /** Its exit, with everything it said. Rejects where it failed by itself. */
  readonly ended: Promise<{ readonly signal: NodeJS.Signals | null; readonly out: string }>;
}

/** Runs a script as a process of its own, against the compiled sources. */
export const startChild = (script: string, env: NodeJS.ProcessEnv): Child => {
  const child = spawn(process.execPath, ['-e', script], { env });
  let out = '';
  let trouble = '';
  let over = false;
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const check of waiting) check();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    look();
  });
  child.stderr.on('data', (chunk: Buffer) => (trouble += chunk.toString()));
  const ended = new Promise<{ readonly signal: NodeJS.Signals | null; readonly out: string }>((resolve, reject) => {
    child.on('close', (code, signal) => {
      over = true;
      look();
      if (code === 0 || signal === 'SIGKILL') resolve({ signal, out });
      else reject(new Error(`a child ended with ${code ?? signal}: ${trouble}`));
    });
  });
  return {
    pid: child.pid ?? 0,
    out: () => out,
    kill: () => void child.kill('SIGKILL'),
    said: (lines) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!over && out.split('\n').length <= lines) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    ended,
  };
};

/** Opens the ledger for writing as `log`, in a script of `startChild`; `body` is async code. */
export const withLog = (dist: string, path: string, body: string): string => `
const { writeSync } = require('node:fs');
const { openSqliteLog } = require(${JSON.stringify(`${dist}/src/adapters/sqlite/eventLog.js`)});
const { contentId } = require(${JSON.stringify(`${dist}/events/digest.js`)});
const event = (name) => ({ id: contentId(['test', name]), type: 'Noted', version: 1, data: { name }, meta: {} });
const must = (result) => { if (result._tag === 'Left') throw new Error(JSON.stringify(result.left)); return result.right; };
const open = async () => must(await openSqliteLog({ path: ${JSON.stringify(path)}, mode: 'write', now: () => new Date().toISOString() })());
(async () => {${body}
})().catch((failure) => { writeSync(2, String(failure && failure.stack)); process.exit(3); });
`;
