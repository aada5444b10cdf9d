import * as E from 'fp-ts/Either';
import { leafOfText, type Position, type RecordedEvent } from '../../events/envelope';
import { LogReadError, type CaughtUp, type EventLog } from '../../src/ports/eventLog';
import {
  anEvent,
  appendTo,
  asPosition,
  collect,
  fieldsOf,
  must,
  namesOf,
  refusal,
  someEvents,
  the,
} from '../support/events';

/** What an adapter's test must give: a new, empty log, every time. */
export type OpenLog = () => Promise<EventLog>;

export const positionsOf = (events: readonly RecordedEvent[]): readonly Position[] =>
  events.map((event) => event.position);

export const reading = (open: OpenLog): void => {
  it('reads a stream in both directions, from any revision, up to a maximum', async () => {
    const log = await open();
    must(await log.append('other', 'noStream', someEvents('x', 2))());
    must(await log.append('s', 'noStream', someEvents('a', 5))());
    const revisions = async (options?: Parameters<EventLog['readStream']>[1]): Promise<readonly number[]> =>
      (await collect(log.readStream('s', options))).map((event) => event.revision);
    expect(await revisions()).toEqual([0, 1, 2, 3, 4]);
    expect(await revisions({ from: 3 })).toEqual([3, 4]);
    expect(await revisions({ from: 9 })).toEqual([]);
    expect(await revisions({ max: 2 })).toEqual([0, 1]);
    expect(await revisions({ max: 0 })).toEqual([]);
    expect(await revisions({ direction: 'backwards' })).toEqual([4, 3, 2, 1, 0]);
    expect(await revisions({ direction: 'backwards', from: 2, max: 2 })).toEqual([2, 1]);
    expect(await revisions({ direction: 'backwards', from: 9 })).toEqual([4, 3, 2, 1, 0]);
    expect(await collect(log.readStream('missing'))).toEqual([]);
  });

  it('reads all between two positions, in both directions, up to a maximum', async () => {
    const log = await open();
    must(await log.append('s', 'noStream', someEvents('a', 6))());
    const p = positionsOf(await collect(log.readAll()));
    const names = async (options: Parameters<EventLog['readAll']>[0]): Promise<string> =>
      (await collect(log.readAll(options))).map((event) => event.revision).join('');
    expect(await names({ after: the(p[2]) })).toBe('345');
    expect(await names({ until: the(p[2]) })).toBe('012');
    expect(await names({ after: the(p[0]), until: the(p[3]), max: 2 })).toBe('12');
    expect(await names({ after: the(p[5]) })).toBe('');
    expect(await names({ direction: 'backwards' })).toBe('543210');
    expect(await names({ direction: 'backwards', after: the(p[4]), until: the(p[2]) })).toBe('32');
    expect(await names({ direction: 'backwards', after: the(p[0]) })).toBe('');
    expect(await names({ direction: 'backwards', max: 1 })).toBe('5');
  });

  it('filters by stream prefix and by type, the text taken as it is', async () => {
    const log = await open();
    for (const stream of ['run-1', 'run-10', 'a_b', 'axb', 'a%b', 'RUN-1', 'é-1']) {
      must(await log.append(stream, 'noStream', [anEvent(stream, { name: stream }, `Type_${stream.length}`)])());
    }
    const streams = async (streamPrefix: readonly string[]): Promise<readonly string[]> =>
      (await collect(log.readAll({ filter: { streamPrefix } }))).map((event) => event.stream);
    expect(await streams(['run-'])).toEqual(['run-1', 'run-10']);
    expect(await streams(['a_', 'é'])).toEqual(['a_b', 'é-1']);
    expect(await streams(['a%'])).toEqual(['a%b']);
    expect(await streams([])).toEqual([]);
    expect(await streams([''])).toHaveLength(7);
    const typed = await collect(log.readAll({ filter: { types: ['Type_3', 'Type_6'] }, max: 3 }));
    expect(namesOf(typed)).toEqual(['run-10', 'a_b', 'axb']);
    expect(await collect(log.readAll({ filter: { types: ['Type%'] } }))).toEqual([]);
  });

  it('reads more than one page, and may be left at any event', async () => {
    const log = await open();
    for (let i = 0; i < 5; i++) must(await log.append(`s-${i}`, 'noStream', someEvents(`e${i}`, 501))());
    expect(await collect(log.readAll())).toHaveLength(2505);
    expect(await collect(log.readAll({ direction: 'backwards', max: 1700 }))).toHaveLength(1700);
    let seen = 0;
    for await (const _ of log.readAll()) if (++seen === 1200) break;
    must(await log.append('after', 'noStream', [anEvent('after')])());
    expect((await log.head()).size).toBe(2506);
  });

  it('gives the same in pages, as the text that the leaf hash is of', async () => {
    const log = await open();
    for (let i = 0; i < 3; i++) must(await log.append(`s-${i}`, 'noStream', someEvents(`e${i}`, 801))());
    const kept = must(await log.append('last', 'noStream', [{ ...anEvent('z'), observed: { took: 3 } }])());
    const events = await collect(log.readAll());
    const pages = await collect(log.readPages());
    expect(pages.every((page) => page.length > 0)).toBe(true);
    const stored = pages.flat();
    expect(stored.map(leafOfText)).toEqual(events.map(({ leaf }) => leaf));
    expect(stored.map(({ dataText, ...event }) => ({ ...event, data: JSON.parse(dataText), observed: null }))).toEqual(
      events.map((event) => ({ ...event, observed: null })),
    );
    const p = positionsOf(events);
    const some = { after: the(p[2]), until: the(p[1700]), filter: { streamPrefix: ['s-0', 's-2'] }, max: 900 } as const;
    const wanted = positionsOf(await collect(log.readAll(some)));
    expect((await collect(log.readPages(some))).flat().map(({ position }) => position)).toEqual(wanted);
    expect((await collect(log.readPages({ after: kept.position }))).flat()).toEqual([]);
  });

  it('reads the events at given positions, in order and each once', async () => {
    const log = await open();
    must(await log.append('s', 'noStream', someEvents('a', 1300))());
    must(await log.append('t', 'noStream', someEvents('b', 3))());
    const events = await collect(log.readAll());
    const p = positionsOf(events);
    const at = async (...places: readonly number[]): Promise<readonly string[]> =>
      (await log.readAt(places.map((i) => the(p[i])))).map(({ id }) => id);
    const ids = (...places: readonly number[]) => places.map((i) => the(events[i]).id);
    expect(await at(1302, 4, 4, 0)).toEqual(ids(0, 4, 1302));
    expect(await at()).toEqual([]);
    const few = [1, 99, 1299];
    expect((await log.readAt(few.map((i) => the(p[i])))).map(leafOfText)).toEqual(few.map((i) => the(events[i]).leaf));
  });

  it('does not read what is appended while the reading goes on', async () => {
    const log = await open();
    must(await log.append('s', 'noStream', someEvents('a', 3))());
    let seen = 0;
    for await (const event of log.readAll()) {
      must(await log.append(`echo-${event.revision}`, 'noStream', [anEvent(`echo-${event.revision}`)])());
      seen++;
    }
    expect(seen).toBe(3);
  });

  it('gives each reader its own copy', async () => {
    const log = await open();
    must(await log.append('s', 'noStream', [anEvent('a', { list: [1] })])());
    const [first] = await collect(log.readAll());
    Object.assign(fieldsOf(first?.data), { list: [1, 2] });
    expect((await collect(log.readAll()))[0]?.data).toEqual({ list: [1] });
  });

  it('knows its head, each stream’s head, and each event by id', async () => {
    const log = await open();
    expect(await log.head()).toEqual({ position: undefined, size: 0 });
    expect(await log.streamHead('s')).toBe('noStream');
    expect(await log.readEvent(anEvent('a-1').id)).toBeUndefined();
    const appended = must(await log.append('s', 'noStream', someEvents('a', 3))());
    expect(await log.head()).toEqual({ position: appended.position, size: 3 });
    expect(await log.streamHead('s')).toBe(2);
    expect((await log.readEvent(anEvent('a-1').id))?.revision).toBe(1);
  });

  it('refuses a position that is none', async () => {
    const log = await open();
    await expect(collect(log.readAll({ after: asPosition('yesterday') }))).rejects.toThrow(
      'Not a position of this log',
    );
  });

  it('after closing, refuses to append and to read; closing again does nothing', async () => {
    const log = await open();
    must(await log.append('s', 'noStream', [anEvent('a')])());
    const queued = log.append('t', 'noStream', [anEvent('b')])();
    await log.close();
    await log.close();
    expect(E.isRight(await queued)).toBe(true);
    expect(refusal(await log.append('s', 0, [anEvent('c')])())).toMatchObject({ tag: 'Unavailable' });
    await expect(log.head()).rejects.toThrow(LogReadError);
    await expect(collect(log.readAll())).rejects.toThrow('the log is closed');
  });
};

