import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordedEvent } from '../../events/envelope';
import { verify } from '../../src/ledger/verify';
import { appendingChild } from '../support/appendingChild';
import { appendTo, collect, fieldsOf, someEvents } from '../support/events';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';
import { compiled } from '../support/rawSql';

afterAll(removeFolders);

/** Runs a writing process, kills it after a while, and gives the ids it had acknowledged by then. */
const writeAndKill = (dist: string, env: NodeJS.ProcessEnv, path: string, round: number): Promise<readonly string[]> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', appendingChild(dist, path, round)], { env });
    let out = '';
    let trouble = '';
    child.stderr.on('data', (chunk: Buffer) => (trouble += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => {
      // The clock runs from the first sign of life.
      if (out === '') setTimeout(() => child.kill('SIGKILL'), 60 + round * 70);
      out += chunk.toString();
    });
    child.on('close', (_code, signal) => {
      // A last line without its end was cut off in the pipe, not in the ledger; it says nothing.
      const lines = out.split('\n').slice(1, -1);
      if (signal === 'SIGKILL') resolve(lines.flatMap((line) => line.split(' ')));
      else reject(new Error(`the child ended by itself: ${trouble}`));
    });
  });

/** Batches that are not there as a whole. */
const partial = (events: readonly RecordedEvent[]): readonly string[] => {
  const counts = new Map<string, { readonly size: number; count: number }>();
  for (const event of events.filter((one) => one.stream.startsWith('r'))) {
    const { batch, size } = fieldsOf(event.data);
    const key = `${event.stream.split('-')[0]}:${JSON.stringify(batch)}`;
    const entry = counts.get(key) ?? { size: Number(size), count: 0 };
    entry.count += 1;
    counts.set(key, entry);
  }
  return [...counts].filter(([, { size, count }]) => size !== count).map(([key]) => key);
};

it('a writer killed amid appends loses nothing it acknowledged and leaves no part of a batch', async () => {
  const path = join(newFolder(), 'ledger.db');
  const { dist, env } = compiled(newFolder());
  const acknowledged: string[] = [];
  for (let round = 0; round < 5; round++) {
    acknowledged.push(...(await writeAndKill(dist, env, path, round)));
    expect(existsSync(`${path}.lock`)).toBe(true);
    expect(existsSync(`${path}.sha256`)).toBe(false);
    // A reader needs no lock, and changes nothing of what the next writer will find.
    const reader = await openLedger(path, 'read');
    const events = await collect(reader.readAll());
    const stored = new Set(events.map((event) => event.id));
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    expect(partial(events)).toEqual([]);
    const found = await verify(reader);
    // Its events are of no type that the registry knows; apart from that it is whole.
    expect([found.events, found.damaged, found.firstDamaged?.check]).toEqual([events.length, events.length, 'data']);
    expect((await reader.checkStorage()).ok).toBe(true);
    await reader.close();
  }
  expect(acknowledged.length).toBeGreaterThan(0);
  const writer = await openLedger(path);
  const { size } = await writer.head();
  await appendTo(writer, 'after', someEvents('after', 3));
  expect((await writer.head()).size).toBe(size + 3);
  await writer.close();
  const reader = await openLedger(path, 'read');
  expect((await reader.checkStorage()).checks.map((check) => check.ok)).toEqual([true, true, true, true]);
  await reader.close();
}, 120_000);
