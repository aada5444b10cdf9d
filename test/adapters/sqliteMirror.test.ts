import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../events/digest';
import { leafHash, type RecordedEvent } from '../../events/envelope';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { openSqliteMirror } from '../../src/adapters/sqlite/mirror';
import { rootOf } from '../../src/ledger/seal';
import { LogReadError } from '../../src/ports/eventLog';
import { appendTo, collect, must, someEvents, testClock, the } from '../support/events';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';
import { openMirror } from '../support/mirrored';

afterAll(removeFolders);

/** Five streams of four events, interleaved. */
const someLedger = async () => {
  const log = openMemoryLog({ now: testClock() });
  for (let n = 0; n < 4; n++) {
    for (const stream of ['a', 'b', 'c', 'd', 'e']) {
      const events = someEvents(stream, 4).slice(n, n + 1);
      must(await log.append(stream, n === 0 ? 'noStream' : n - 1, events)());
    }
  }
  await appendTo(log, 'a', [{ ...the(someEvents('seen', 1)[0]), observed: { ms: 1.5 } }]);
  return log;
};

const withoutPosition = (events: readonly RecordedEvent[]) => events.map((event) => ({ ...event, position: '' }));

it('gives back what it was given, times and observations too, and goes on where it was closed', async () => {
  const source = await someLedger();
  const all = await collect(source.readAll());
  const path = join(newFolder(), 'deep', 'a.mirror.db');
  const first = await openMirror(path);
  expect(first.source()).toBeUndefined();
  first.take(all.slice(0, 9));
  expect(first.source()).toBe(all[8]?.position);
  await first.close();
  expect(existsSync(`${path}.lock`)).toBe(false);

  const second = await openMirror(path);
  expect(second.source()).toBe(all[8]?.position);
  const places = second.places();
  second.take(all.slice(9));
  expect(await collect(places)).toEqual(all.slice(0, 9).map(({ id, stream, revision }) => ({ id, stream, revision })));
  expect(await collect(second.places())).toHaveLength(all.length);
  const copied = await collect(second.log.readAll());
  expect(withoutPosition(copied)).toEqual(withoutPosition(all));
  expect(copied.map(({ position }) => position)).toEqual(all.map((_, i) => String(i + 1)));
  expect(await rootOf(second.log)).toEqual(await rootOf(source));
  await second.close();
  // It is a ledger's file to everything that reads one.
  const file = await openLedger(path, 'read');
  expect((await file.head()).size).toBe(all.length);
  expect((await file.checkStorage()).checks.filter(({ ok }) => !ok)).toEqual([]);
  await file.close();
});

describe('an event that is not what comes next', () => {
  const rehashed = (event: RecordedEvent): RecordedEvent => ({ ...event, leaf: leafHash(event) });
  it.each<[string, (event: RecordedEvent) => RecordedEvent, RegExp]>([
    ['other data', (event) => ({ ...event, data: { name: 'other' } }), /leaf hash: expected/],
    ['another leaf', (event) => ({ ...event, leaf: sha256('x') }), /leaf hash: expected/],
    [
      'a revision left out',
      (event) => rehashed({ ...event, revision: event.revision + 1 }),
      /expected revision 2, got 3/,
    ],
    [
      'another predecessor',
      (event) => rehashed({ ...event, meta: { ...event.meta, prev: sha256('x') } }),
      /the event before it: expected/,
    ],
    ['an id that is there', (event) => rehashed({ ...event, id: the(someEvents('a', 1)[0]).id }), /is stored twice/],
  ])('%s: is refused by name, and what came before it is kept', async (_, change, message) => {
    const all = await collect((await someLedger()).readAll());
    const mirror = await openMirror();
    const spoiled = all.map((event, i) => (i === 11 ? change(event) : event));
    expect(() => mirror.take(spoiled)).toThrow(LogReadError);
    expect((await mirror.log.head()).size).toBe(11);
    expect(mirror.source()).toBe(all[10]?.position);
    expect(() => mirror.take(spoiled.slice(11))).toThrow(message);
    // Nothing of the refused page sticks: the right events go on.
    mirror.take(all.slice(11));
    expect((await mirror.log.head()).size).toBe(all.length);
    await mirror.close();
  });
});

it('is written by one process at a time', async () => {
  const path = join(newFolder(), 'a.mirror.db');
  const mirror = await openMirror(path);
  expect(await openSqliteMirror({ path, of: 'x' })()).toMatchObject({ left: { tag: 'Locked' } });
  await mirror.close();
  await (await openMirror(path)).close();
});