const isEvent = (item: RecordedEvent | CaughtUp): item is RecordedEvent => !('tag' in item);

export const following = (open: OpenLog): void => {
  /** Follows until `count` items have come. */
  const take = async (log: EventLog, count: number, options: Partial<Parameters<EventLog['follow']>[0]> = {}) => {
    const stop = new AbortController();
    const items: (RecordedEvent | CaughtUp)[] = [];
    for await (const item of log.follow({ ...options, signal: stop.signal })) {
      if (items.push(item) === count) stop.abort();
    }
    return items;
  };

  it('gives everything stored, one CaughtUp, then new events as they come', async () => {
    const log = await open();
    await appendTo(log, 's', someEvents('old', 3));
    const taken = take(log, 7);
    await appendTo(log, 's', someEvents('new', 3));
    const items = await taken;
    expect(namesOf(items.filter(isEvent))).toEqual(['old-0', 'old-1', 'old-2', 'new-0', 'new-1', 'new-2']);
    expect(items.filter((item) => !isEvent(item))).toHaveLength(1);
  });

  it('has neither gap nor repeat when it goes live under a busy writer', async () => {
    const log = await open();
    await appendTo(log, 'before', someEvents('before', 50));
    const taken = take(log, 351);
    for (let i = 0; i < 100; i++) {
      await Promise.all([0, 1, 2].map((k) => log.append(`s-${i}-${k}`, 'noStream', [anEvent(`e-${i}-${k}`)])()));
    }
    const events = (await taken).filter(isEvent);
    expect(events.map((event) => event.id)).toEqual((await collect(log.readAll())).map((event) => event.id));
  });

  it('resumes behind a stored position, and filters', async () => {
    const log = await open();
    await appendTo(log, 'a-1', someEvents('a', 2));
    await appendTo(log, 'b-1', someEvents('b', 2));
    const [first] = await collect(log.readAll());
    const taken = take(log, 3, { after: the(first).position, filter: { streamPrefix: ['a-'] } });
    await appendTo(log, 'b-2', someEvents('c', 1));
    await appendTo(log, 'a-2', someEvents('d', 1));
    const items = await taken;
    expect(namesOf(items.filter(isEvent))).toEqual(['a-1', 'd-0']);
    expect(items[1]).toEqual({ tag: 'CaughtUp', position: (await collect(log.readAll()))[3]?.position });
  });

  it('on an empty log catches up at no position; ends on abort and on close while it waits', async () => {
    const log = await open();
    expect(await take(log, 1)).toEqual([{ tag: 'CaughtUp', position: undefined }]);
    expect(await collect(log.follow({ signal: AbortSignal.abort() }))).toEqual([]);
    const stop = new AbortController();
    const aborted = collect(log.follow({ signal: stop.signal }));
    const closed = collect(log.follow({ signal: new AbortController().signal }));
    setTimeout(() => stop.abort(), 20);
    expect(await aborted).toHaveLength(1);
    await log.close();
    expect(await closed).toHaveLength(1);
  });
};
