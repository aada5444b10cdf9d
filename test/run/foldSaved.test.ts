import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import { labelGiven } from '../../events/labelGiven';
import { project, type Projection } from '../../projections/projection';
import { stats, type Stats, type StatsState } from '../../projections/stats';
import { openFileStateStore } from '../../src/adapters/files/stateStore';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { logAt } from '../../src/cli/at';
import type { EventLog } from '../../src/ports/eventLog';
import { foldSaved } from '../../src/run/foldSaved';
import { decodedOf } from '../collect/decoded';
import { collect, must, testClock, the } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

afterAll(removeFolders);

const { signal } = new AbortController();
const note = (n: number) =>
  labelGiven.create({ eventId: `e${n}`, label: 'odd', value: true, by: 'ben', supersedes: null });

const grow = async (log: EventLog, from: number, to: number): Promise<void> => {
  for (let n = from; n < to; n++) must(await log.append(`notes-${n}`, 'noStream', [note(n)])());
};

const place = async (events: number) => {
  const folder = join(newFolder(), 'ledger.db.projections');
  const log = openMemoryLog({ now: testClock() });
  await grow(log, 0, events);
  return { log, states: openFileStateStore({ folder }), folder, file: join(folder, 'stats.json') };
};

/** Folds, and holds the view against folding everything anew. */
const fold = async (
  { log, states }: Pick<Awaited<ReturnType<typeof place>>, 'log' | 'states'>,
  saves = true,
  projection: Projection<StatsState, Stats> = stats,
) => {
  const folded = must(await foldSaved(projection, log, states, { signal, saves }));
  expect(projection.view(folded.state)).toEqual(project(stats, await decodedOf(log)));
  return folded;
};

it('goes on from the saved state: only new events are folded', async () => {
  const here = await place(1500);
  expect(await fold(here)).toMatchObject({ folded: 1500, unused: null });
  await grow(here.log, 1500, 1510);
  expect(await fold(here)).toMatchObject({ folded: 10, unused: null });
  const before = readFileSync(here.file, 'utf8');
  await grow(here.log, 1510, 2600);
  expect(await fold(here)).toMatchObject({ folded: 1100, unused: null });
  expect(readFileSync(here.file, 'utf8')).not.toBe(before);
  expect(await fold(here)).toMatchObject({ folded: 0, unused: null });
  expect(readdirSync(here.folder)).toEqual(['stats.json']);
});

it('saves nothing of a short fold, or where it may not', async () => {
  const short = await place(999);
  await fold(short);
  expect(existsSync(short.folder)).toBe(false);
  const long = await place(1000);
  await fold(long, false);
  expect(existsSync(long.folder)).toBe(false);
});

it('folds from the start, and says why, where the state is of another ledger, version or form', async () => {
  const here = await place(1200);
  await fold(here);
  const saved = readFileSync(here.file, 'utf8');

  const shorter = await place(3);
  expect(await fold({ ...shorter, states: here.states })).toMatchObject({
    folded: 3,
    unused: 'there is no event at position 1200, where it ends',
  });
  const other = openMemoryLog({ now: testClock() });
  await grow(other, 5000, 6300);
  expect(await fold({ log: other, states: here.states }, false)).toMatchObject({
    folded: 1300,
    unused: expect.stringContaining('the event at position 1200 is another one'),
  });
  const newer = { ...stats, version: stats.version + 1 };
  expect(await fold(here, false, newer)).toMatchObject({
    folded: 1200,
    unused: `Saved state is of stats@${stats.version}, this code folds stats@${stats.version + 1}: fold from the start.`,
  });
  for (const text of ['', saved.slice(0, 200), '{"format":2}', saved.replace('"position":"1200"', '"position":"x"')]) {
    writeFileSync(here.file, text);
    expect((await fold(here, false)).unused).not.toBeNull();
  }
  expect((await fold(here)).folded).toBe(1200);
  expect(readFileSync(here.file, 'utf8')).toBe(saved);
});

it('a prefix uses a state that lies in it, and no other', async () => {
  const here = await place(1200);
  await fold(here);
  await grow(here.log, 1200, 1300);
  const positions = (await collect(here.log.readAll())).map(({ position }) => position);
  const inside = logAt(here.log, the(positions[1249]));
  expect(await fold({ ...here, log: inside }, false)).toMatchObject({ folded: 50, unused: null });
  const outside = logAt(here.log, the(positions[1099]));
  expect(await fold({ ...here, log: outside }, false)).toMatchObject({ folded: 1100 });
});

it('stops when it is told to, and names an event that it cannot read', async () => {
  const here = await place(3);
  const stopped = new AbortController();
  stopped.abort();
  const options = { signal: stopped.signal, saves: true };
  expect(await foldSaved(stats, here.log, here.states, options)).toEqual(E.left({ tag: 'Stopped' }));
  must(await here.log.append('x', 'noStream', [{ id: 'x', type: 'Unheard', version: 1, data: {}, meta: {} }])());
  expect(await foldSaved(stats, here.log, here.states, { signal, saves: true })).toMatchObject(
    E.left({ tag: 'UnknownType' }),
  );
});

it('a folder that cannot be written, or was deleted, costs nothing but time', async () => {
  const here = await place(1000);
  const states = openFileStateStore({ folder: '/dev/null/states' });
  expect(await fold({ ...here, states })).toMatchObject({ folded: 1000 });
  expect(await fold({ ...here, states })).toMatchObject({ folded: 1000, unused: null });
});
