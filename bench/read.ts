import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeEvent } from '../events/index';
import { connect, integer, text, utf8 } from '../src/adapters/sqlite/connection';
import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import { verify } from '../src/ledger/verify';
import type { ReadAll } from '../src/ports/eventLog';
import { compare, rate, report, type Line } from './measure';
import { syntheticLedger } from './syntheticLedger';
import { orThrow } from './table';

/** Replaying a ledger against a bare scan of the same file, with and without parsing. */

const folder = mkdtempSync(join(tmpdir(), 'tripost-bench-'));
const path = join(folder, 'ledger.db');
const open = async (mode: 'read' | 'write') =>
  orThrow(await openSqliteLog({ path, mode, now: () => '2026-01-01T00:00:00.000Z' })());

const fill = async (): Promise<number> => {
  const log = await open('write');
  const heads = new Map<string, number>();
  const queued: Promise<unknown>[] = [];
  for (const { stream, events } of syntheticLedger(1000, 4, 7)) {
    const head = heads.get(stream);
    heads.set(stream, (head ?? -1) + events.length);
    queued.push(
      log
        .append(stream, head ?? 'noStream', events)()
        .then(orThrow),
    );
    if (queued.length === 500) await Promise.all(queued.splice(0));
  }
  await Promise.all(queued);
  const { size } = await log.head();
  await log.close();
  return size;
};

const main = async (): Promise<void> => {
  const count = await fill();
  const log = await open('read');
  const peer = connect(path, 'read');
  const page = peer.query(
    `SELECT position, ${text('type')}, ${text('data')} FROM events WHERE position > ? ORDER BY position LIMIT 1000`,
  );
  let kept: unknown;
  const scan = (parse: boolean): Promise<number> =>
    rate(count, () => {
      for (let after = 0; ; ) {
        const rows = page.all(after);
        for (const row of rows) {
          const data = utf8(row[2]);
          kept = parse ? JSON.parse(data) : data;
        }
        if (rows.length < 1000) return;
        after = integer(rows.at(-1)?.[0]);
      }
    });
  const replay = (options: ReadAll, decode: boolean): Promise<number> =>
    rate(count, async () => {
      for await (const event of log.readAll(options)) kept = decode ? orThrow(decodeEvent(event)) : event;
    });
  const verified = (): Promise<number> =>
    rate(count, async () => {
      const { ok } = await verify(log);
      if (!ok) throw new Error('the ledger of the benchmark does not verify');
    });
  const rounds = 5;
  const bare = 'bare scan of 3 columns';
  const parsing = 'bare scan and JSON.parse';
  await replay({}, true);
  const lines: Line[] = [
    await compare(
      { what: 'replay, decoded by codec', peer: bare, target: 0.25 },
      rounds,
      () => replay({}, true),
      () => scan(false),
    ),
    await compare(
      { what: 'replay, decoded by codec', peer: parsing, target: 0.35 },
      rounds,
      () => replay({}, true),
      () => scan(true),
    ),
    await compare(
      { what: 'replay, not decoded', peer: parsing, target: 0.4 },
      rounds,
      () => replay({}, false),
      () => scan(true),
    ),
    await compare(
      { what: 'replay of one type', peer: bare, target: 0.5 },
      rounds,
      () => replay({ filter: { types: ['TrajectoryClosed'] } }, true),
      () => scan(false),
    ),
    await compare({ what: 'verify', peer: bare, target: 0.1 }, 3, verified, () => scan(false)),
  ];
  report('read', lines);
  if (kept === undefined) throw new Error('nothing was read');
  peer.close();
  await log.close();
};

void main().finally(() => rmSync(folder, { recursive: true, force: true }));
