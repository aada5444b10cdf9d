import { join } from 'node:path';
import type { RecordedEvent } from '../../events/envelope';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { mirroredLog, mirrorMismatch } from '../../src/ledger/mirroredLog';
import { verify } from '../../src/ledger/verify';
import { numberedLog } from '../../src/ledger/numberedLog';
import type { EventLog, Follow } from '../../src/ports/eventLog';
import {
  anEvent,
  appendTo,
  asPosition,
  collect,
  must,
  namesOf,
  refusal,
  someEvents,
  testClock,
  the,
} from '../support/events';
import { fill } from '../support/ledgerEvents';
import { newFolder, removeFolders } from '../support/ledgerFile';
import { mirrored, openMirror } from '../support/mirrored';

afterAll(removeFolders);

const newSource = (): EventLog => openMemoryLog({ now: testClock() });

/** The same store for another process: closing it closes nothing. */
const shared = (log: EventLog): EventLog => ({ ...log, close: async () => undefined });

/** What its followers are asked for, and a gate that they wait at before each event. */
const gated = (log: EventLog) => {
  const asked: Follow[] = [];
  let open = (): void => undefined;
  let gate: Promise<void> = Promise.resolve();
  const source: EventLog = {
    ...shared(log),
    follow: async function* (options) {
      asked.push(options);
      for await (const item of log.follow(options)) {
        await gate;
        yield item;
      }
    },
  };
  const shut = (): void => {
    gate = new Promise((resolve) => {
      open = resolve;
    });
  };
  return { source, asked, shut, open: () => open() };
};

it('resumes behind the last event that was copied, by one subscription', async () => {
  const log = newSource();
  const { source, asked } = gated(log);
  const path = join(newFolder(), 'a.mirror.db');
  await appendTo(log, 's', someEvents('a', 5));
  const told: number[] = [];
  const first = mirroredLog(source, await openMirror(path), { onCatchUp: (copied) => void told.push(copied) });
  expect(await collect(first.readAll())).toHaveLength(5);
  expect(told.at(-1)).toBe(5);
  await appendTo(first, 's', someEvents('live', 1));
  expect(told.at(-1)).toBe(5);
  await first.close();
  await appendTo(log, 's', someEvents('b', 2));
  const second = mirroredLog(source, await openMirror(path));
  expect(await collect(second.readAll())).toHaveLength(8);
  expect(await second.streamHead('s')).toBe(7);
  await second.close();
  expect(asked.map(({ after }) => after)).toEqual([undefined, '6']);
});

it('says that an append is done when its readings show it', async () => {
  const { source, shut, open } = gated(newSource());
  const log = mirroredLog(source, await openMirror());
  await log.head();
  shut();
  let done = false;
  const appending = log
    .append('s', 'noStream', someEvents('a', 3))()
    .then((result) => {
      done = true;
      return must(result);
    });
  while ((await source.streamHead('s')) === 'noStream') await new Promise(setImmediate);
  expect([done, await log.streamHead('s')]).toEqual([false, 'noStream']);
  open();
  expect(await appending).toEqual({ stream: 's', revision: 2, position: '3', duplicate: false });
  expect(namesOf(await collect(log.readStream('s')))).toEqual(['a-0', 'a-1', 'a-2']);
  await log.close();
});

it('shows whoever was refused the event that stood in the way', async () => {
  const store = newSource();
  const { source, shut, open } = gated(store);
  const log = mirroredLog(source, await openMirror());
  await log.head();
  shut();
  must(await store.append('s', 'noStream', [anEvent('other')])());
  const refused = log.append('s', 'noStream', [anEvent('mine')])();
  open();
  expect(refusal(await refused)).toMatchObject({ tag: 'WrongExpectedRevision', actual: 0 });
  expect(await log.streamHead('s')).toBe(0);
  must(await log.append('s', 0, [anEvent('mine')])());
  await log.close();
});

