import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import Database from 'libsql';
import { decodeEvent } from '../events/index';
import { deriveDataset } from '../projections/deriveDataset';
import { trajectories } from '../projections/trajectories';
import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import { loadPolicy } from '../src/cli/policyFile';
import { syntheticLedger } from './syntheticLedger';
import { median, report, rounded, seconds } from './table';

/** Deriving a dataset from a ledger file, against a bare scan of the same rows with JSON.parse, interleaved. */
const main = async (): Promise<void> => {
  const problems = Number(process.argv[2] ?? 2000);
  const passes = 5;
  const folder = mkdtempSync(join(tmpdir(), 'tripost-derive-'));
  const path = join(folder, 'ledger.db');
  const opened = await openSqliteLog({
    path,
    mode: 'write',
    now: () => '2026-01-01T00:00:00.000Z',
  })();
  if (E.isLeft(opened)) throw new Error(opened.left.tag);
  const log = opened.right;
  const pending: Promise<E.Either<unknown, unknown>>[] = [];
  const heads = new Map<string, number>();
  let events = 0;
  for (const append of syntheticLedger(problems, passes, 1)) {
    const head = heads.get(append.stream);
    pending.push(log.append(append.stream, head ?? 'noStream', append.events)());
    heads.set(append.stream, (head ?? -1) + append.events.length);
    events += append.events.length;
    if (pending.length >= 256)
      for (const done of await Promise.all(pending.splice(0)))
        if (E.isLeft(done)) throw new Error(JSON.stringify(done.left));
  }
  await Promise.all(pending);

  const policy = loadPolicy('tripost', folder);
  const raw = new Database(path);
  const times: Record<'scan' | 'fold' | 'derive', number[]> = { scan: [], fold: [], derive: [] };
  let rows = 0;
  for (let round = 0; round < 3; round++) {
    times.scan.push(
      await seconds(() => {
        let sum = 0;
        for (const row of raw.prepare('SELECT data FROM events ORDER BY position').raw().iterate()) {
          const text: unknown = Array.isArray(row) ? row[0] : undefined;
          const value: unknown = JSON.parse(String(text));
          if (typeof value === 'object') sum++;
        }
        if (sum === 0) throw new Error('nothing scanned');
      }),
    );
    let view = trajectories.view(trajectories.initial());
    times.fold.push(
      await seconds(async () => {
        const state = trajectories.initial();
        for await (const recorded of log.readAll()) {
          const event = decodeEvent(recorded);
          if (E.isLeft(event)) throw new Error(event.left.tag);
          trajectories.apply(state, event.right);
        }
        view = trajectories.view(state);
      }),
    );
    times.derive.push(
      await seconds(() => {
        rows = deriveDataset(view, policy, { seed: 1 }).rows.length;
      }),
    );
  }
  raw.close();
  await log.close();
  rmSync(folder, { recursive: true });
  const scan = median(times.scan);
  const whole = times.fold.map((fold, i) => fold + (times.derive[i] ?? 0));
  report(`derive: ${events} events, ${problems * passes} trajectories, ${rows} rows, medians of 3`, [
    { step: 'bare scan, JSON.parse', 'events/s': rounded(events / scan), 'of scan': 1 },
    {
      step: 'read, decode, fold',
      'events/s': rounded(events / median(times.fold)),
      'of scan': rounded(scan / median(times.fold)),
    },
    {
      step: 'the same and derive (policy tripost)',
      'events/s': rounded(events / median(whole)),
      'of scan': rounded(scan / median(whole)),
    },
  ]);
};

void main();
