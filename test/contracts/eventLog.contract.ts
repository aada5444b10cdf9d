import * as E from 'fp-ts/Either';
import { leafHash } from '../../events/envelope';

import { anEvent, collect, must, refusal, someEvents, the } from '../support/events';
import { following, positionsOf, reading, type OpenLog } from './eventLogReading.contract';

/** What a store is allowed to differ in. The titles of the cases that it concerns say so (bench/contracts.ts). */
export interface Declared {
  /** `recordedAt` is the store's own clock, which no test can set. */
  readonly clock?: 'server';
}

const appending = (open: OpenLog, declared: Declared): void => {
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
      expect(log.comparePositions(the(all[i]).position, event.position)).toBe(-1);
    }
    expect(third.position).toBe(all[4]?.position);
  });

  const clock = declared.clock === 'server' ? ' (declared: the clock is the server’s)' : '';
  it(`returns every field as it was given, with the leaf hash and the stream chained by prev${clock}`, async () => {
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
    expect(a?.recordedAt).toMatch(declared.clock === 'server' ? /^20\d\d-\d\d-\d\dT[\d:.]+Z$/ : /^2026-01-01T/);
    for (const event of [the(a), the(b)]) expect(event.leaf).toBe(leafHash(event));
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
    const bad = async (part: Readonly<Record<string, unknown>>, message: string, stream = 's'): Promise<void> => {
      const error = refusal(await log.append(stream, 'noStream', [anEvent('fine'), { ...anEvent('bad'), ...part }])());
      expect(error).toMatchObject({ tag: 'NotJson', stream, message: expect.stringContaining(message) });
    };
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    await bad({ data: NaN }, 'NaN is not a JSON number');
    await bad({ data: [Infinity] }, 'Infinity is not a JSON number');
    await bad({ data: 'a\ud800b' }, 'lone surrogate');
    await bad({ data: { '\udc00': 1 } }, 'lone surrogate');
    await bad({ data: { a: undefined } }, 'undefined has no JSON form');
    await bad({ data: new Date(0) }, 'Date is no plain object');
    await bad({ data: cycle }, 'a cycle');
    await bad({ observed: 1n }, 'bigint has no JSON form');
    await bad({ meta: { prev: 'forged' } }, 'meta.prev: expected only causation and correlation');
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

  it('tells exactly one of several writers of the same batch that it wrote it', async () => {
    const log = await open();
    const batch = someEvents('shared', 2);
    const results = await Promise.all(Array.from({ length: 5 }, () => log.append('run-1', 'noStream', batch)()));
    expect(results.map((result) => must(result).duplicate).filter((duplicate) => !duplicate)).toHaveLength(1);
    expect(new Set(results.map((result) => must(result).position)).size).toBe(1);
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

/** Everything an event log must do, for any adapter. */
export const eventLogContract = (name: string, open: OpenLog, declared: Declared = {}): void => {
  describe(`EventLog contract: ${name}`, () => {
    describe('appending', () => appending(open, declared));
    describe('repeating', () => repeating(open));
    describe('reading', () => reading(open));
    describe('following', () => following(open));
  });
};