it('numbers positions alike in every mirror, whatever the source’s are', async () => {
  const store = newSource();
  const gaps: EventLog = {
    ...shared(store),
    follow: async function* (options) {
      for await (const item of store.follow(options)) {
        yield 'tag' in item ? item : { ...item, position: asPosition(String(100 * Number(item.position))) };
      }
    },
  };
  await appendTo(store, 's', someEvents('a', 3));
  const log = await mirrored(gaps);
  expect((await collect(log.readAll())).map(({ position }) => position)).toEqual(['1', '2', '3']);
  expect(await log.head()).toEqual({ position: '3', size: 3 });
  await log.close();
});

describe('a source that is damaged', () => {
  const spoiled = async () => {
    const store = newSource();
    await fill(store, 6);
    const spoil = (event: RecordedEvent): RecordedEvent =>
      event.position === '9' ? { ...event, data: { name: 'other' } } : event;
    const source: EventLog = {
      ...shared(store),
      readAll: async function* (read) {
        for await (const event of store.readAll(read)) yield spoil(event);
      },
      follow: async function* (options) {
        for await (const item of store.follow(options)) yield 'tag' in item ? item : spoil(item);
      },
    };
    return { store, source };
  };

  it('is read up to the damage and no further, and not appended to', async () => {
    const { store, source } = await spoiled();
    const log = mirroredLog(source, await openMirror());
    await expect(collect(log.readAll())).rejects.toThrow('leaf hash');
    await expect(log.head()).rejects.toThrow('leaf hash');
    expect(await collect(log.readAll({ until: asPosition('8') }))).toHaveLength(8);
    await expect(collect(log.readAll({ until: asPosition('9') }))).rejects.toThrow('leaf hash');
    const { size } = await store.head();
    expect(refusal(await log.append('s', 'noStream', [anEvent('a')])())).toMatchObject({ tag: 'Damaged' });
    expect((await store.head()).size).toBe(size);
    await log.close();
  });

  it('is verified past the mirror, which has no say in it', async () => {
    const { source } = await spoiled();
    const found = await verify(numberedLog(source));
    expect(found).toMatchObject({
      ok: false,
      firstDamaged: { position: '9', check: 'leaf' },
      lastGood: { position: '8' },
    });
    expect(await verify(numberedLog(source, asPosition('8')))).toMatchObject({ ok: true, events: 8 });
  });
});

it('notices a source that is not the one it was copied from', async () => {
  const path = join(newFolder(), 'a.mirror.db');
  const old = newSource();
  await appendTo(old, 's', someEvents('a', 3));
  await (async () => {
    const log = mirroredLog(shared(old), await openMirror(path));
    await log.head();
    await log.close();
  })();
  const mirror = await openMirror(path);
  expect(await mirrorMismatch(old, mirror)).toBeUndefined();
  expect(await mirrorMismatch(newSource(), mirror)).toMatchObject({ mirrored: { position: '3' }, found: undefined });
  const other = newSource();
  await appendTo(other, 's', someEvents('b', 4));
  expect(await mirrorMismatch(other, mirror)).toMatchObject({ found: { stream: 's', revision: 2 } });
  await mirror.close();
  const empty = await openMirror();
  expect(await mirrorMismatch(other, empty)).toBeUndefined();
  await empty.close();
});

it('appends nothing when it is open for reading', async () => {
  const store = newSource();
  const log = await mirrored(shared(store), { readOnly: true });
  expect(refusal(await log.append('s', 'noStream', [anEvent('a')])())).toMatchObject({
    tag: 'Unavailable',
    message: 'the log is open for reading only',
  });
  expect((await store.head()).size).toBe(0);
  await log.close();
});

it('ends with a fault, not in silence, when the subscription cannot be kept', async () => {
  const store = newSource();
  const failing: EventLog = {
    ...shared(store),
    follow: async function* ({ signal }) {
      yield { tag: 'CaughtUp', position: undefined };
      for await (const item of store.follow({ signal })) {
        if ('tag' in item) continue;
        throw new Error('cut');
      }
    },
  };
  const log = mirroredLog(failing, await openMirror());
  expect((await log.head()).size).toBe(0);
  await expect(log.append('s', 'noStream', [anEvent('a')])()).rejects.toThrow('cut');
  await expect(log.head()).rejects.toThrow('cut');
  await log.close();
  expect(the((await collect(store.readAll()))[0]).stream).toBe('s');
});
