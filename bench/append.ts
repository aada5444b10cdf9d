import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '../events/digest';
import { leafHash, type NewEvent } from '../events/envelope';
import { connect } from '../src/adapters/sqlite/connection';
import { openSqliteLog, type SqliteLog } from '../src/adapters/sqlite/eventLog';
import { compare, rate, report, type Line } from './measure';
import { syntheticLedger } from './syntheticLedger';
import { orThrow } from './table';

/** Appending to the ledger against bare prepared inserts of the same rows, durable on both sides. */

const folder = mkdtempSync(join(tmpdir(), 'tripost-bench-'));
const now = (): string => '2026-01-01T00:00:00.000Z';
const sample: readonly NewEvent[] = [...syntheticLedger(60, 4, 7)].flatMap((append) => append.events);

/** Events like the sample's, with ids never used before, that all belong to one of `streams` streams. */
let made = 0;
const fresh = (count: number): NewEvent[] =>
  Array.from({ length: count }, () => {
    const like = sample[made % sample.length];
    if (like === undefined) throw new Error('the sample is empty');
    made += 1;
    // Spread over the whole range, as content-derived ids are.
    const spread = ((made * 2654435761) % 0x100000000).toString(16).padStart(8, '0');
    return { ...like, id: `${spread}-0000-8000-8000-${String(made).padStart(12, '0')}` };
  });

const open = async (name: string): Promise<SqliteLog> =>
  orThrow(await openSqliteLog({ path: join(folder, name), mode: 'write', now })());

/** The rows as the log would write them, made beforehand: the peer only inserts. */
const rowsOf = (stream: string, from: number, position: number, events: readonly NewEvent[]) =>
  events.map(({ id, type, version, data, meta }, i) => {
    const revision = from + i;
    const leaf = leafHash({ stream, revision, id, type, version, data, meta: { ...meta, prev: null } });
    const names = [
      position + i,
      stream,
      revision,
      id,
      type,
      version,
      now(),
      null,
      meta.correlation ?? null,
      leaf,
      leaf,
    ];
    return [...names, canonicalJson(data), null];
  });

const main = async (): Promise<void> => {
  const log = await open('ours.db');
  // The peer's file has the ledger's own tables, made by the ledger.
  await (await open('peer.db')).close();
  const peer = connect(join(folder, 'peer.db'), 'write');
  peer.exec('PRAGMA journal_mode = WAL');
  const insert = peer.query('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  let stored = 0;

  const ours = async (stream: string, batches: readonly (readonly NewEvent[])[], together: number): Promise<number> => {
    const count = batches.reduce((sum, batch) => sum + batch.length, 0);
    const writers = Array.from({ length: together }, (_, w) => batches.filter((_batch, i) => i % together === w));
    return rate(count, async () => {
      await Promise.all(
        writers.map(async (mine, w) => {
          let expected: 'noStream' | number = 'noStream';
          for (const batch of mine) expected = orThrow(await log.append(`${stream}-${w}`, expected, batch)()).revision;
        }),
      );
    });
  };
  const bare = async (stream: string, batches: readonly (readonly NewEvent[])[]): Promise<number> => {
    let revision = 0;
    const rows = batches.map((batch) => {
      const made1 = rowsOf(stream, revision, stored + 1, batch);
      revision += batch.length;
      stored += batch.length;
      return made1;
    });
    return rate(revision, () => {
      for (const batch of rows) {
        if (batch.length > 1) peer.exec('BEGIN IMMEDIATE');
        for (const row of batch) insert.run(row);
        if (batch.length > 1) peer.exec('COMMIT');
      }
    });
  };
  const singles = (count: number) => fresh(count).map((event) => [event]);
  const thousands = (count: number) => Array.from({ length: count }, () => fresh(1000));

  await ours('warm', [...thousands(2), ...singles(100)], 1);
  await bare('warm', [...thousands(2), ...singles(100)]);
  const lines: Line[] = [
    await compare(
      { what: 'one durable append at a time', peer: 'bare inserts, one a commit', target: 0.8 },
      5,
      (round) => ours(`single-${round}`, singles(200), 1),
      (round) => bare(`single-${round}`, singles(200)),
    ),
    await compare(
      { what: 'batches of 1000', peer: 'bare inserts, 1000 a commit', target: 0.75 },
      5,
      (round) => ours(`bulk-${round}`, thousands(4), 1),
      (round) => bare(`bulk-${round}`, thousands(4)),
    ),
    await compare(
      { what: '64 writers at once, durable', peer: 'one durable append at a time', target: 7 },
      5,
      (round) => ours(`many-${round}`, singles(1600), 64),
      (round) => ours(`alone-${round}`, singles(200), 1),
    ),
  ];
  report('append', lines);
  peer.close();
  await log.close();
};

void main().finally(() => rmSync(folder, { recursive: true, force: true }));
