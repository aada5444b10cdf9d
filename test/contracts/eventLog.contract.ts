import * as E from 'fp-ts/Either';
import { leafHash, type Position, type RecordedEvent } from '../../events/envelope';
import { LogReadError, type CaughtUp, type EventLog } from '../../src/ports/eventLog';
import { anEvent, appendTo, collect, must, namesOf, refusal, someEvents } from '../support/events';

/** What an adapter's test must give: a new, empty log, every time. */
export type OpenLog = () => Promise<EventLog>;

const positionsOf = (events: readonly RecordedEvent[]): readonly Position[] => events.map((event) => event.position);

const appending = (open: OpenLog): void => {
  it('gives revisions from 0 without holes and positions that grow', async () => {
    const log = await open();
    const first = must(await log.append('run-1', 'noStream', someEvents('a', 2))());
    const second = must(await log.append('run-2', 'noStream', someEvents('b', 1))());
    const third = must(await log.append('run-1', 1, someEvents('c', 2))());
    expect([first.revision, second.revision, third.revision]).toEqual([1, 0, 3]);
    const all = await collect(log.readAll());
    expect(all.map((event) => [event.stream, event.revision])).toEqual([
      ['run-1', 0],
      ['run-1', 1],
      ['run-2', 0],
      ['run-1', 2],
      ['run-1', 3],
    ]);
    for (const [i, event] of all.slice(1).entries()) {
      expect(log.comparePositions(all[i]?.position as Position, event.position)).toBe(-1);
    }
    expect(third.position).toBe(all[4]?.position);
  });

  it('returns every field as it was given, with the leaf hash and the stream chained by prev', async () => {
    const log = await open();
    const data = { text: 'é\n"\u0000😀', nested: [{ b: [1.5, null, true], a: -1e-7 }], empty: {} };
    const meta = { causation: 'cause', correlation: 'run-1' };
    must(await log.append('run-1', 'noStream', [{ ...anEvent('a', data), meta, observed: { latencyMs: 12 } }])());
    must(await log.append('run-1', 0, [anEvent('b')])());
    const [a, b] = await collect(log.readStream('run-1'));
    expect(a).toMatchObject({ ...anEvent('a', data), stream: 'run-1', revision: 0, observed: { latencyMs: 12 } });
    expect(a?.meta).toEqual({ ...meta, prev: null });
    expect(b?.meta).toEqual({ prev: a?.leaf });
    expect(b?.observed).toBeNull();
    expect(a?.recordedAt).toMatch(/^2026-01-01T/);
    for (const event of [a, b]) expect(event?.leaf).toBe(leafHash(event as RecordedEvent));
  });

  it('keeps leaf hashes free of position, time and what was observed', async () => {
    const [one, other] = [await open(), await open()];
    must(await other.append('elsewhere', 'noStream', someEvents('x', 3))());
    must(await one.append('s', 'noStream', [{ ...anEvent('a'), observed: 1 }])());
    must(await other.append('s', 'noStream', [{ ...anEvent('a'), observed: 2 }])());
    const leaves = await Promise.all([one, other].map((log) => collect(log.readStream('s'))));
    expect(leaves[0]?.[0]?.leaf).toBe(leaves[1]?.[0]?.leaf);
  });

  it('refuses a revision that is not the stream’s, and writes nothing', async () => {
    const log = await open();
    const wrong = async (expected: 'noStream' | number, actual: 'noStream' | number): Promise<void> => {
      const error = refusal(await log.append('run-1', expected, [anEvent('late')])());
      expect(error).toEqual({ tag: 'WrongExpectedRevision', stream: 'run-1', expected, actual });
    };
    await wrong(0, 'noStream');
    await wrong(7, 'noStream');
    must(await log.append('run-1', 'noStream', someEvents('a', 2))());
    await wrong('noStream', 1);
    await wrong(0, 1);
    await wrong(2, 1);
    expect((await log.head()).size).toBe(2);
  });

  it('refuses an empty batch as a programming mistake', async () => {
    const log = await open();
    await expect(log.append('run-1', 'noStream', [])()).rejects.toThrow('the batch is empty');
  });

  it('refuses what JSON cannot hold, and names that no column or file should hold', async () => {
    const log = await open();
    const bad = async (event: Partial<ReturnType<typeof anEvent>>, message: string, stream = 's'): Promise<void> => {
      const error = refusal(await log.append(stream, 'noStream', [anEvent('fine'), { ...anEvent('bad'), ...event }])());
      expect(error).toMatchObject({ tag: 'NotJson', stream, message: expect.stringContaining(message) as string });
    };
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    await bad({ data: NaN }, 'NaN is not a JSON number');
    await bad({ data: [Infinity] }, 'Infinity is not a JSON number');
    await bad({ data: 'a\ud800b' }, 'lone surrogate');
    await bad({ data: { '\udc00': 1 } }, 'lone surrogate');
    await bad({ data: { a: undefined } as never }, 'undefined has no JSON form');
    await bad({ data: new Date(0) as never }, 'Date is no plain object');
    await bad({ data: cycle as never }, 'a cycle');
    await bad({ observed: 1n as never }, 'bigint has no JSON form');
    await bad({ meta: { prev: 'forged' } as never }, 'meta.prev: expected only causation and correlation');
    await bad({ id: '' }, 'id: expected a non-empty string');
    await bad({ type: 'a\nb' }, 'type: expected no control characters');
    await bad({ version: 0 }, 'version: expected 1, 2, ..., got 0');
    await bad({}, 'stream: expected no control characters', 'a\u001fb');
    expect((await log.head()).size).toBe(0);
  });
};

