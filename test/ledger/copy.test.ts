import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import type { NewEvent, RecordedEvent } from '../../events/envelope';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { copyBehind, present, type Copied, type CopyOptions } from '../../src/ledger/copy';
import { rootOf, seal } from '../../src/ledger/seal';
import { verify } from '../../src/ledger/verify';
import type { EventLog } from '../../src/ports/eventLog';
import { anEvent, appendTo, collect, must, someEvents, testClock } from '../support/events';
import { fill } from '../support/ledgerEvents';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';

afterAll(removeFolders);

const newLog = (): EventLog => openMemoryLog({ now: testClock() });

const someLedger = async (): Promise<EventLog> => {
  const log = newLog();
  await fill(log, 9);
  must(await seal(log));
  await appendTo(log, 'many', someEvents('many', 1200));
  const seen: NewEvent = { ...anEvent('seen'), observed: { ms: 1 }, meta: { causation: 'c', correlation: 'r' } };
  await appendTo(log, 'seen', [seen]);
  return log;
};

const quietly: CopyOptions = { signal: new AbortController().signal, onProgress: () => undefined };

const copy = async (from: EventLog, to: EventLog, options: CopyOptions = quietly) => {
  const start = await present(from, to);
  return E.isLeft(start) ? start : copyBehind(from, to, start.right, options);
};

const isCopied = (done: object): done is Copied => 'appended' in done;
const copied = async (from: EventLog, to: EventLog, options?: CopyOptions): Promise<Copied> => {
  const done = must(await copy(from, to, options));
  if (!isCopied(done)) throw new Error('it was stopped');
  return done;
};

/** Why a copy was refused. */
const refusal = (result: Awaited<ReturnType<typeof copy>>): object => {
  if (E.isLeft(result)) return result.left;
  throw new Error('it was copied');
};

const content = (events: readonly RecordedEvent[]) => events.map((event) => ({ ...event, recordedAt: '' }));

/** Counts appends; after `most` of them the process is gone. */
const dying = (log: EventLog, most: number) => {
  let appends = 0;
  const batches: number[] = [];
  const target: EventLog = {
    ...log,
    append: (stream, expected, events) => {
      appends += 1;
      if (appends > most) throw new Error('killed');
      batches.push(events.length);
      return log.append(stream, expected, events);
    },
  };
  return { target, batches };
};

it('keeps everything that is hashed, what was observed, and the order; and proves it', async () => {
  const from = await someLedger();
  const to = newLog();
  const done = await copied(from, to);
  const root = await rootOf(from);
  expect(done).toEqual({ from: root, to: root, present: 0, appended: root.size });
  expect(content(await collect(to.readAll()))).toEqual(content(await collect(from.readAll())));
  expect((await verify(to)).seals).toBe(1);
});

it('goes on where it was killed, whatever the moment, and sends nothing twice', async () => {
  const from = await someLedger();
  const { size } = await from.head();
  const root = await rootOf(from);
  const whole = dying(newLog(), Infinity);
  await copied(from, whole.target);
  expect(Math.max(...whole.batches)).toBe(500);
  for (let at = 0; at < whole.batches.length; at += 3) {
    const to = newLog();
    await expect(copy(from, dying(to, at).target)).rejects.toThrow('killed');
    const there = (await to.head()).size;
    expect(there).toBeLessThan(size);
    const rest = dying(to, Infinity);
    expect(await copied(from, rest.target)).toEqual({ from: root, to: root, present: there, appended: size - there });
    expect(rest.batches).toEqual(whole.batches.slice(at));
  }
});

it('in groups, as into a file, is the same copy', async () => {
  const from = await someLedger();
  const to = await openLedger(join(newFolder(), 'copy.db'));
  const stop = new AbortController();
  const onProgress = (done: number): void => {
    if (done >= 20) stop.abort();
  };
  const together = 7;
  expect(must(await copy(from, to, { signal: stop.signal, onProgress, together }))).toEqual({ stoppedAt: 21 });
  expect((await copied(from, to, { ...quietly, together })).to).toEqual(await rootOf(from));
  expect(content(await collect(to.readAll()))).toEqual(content(await collect(from.readAll())));
  await to.close();
});

it('does nothing to a copy that is whole, and goes on with what came since', async () => {
  const from = await someLedger();
  const to = newLog();
  await copied(from, to);
  const { size } = await from.head();
  expect(await copied(from, to)).toMatchObject({ present: size, appended: 0 });
  await appendTo(from, 'later', someEvents('later', 2));
  expect(await copied(from, to)).toMatchObject({ present: size, appended: 2, to: { size: size + 2 } });
});

it('refuses a target that holds anything else, and writes nothing', async () => {
  const from = await someLedger();
  const refused = async (to: EventLog): Promise<unknown> => {
    const before = await rootOf(to);
    const error = refusal(await copy(from, to));
    expect(await rootOf(to)).toEqual(before);
    return error;
  };
  const other = newLog();
  await appendTo(other, 'other', [anEvent('other')]);
  expect(await refused(other)).toMatchObject({ tag: 'CopyDiffers', position: 1 });
  const forked = newLog();
  await fill(forked, 3);
  await appendTo(forked, 'own', [anEvent('own')]);
  expect(await refused(forked)).toMatchObject({
    tag: 'CopyDiffers',
    position: 13,
    got: expect.stringContaining('own@0'),
  });
  const longer = newLog();
  await copied(from, longer);
  await appendTo(longer, 'own', [anEvent('own')]);
  expect(await refused(longer)).toMatchObject({ tag: 'CopyDiffers', expected: 'none' });
});

it('stops between two appends when it is told to', async () => {
  const from = await someLedger();
  const to = newLog();
  const stop = new AbortController();
  const onProgress = (done: number): void => {
    if (done >= 20) stop.abort();
  };
  expect(must(await copy(from, to, { signal: stop.signal, onProgress }))).toEqual({ stoppedAt: 20 });
  expect((await to.head()).size).toBe(20);
  expect(await copied(from, to)).toMatchObject({ present: 20 });
});

it('copies no event whose content is not what its leaf says', async () => {
  const from = await someLedger();
  const spoiled: EventLog = {
    ...from,
    readAll: async function* (read) {
      for await (const event of from.readAll(read)) {
        yield event.position === '7' ? { ...event, data: { name: 'other' } } : event;
      }
    },
  };
  const to = newLog();
  await expect(copy(spoiled, to)).rejects.toThrow('leaf hash');
  expect((await to.head()).size).toBe(6);
});

it('says so when another writer came between', async () => {
  const from = await someLedger();
  const to = newLog();
  let appends = 0;
  const target: EventLog = {
    ...to,
    append: (...given) => {
      appends += 1;
      if (appends !== 5) return to.append(...given);
      return async () => {
        await appendTo(to, 'intruder', [anEvent('intruder')]);
        return to.append(...given)();
      };
    },
  };
  const error = refusal(await copy(from, target));
  expect(error).toMatchObject({ tag: 'RootsDiffer', to: { size: (await from.head()).size + 1 } });
});
