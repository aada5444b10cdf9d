import { join } from 'node:path';
import { isMapping } from '../events/digest';
import type { NewEvent } from '../events/envelope';
import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import { appendInTurn, freshEvents } from './ledgerAppends';
import { compare, rate, type Line } from './measure';
import { LinePeer } from './peers/linePeer';
import { orThrow } from './table';

const now = (): string => '2026-01-01T00:00:00.000Z';

const rateIn = (answer: unknown): number =>
  isMapping(answer) ? Number(answer['events']) / Number(answer['seconds']) : Number.NaN;

const versionIn = (answer: unknown): string => (isMapping(answer) ? String(answer['version']) : '');

/**
 * The ledger against Emmett's SQLite store, both durable at its own defaults, each on a file that was empty before.
 * Undefined where TRIPOST_EMMETT names no folder whose node_modules hold @event-driven-io/emmett-sqlite.
 */
export const emmettLines = async (folder: string, rounds: number): Promise<readonly Line[] | undefined> => {
  if (process.env['TRIPOST_EMMETT'] === undefined) return undefined;
  const fresh = freshEvents();
  const events = fresh(2000).map(({ type, data }) => ({ type, data }));
  const peer = new LinePeer('node', [join(__dirname, '..', '..', 'bench', 'peers', 'emmettStore.mjs')]);
  const version = await peer.ask(JSON.stringify({ fileName: join(folder, 'emmett.db'), events }), versionIn);
  const log = orThrow(await openSqliteLog({ path: join(folder, 'beside-emmett.db'), mode: 'write', now })());

  const append = async (stream: string, batches: readonly (readonly NewEvent[])[]): Promise<number> =>
    rate(
      batches.reduce((sum, batch) => sum + batch.length, 0),
      () => appendInTurn(log, stream, batches),
    );
  const read = async (stream: string): Promise<number> => {
    const size = 1 + Number(await log.streamHead(stream));
    return rate(size, async () => {
      for await (const event of log.readStream(stream)) if (event.stream !== stream) throw new Error('another stream');
    });
  };
  const against = (what: string, target: number, batches: number, size: number): Promise<Line> =>
    compare(
      { what, peer: `Emmett ${version}`, target },
      rounds,
      (round) =>
        append(
          `${size}-${round}`,
          Array.from({ length: batches }, () => fresh(size)),
        ),
      (round) => peer.ask(JSON.stringify({ append: `${size}-${round}`, batches, size }), rateIn),
    );
  // A round of each beforehand, for both compilers.
  await append('warm', [
    ...Array.from({ length: 20 }, () => fresh(100)),
    ...Array.from({ length: 200 }, () => fresh(1)),
  ]);
  await peer.ask(JSON.stringify({ append: 'warm-100', batches: 20, size: 100 }), rateIn);
  await peer.ask(JSON.stringify({ append: 'warm-1', batches: 200, size: 1 }), rateIn);
  const lines = [
    await against('one durable append at a time', 8, 200, 1),
    await against('batches of 100', 2, 20, 100),
    await compare(
      { what: 'one stream of 2,000 read', peer: `Emmett ${version}`, target: 1 },
      rounds,
      (round) => read(`100-${round}`),
      (round) => peer.ask(JSON.stringify({ read: `100-${round}` }), rateIn),
    ),
  ];
  await peer.end();
  await log.close();
  return lines;
};