const repeating = (open: OpenLog): void => {
  it('takes the same batch at the same revision again as a no-op with the first result', async () => {
    const log = await open();
    const batch = someEvents('a', 3);
    const first = must(await log.append('run-1', 'noStream', batch)());
    must(await log.append('run-1', 2, [anEvent('later')])());
    const again = must(await log.append('run-1', 'noStream', batch)());
    expect(first.duplicate).toBe(false);
    expect(again).toEqual({ ...first, duplicate: true });
    expect((await log.head()).size).toBe(4);
  });

  it('takes a repeated batch whose unhashed part differs as the same batch', async () => {
    const log = await open();
    must(await log.append('run-1', 'noStream', [{ ...anEvent('a'), observed: { latencyMs: 1 } }])());
    const again = must(await log.append('run-1', 'noStream', [{ ...anEvent('a'), observed: { latencyMs: 2 } }])());
    expect(again.duplicate).toBe(true);
  });

  it('refuses an id that is stored with other content', async () => {
    const log = await open();
    must(await log.append('run-1', 'noStream', [anEvent('a'), anEvent('b')])());
    const error = refusal(await log.append('run-1', 'noStream', [anEvent('a'), anEvent('b', { name: 'other' })])());
    expect(error).toEqual({ tag: 'IdConflict', stream: 'run-1', id: anEvent('b').id, storedIn: 'run-1', revision: 1 });
  });

  it('refuses an id that is stored at another place', async () => {
    const log = await open();
    must(await log.append('run-1', 'noStream', [anEvent('a'), anEvent('b')])());
    const conflict = { tag: 'IdConflict', id: anEvent('b').id, storedIn: 'run-1', revision: 1 };
    const elsewhere = refusal(await log.append('run-2', 'noStream', [anEvent('x'), anEvent('b')])());
    expect(elsewhere).toEqual({ ...conflict, stream: 'run-2' });
    const later = refusal(await log.append('run-1', 1, [anEvent('b')])());
    expect(later).toEqual({ ...conflict, stream: 'run-1' });
    expect(await log.streamHead('run-2')).toBe('noStream');
  });

  it('refuses a batch that holds one id twice', async () => {
    const log = await open();
    const error = refusal(await log.append('s', 'noStream', [anEvent('a'), anEvent('b'), anEvent('a')])());
    expect(error).toEqual({ tag: 'IdConflict', stream: 's', id: anEvent('a').id, storedIn: 's', revision: 0 });
    expect((await log.head()).size).toBe(0);
  });

  it('refuses a batch of which a part is stored, and writes nothing', async () => {
    const log = await open();
    must(await log.append('run-1', 'noStream', someEvents('a', 2))());
    const error = refusal(await log.append('run-1', 'noStream', someEvents('a', 3))());
    expect(error).toEqual({ tag: 'PartialDuplicate', stream: 'run-1', stored: 2, given: 3 });
    expect((await log.head()).size).toBe(2);
  });

  it('lets exactly one of several racing writers of a stream win', async () => {
    const log = await open();
    const results = await Promise.all(
      someEvents('racer', 8).map((event) => log.append('run-1', 'noStream', [event])()),
    );
    expect(results.filter(E.isRight)).toHaveLength(1);
    expect(results.filter(E.isLeft).map(({ left }) => left.tag)).toEqual(Array(7).fill('WrongExpectedRevision'));
  });

  it('gives each of many concurrent appends its own result; one refused undoes no other', async () => {
    const log = await open();
    must(await log.append('taken', 'noStream', [anEvent('taken')])());
    const batches = Array.from({ length: 40 }, (_, i) => {
      const spoiled = i % 5 === 3 ? [anEvent('taken')] : [];
      return log.append(`stream-${i}`, 'noStream', [...someEvents(`e${i}`, 3), ...spoiled])();
    });
    const results = await Promise.all(batches);
    expect(results.map(E.isRight)).toEqual(results.map((_, i) => i % 5 !== 3));
    expect((await log.head()).size).toBe(1 + 32 * 3);
    const all = await collect(log.readAll());
    expect(new Set(positionsOf(all)).size).toBe(97);
    expect(all.some((event) => event.stream === 'stream-3')).toBe(false);
  });

  it('accepts a chain of appends to one stream that were queued together', async () => {
    const log = await open();
    const queued = someEvents('a', 5).map((event, i) => log.append('s', i === 0 ? 'noStream' : i - 1, [event])());
    expect((await Promise.all(queued)).every(E.isRight)).toBe(true);
    const events = await collect(log.readStream('s'));
    expect(events.map((event) => event.meta.prev)).toEqual([null, ...events.slice(0, -1).map((event) => event.leaf)]);
  });
};

const reading = (open: OpenLog): void => {
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
    expect(await names({ after: p[2] as Position })).toBe('345');
    expect(await names({ until: p[2] as Position })).toBe('012');
    expect(await names({ after: p[0] as Position, until: p[3] as Position, max: 2 })).toBe('12');
    expect(await names({ after: p[5] as Position })).toBe('');
    expect(await names({ direction: 'backwards' })).toBe('543210');
    expect(await names({ direction: 'backwards', after: p[4] as Position, until: p[2] as Position })).toBe('32');
    expect(await names({ direction: 'backwards', after: p[0] as Position })).toBe('');
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
    (first?.data as { list: number[] }).list.push(2);
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
    await expect(collect(log.readAll({ after: 'yesterday' as Position }))).rejects.toThrow(
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

const following = (open: OpenLog): void => {
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
    const taken = take(log, 3, { after: first?.position as Position, filter: { streamPrefix: ['a-'] } });
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

/** Everything an event log must do, for any adapter. */
export const eventLogContract = (name: string, open: OpenLog): void => {
  describe(`EventLog contract: ${name}`, () => {
    describe('appending', () => appending(open));
    describe('repeating', () => repeating(open));
    describe('reading', () => reading(open));
    describe('following', () => following(open));
  });
};
