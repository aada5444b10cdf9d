import { decodeStored } from '../events/index';
import { stats } from '../projections/stats';
import { openFileStateStore } from '../src/adapters/files/stateStore';
import { connect, integer, text, utf8 } from '../src/adapters/sqlite/connection';
import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import { verify } from '../src/ledger/verify';
import type { ReadAll } from '../src/ports/eventLog';
import { foldSaved } from '../src/run/foldSaved';
import { compare, rate, type Line } from './measure';
import { orThrow } from './table';

const { signal } = new AbortController();

/**
 * Reading a ledger against a bare scan of three columns of the same file, with and without JSON.parse: replay (parse, codec,
 * upcast), one type, a projection with its saved state, verify. `states` is a folder for saved states.
 */
export const readLines = async (path: string, states: string, rounds: number): Promise<readonly Line[]> => {
  const log = orThrow(await openSqliteLog({ path, mode: 'read', now: () => '' })());
  const count = (await log.head()).size;
  const peer = connect(path, 'read');
  const page = peer.query(
    `SELECT position, ${text('type')}, ${text('data')} FROM events WHERE position > ? ORDER BY position LIMIT 1000`,
  );
  let kept: unknown;
  const scan = (parse: boolean) => (): Promise<number> =>
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
  const replay = (options: ReadAll) => (): Promise<number> =>
    rate(count, async () => {
      for await (const events of log.readPages(options))
        for (const event of events) kept = orThrow(decodeStored(event));
    });
  const unparsed = (): Promise<number> =>
    rate(count, async () => {
      for await (const events of log.readPages()) kept = events;
    });
  const verified = (): Promise<number> =>
    rate(count, async () => {
      const { ok } = await verify(log);
      if (!ok) throw new Error('the ledger of the benchmark does not verify');
    });
  const store = openFileStateStore({ folder: states });
  const folded = (): Promise<number> =>
    rate(count, async () => {
      await store.save(stats.name, '');
      kept = orThrow(await foldSaved(stats, log, store, { signal, saves: true })).state;
    });

  const bare = 'bare scan of 3 columns';
  const parsing = 'bare scan and JSON.parse';
  const one = { filter: { types: ['TrajectoryClosed'] } };
  const lines: Line[] = [
    await compare(
      { what: 'replay: parse, codec, upcast', peer: parsing, target: 0.85 },
      rounds,
      replay({}),
      scan(true),
    ),
    await compare({ what: 'pages, not parsed', peer: bare, target: 0.5 }, rounds, unparsed, scan(false)),
    await compare({ what: 'fold of one type', peer: bare, target: 0.5 }, rounds, replay(one), scan(false)),
    await compare({ what: 'projection, state saved', peer: bare, target: 0.22 }, rounds, folded, scan(false)),
    await compare({ what: 'verify', peer: bare, target: 0.1 }, rounds, verified, scan(false)),
  ];
  if (kept === undefined) throw new Error('nothing was read');
  peer.close();
  await log.close();
  return lines;
};

/** Seconds to fold everything and save, and to be current again after what was appended since: the state is saved there. */
export const catchUp = async (path: string, states: string): Promise<{ seconds: number; folded: number }> => {
  const log = orThrow(await openSqliteLog({ path, mode: 'read', now: () => '' })());
  const start = performance.now();
  const { folded } = orThrow(
    await foldSaved(stats, log, openFileStateStore({ folder: states }), { signal, saves: true }),
  );
  const seconds = (performance.now() - start) / 1000;
  await log.close();
  return { seconds, folded };
};
