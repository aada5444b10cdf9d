import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentId } from '../events/digest';
import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import { orThrow, report, rounded } from './table';

/**
 * Processes that write into one SQLite ledger at the same time, as fast as each can: appends a second of each, and the
 * longest that one of them had to wait. Fair: the slowest of equal writers gets as much as the fastest.
 *
 * Usage: npm run bench -- share [milliseconds]
 */
const milliseconds = Number(process.argv[2] ?? 3000);

/** Batch sizes of the writers that work side by side. */
const settings: readonly (readonly number[])[] = [[1], [1, 1], [1, 1, 1], [1, 1, 1, 1], [100, 100], [1, 1000]];

interface Rate {
  readonly batch: number;
  readonly appends: number;
  readonly worst: number;
}

/** One writer: says that it is there, waits for the start, appends until the time is over. */
const write = async (path: string, name: string, batch: number): Promise<void> => {
  const now = (): string => new Date().toISOString();
  const log = orThrow(await openSqliteLog({ path, mode: 'write', now })());
  process.send?.('ready');
  await new Promise((resolve) => process.once('message', resolve));
  let expected: 'noStream' | number = 'noStream';
  let [appends, worst] = [0, 0];
  for (const end = performance.now() + milliseconds; performance.now() < end; appends++) {
    const events = Array.from({ length: batch }, (_, i) => ({
      id: contentId([name, appends, i]),
      type: 'Noted',
      version: 1,
      data: { text: 'x'.repeat(700) },
      meta: {},
    }));
    const from = performance.now();
    expected = orThrow(await log.append(name, expected, events)()).revision;
    worst = Math.max(worst, performance.now() - from);
  }
  const rate: Rate = { batch, appends, worst };
  process.send?.(rate);
  await log.close();
  process.disconnect();
};

const isRate = (value: unknown): value is Rate => typeof value === 'object' && value !== null && 'appends' in value;

/** Runs the writers side by side; they start at the same moment. */
const together = async (path: string, batches: readonly number[]): Promise<readonly Rate[]> => {
  const children = batches.map((batch, i) =>
    spawn(process.execPath, [__filename, String(milliseconds), path, `writer-${i}`, String(batch)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  );
  let ready = 0;
  return Promise.all(
    children.map(
      (child) =>
        new Promise<Rate>((resolve, reject) => {
          let rate: Rate | undefined;
          child.on('error', reject);
          child.on('message', (message) => {
            if (isRate(message)) rate = message;
            else if (++ready === children.length) for (const one of children) one.send('go');
          });
          child.on('exit', (code) => {
            if (rate === undefined || code !== 0) reject(new Error(`a writer ended with ${code}`));
            else resolve(rate);
          });
        }),
    ),
  );
};

const main = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'tripost-share-'));
  const rows: Record<string, string | number>[] = [];
  try {
    for (const [i, batches] of settings.entries()) {
      const rates = await together(join(folder, `${i}.db`), batches);
      const perSecond = rates.map(({ appends }) => rounded((1000 * appends) / milliseconds));
      const events = rates.reduce((sum, { appends, batch }) => sum + appends * batch, 0);
      rows.push({
        'events an append': batches.join(' + '),
        'appends/s of each': perSecond.join(' + '),
        'slowest / fastest': new Set(batches).size > 1 ? '' : rounded(Math.min(...perSecond) / Math.max(...perSecond)),
        'events/s together': rounded((1000 * events) / milliseconds),
        'longest wait, ms': Math.round(Math.max(...rates.map(({ worst }) => worst))),
      });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  report('Writers that share one SQLite ledger', rows);
};

const [, , , path, name, batch] = process.argv;
if (path !== undefined && name !== undefined) void write(path, name, Number(batch));
else void main();
