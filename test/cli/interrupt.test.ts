import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf, mainFile, runCli, tinyConfig, tinyLedger, tinyReport, type Report } from '../support/cliBuild';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

/** Calls back once, when the process has written this to stderr. */
const onceSaid = (stderr: () => string, pattern: RegExp, then: () => void): void => {
  const timer = setInterval(() => {
    if (!pattern.test(stderr())) return;
    clearInterval(timer);
    then();
  }, 5);
  timer.unref();
};

const final = () => {
  const { runId, root, iterations } = tinyReport();
  return { runId, root, iterations };
};

describe('SIGINT', () => {
  it('stops training at a safe point with 130; the next run goes on to the same digests', async () => {
    const ledger = join(newFolder(), 'ledger.db');
    const args = ['run', tinyConfig, '--ledger', ledger];
    const stopped = await runCli(args, {
      during: (child, stderr) =>
        onceSaid(stderr, /base, train: 1 of/, () => setTimeout(() => child.kill('SIGINT'), 200)),
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(
      /Stopped in training at step \d+ of 150; saved up to step \d+\.\nThe ledger is closed and whole\. Run the same command again/,
    );
    expect([existsSync(`${ledger}.lock`), existsSync(`${ledger}.sha256`)]).toEqual([false, true]);
    expect((await runCli(['verify', '--ledger', ledger])).code).toBe(0);
    expect(jsonOf(await runCli([...args, '--json']))).toMatchObject(final());
  });

  it('stops while the student answers; the next run goes on to the same digests', async () => {
    const ledger = join(newFolder(), 'ledger.db');
    const args = ['run', tinyConfig, '--ledger', ledger];
    const stopped = await runCli(args, {
      during: (child, stderr) => onceSaid(stderr, /base, evaluate|iteration 1, collect/, () => child.kill('SIGINT')),
    });
    expect([stopped.code, stopped.stderr]).toEqual([130, expect.stringMatching(/\nStopping at the next safe point/)]);
    expect(stopped.stderr).not.toMatch(/terminate called|Unexpected error/);
    expect((await runCli(['verify', '--ledger', ledger])).code).toBe(0);
    expect(jsonOf(await runCli([...args, '--json']))).toMatchObject(final());
  });

  it('twice ends the process at once, as if nobody listened, also inside a run of the runtime', async () => {
    const ledger = join(newFolder(), 'ledger.db');
    const args = ['run', tinyConfig, '--ledger', ledger];
    const ended = await runCli(args, {
      during: (child, stderr) => {
        onceSaid(stderr, /base, train: 1 of/, () => child.kill('SIGINT'));
        onceSaid(stderr, /Stopping at the next safe point/, () => child.kill('SIGINT'));
      },
    });
    // A step may end in between: then the first one has ended it, as it should.
    expect([ended.signal, ended.code]).toEqual(ended.signal === null ? [null, 130] : ['SIGINT', null]);
    expect(ended.stderr).not.toMatch(/terminate called/);
    expect(jsonOf(await runCli([...args, '--json']))).toMatchObject(final());
  });

  it('SIGTERM ends with 143, and a pipe that waits for input stops too', async () => {
    const main = mainFile();
    const ended = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
      const child = spawn(process.execPath, [main, 'feedback', '--task', 'word-sorting'], {
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
      child.stdout.once('data', () => child.kill('SIGTERM'));
      child.stdin.write('not json\n');
      child.on('close', (code) => resolve({ code, stderr }));
    });
    expect([ended.code, ended.stderr]).toEqual([143, expect.stringContaining('Stopped: 1 lines were judged')]);
  });
});

describe('kill -9', () => {
  it('at several moments: resumed each time, the final digests and root are those of the uninterrupted run', async () => {
    const ledger = join(newFolder(), 'ledger.db');
    const args = ['run', tinyConfig, '--ledger', ledger, '--json'];
    const kills: readonly RegExp[] = [
      /base, train: \d+ of/,
      /base, evaluate/,
      /iteration 1, collect/,
      /iteration 1, train/,
      /iteration 2, derive/,
    ];
    let killed = 0;
    for (const [i, pattern] of kills.entries()) {
      const ran = await runCli(args, {
        during: (child, stderr) =>
          onceSaid(stderr, pattern, () => setTimeout(() => child.kill('SIGKILL'), i === 0 ? 400 : 10 * i)),
      });
      if (ran.signal === 'SIGKILL') killed += 1;
    }
    expect(killed).toBeGreaterThanOrEqual(3);
    const finished = jsonOf(await runCli(args));
    expect(finished).toMatchObject(final());
    const { calls, steps }: Report['reused'] = finished.reused;
    expect(calls + steps).toBeGreaterThan(0);
    expect((await runCli(['verify', '--blobs', '--ledger', ledger])).code).toBe(0);
  });
});

describe('a second writer', () => {
  it('is told who writes, changes nothing, and readers are not in the way', async () => {
    const ledger = join(newFolder(), 'ledger.db');
    const args = ['run', tinyConfig, '--ledger', ledger];
    const others: Promise<void>[] = [];
    const first = await runCli([...args, '--json'], {
      during: (child, stderr) =>
        onceSaid(stderr, /base, train: \d+ of/, () =>
          others.push(
            (async () => {
              const second = await runCli(args);
              expect([second.code, second.stdout]).toEqual([5, '']);
              expect(second.stderr).toMatch(
                new RegExp(
                  `Another process is collecting into this ledger\\.\n.*\n {2}holder: process ${child.pid}\\b`,
                ),
              );
              expect((await runCli(['log', '--limit', '1', '--ledger', ledger])).code).toBe(0);
            })(),
          ),
        ),
    });
    await Promise.all(others);
    expect(others).toHaveLength(1);
    expect(jsonOf(first)).toMatchObject(final());
  });
});

describe('a reader that goes away', () => {
  it('is a clean end for log and for feedback', async () => {
    const ledger = tinyLedger(newFolder());
    const main = mainFile();
    const cut = (args: readonly string[], input: string): Promise<{ code: number | null; stderr: string }> =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
        let stderr = '';
        child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
        child.stdout.once('data', () => child.stdout.destroy());
        child.stdin.on('error', () => undefined);
        child.stdin.end(input);
        child.on('close', (code) => resolve({ code, stderr }));
      });
    expect(await cut(['log', '--json', '--ledger', ledger], '')).toEqual({ code: 0, stderr: '' });
    expect(await cut(['feedback', '--task', 'word-sorting'], 'x\n'.repeat(200_000))).toEqual({ code: 0, stderr: '' });
  });
});
