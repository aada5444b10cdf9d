import { canonicalJson } from '../events/digest';
import { leafHash, type NewEvent } from '../events/envelope';
import { connect, integer } from '../src/adapters/sqlite/connection';
import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import type { EventLog } from '../src/ports/eventLog';
import { compare, rate, type Line } from './measure';
import { syntheticLedger } from './syntheticLedger';
import { orThrow } from './table';

const now = (): string => '2026-01-01T00:00:00.000Z';

/** Events like the synthetic ledger's, with ids never used before, that all may belong to one stream. */
export const freshEvents = () => {
  const sample = [...syntheticLedger(2000, 7)].flatMap((append) => append.events);
  let made = 0;
  return (count: number): NewEvent[] =>
    Array.from({ length: count }, () => {
      const like = sample[made % sample.length];
      if (like === undefined) throw new Error('the sample is empty');
      made += 1;
      // Spread over the whole range, as content-derived ids are.
      const spread = ((made * 2654435761) % 0x100000000).toString(16).padStart(8, '0');
      return { ...like, id: `${spread}-0000-8000-8000-${String(made).padStart(12, '0')}` };
    });
};

/** The rows as the log would write them, made beforehand: the peer only inserts. */
const rowsOf = (stream: string, from: number, position: number, events: readonly NewEvent[]) =>
  events.map(({ id, type, version, data, meta }, i) => {
    const revision = from + i;
    const leaf = leafHash({ stream, revision, id, type, version, data, meta: { ...meta, prev: null } });
    const names = [position + i, stream, revision, id, type, version, now(), null, meta.correlation ?? null];
    return [...names, leaf, leaf, canonicalJson(data), null];
  });

/** Appends batches to a new stream, each behind the one before it. */
export const appendInTurn = async (
  log: EventLog,
  stream: string,
  batches: readonly (readonly NewEvent[])[],
): Promise<void> => {
  let expected: 'noStream' | number = 'noStream';
  for (const batch of batches) expected = orThrow(await log.append(stream, expected, batch)()).revision;
};

/**
 * Appending to a ledger (expected revision, duplicate ids, canonical JSON, hashes) against bare prepared inserts of the same
 * rows into a copy of the same file, durable on both sides.
 */
export const appendLines = async (path: string, copy: string, rounds: number): Promise<readonly Line[]> => {
  const log = orThrow(await openSqliteLog({ path, mode: 'write', now })());
  const peer = connect(copy, 'write');
  peer.exec('PRAGMA journal_mode = WAL');
  const insert = peer.query('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  let stored = integer(peer.query('SELECT max(position) FROM events').get()?.[0]);
  const fresh = freshEvents();

  const ours = async (stream: string, batches: readonly (readonly NewEvent[])[], together: number): Promise<number> => {
    const count = batches.reduce((sum, batch) => sum + batch.length, 0);
    const writers = Array.from({ length: together }, (_, w) => batches.filter((_batch, i) => i % together === w));
    return rate(count, async () => {
      await Promise.all(writers.map((mine, w) => appendInTurn(log, `${stream}-${w}`, mine)));
    });
  };
  const bare = async (stream: string, batches: readonly (readonly NewEvent[])[]): Promise<number> => {
    let revision = 0;
    const rows = batches.map((batch) => {
      const made = rowsOf(stream, revision, stored + 1, batch);
      revision += batch.length;
      stored += batch.length;
      return made;
    });
    return rate(revision, () => {
      for (const batch of rows) {
        if (batch.length > 1) peer.exec('BEGIN IMMEDIATE');
        for (const row of batch) insert.run(row);
        if (batch.length > 1) peer.exec('COMMIT');
      }
    });
  };
  const inBatches = (batches: number, size: number) => Array.from({ length: batches }, () => fresh(size));

  await ours('warm', [...inBatches(2, 1000), ...inBatches(500, 1)], 1);
  await bare('warm', [...inBatches(2, 1000), ...inBatches(500, 1)]);
  const against = async (what: string, target: number, batches: number, size: number): Promise<Line> =>
    compare(
      { what, peer: `bare inserts, ${size} a commit`, target },
      rounds,
      (round) => ours(`${size}-${round}`, inBatches(batches, size), 1),
      (round) => bare(`${size}-${round}`, inBatches(batches, size)),
    );
  const lines: Line[] = [
    await against('one durable append at a time', 0.8, 2000, 1),
    await against('batches of 100', 0.75, 20, 100),
    await against('batches of 1000', 0.75, 4, 1000),
    await compare(
      { what: '64 writers at once, durable', peer: 'one durable append at a time', target: 7 },
      rounds,
      (round) => ours(`many-${round}`, inBatches(1600, 1), 64),
      (round) => ours(`alone-${round}`, inBatches(200, 1), 1),
    ),
  ];
  peer.close();
  await log.close();
  return lines;
};
