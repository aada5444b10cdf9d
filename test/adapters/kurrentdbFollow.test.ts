import * as fc from 'fast-check';
import type { RecordedEvent } from '../../events/envelope';
import { LogReadError, type CaughtUp, type EventLog, type Follow } from '../../src/ports/eventLog';
import { anEvent, collect, must, namesOf, someEvents, the } from '../support/events';
import type { Fault } from '../support/kurrentServer/faults';
import { closeAll, openOn, serve } from '../support/kurrentServer/opened';

// A server, its client and two connections for each test: on a busy machine that takes a while.
jest.setTimeout(60_000);

afterEach(closeAll);

const isEvent = (item: RecordedEvent | CaughtUp): item is RecordedEvent => !('tag' in item);

/** A follower in the background: what it got so far, and a promise of having got so many events. */
const followed = (log: EventLog, options: Partial<Follow> = {}) => {
  const stop = new AbortController();
  const items: (RecordedEvent | CaughtUp)[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const running = (async () => {
    for await (const item of log.follow({ signal: stop.signal, ...options })) {
      items.push(item);
      for (const { count, resolve } of waiting) if (items.length >= count) resolve();
    }
  })();
  running.catch(() => {});
  return {
    items,
    events: () => items.filter(isEvent),
    has: (count: number): Promise<void> =>
      Promise.race([
        running,
        new Promise<void>((resolve) => {
          waiting.push({ count, resolve });
          if (items.length >= count) resolve();
        }),
      ]),
    running,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
};

const append = async (log: EventLog, stream: string, count: number, from = 0): Promise<void> => {
  for (const event of someEvents(stream, from + count).slice(from)) {
    must(await log.append(stream, await log.streamHead(stream), [event])());
  }
};

describe('a subscription that ends', () => {
  const faults: readonly Fault[] = [{ kind: 'cut' }, { kind: 'end' }, { kind: 'unavailable' }];

  it.each(faults)('by $kind while live is asked for again, without gap or repeat', async (fault) => {
    const server = await serve();
    const log = await openOn(server);
    await append(log, 's', 3);
    const follower = followed(log);
    await follower.has(4);
    await append(log, 's', 2, 3);
    await follower.has(6);
    server.faults.next('push', fault);
    const subscriptions = server.faults.count('subscribe');
    await append(log, 's', 3, 5);
    await follower.has(9);
    expect(namesOf(follower.events())).toEqual(Array.from({ length: 8 }, (_, i) => `s-${i}`));
    expect(server.faults.count('subscribe')).toBeGreaterThan(subscriptions);
    await follower.stop();
  });

  it('by a cut while nothing happens, and by a server that is away for a while, goes on afterwards', async () => {
    const server = await serve();
    const log = await openOn(server);
    const follower = followed(log);
    await append(log, 's', 1);
    await follower.has(2);
    server.away(true);
    server.cut();
    const connections = server.connections();
    while (server.connections() < connections + 3) await new Promise((resolve) => setTimeout(resolve, 20));
    server.away(false);
    await append(log, 's', 2, 1);
    await follower.has(4);
    expect(namesOf(follower.events())).toEqual(['s-0', 's-1', 's-2']);
    await follower.stop();
  });

  it('and never comes again fails the follower, which must not look like an end', async () => {
    const server = await serve();
    const log = await openOn(server, { reconnects: 3 });
    const follower = followed(log);
    await follower.has(1);
    server.away(true);
    server.cut();
    await expect(follower.running).rejects.toThrow(LogReadError);
    await expect(follower.running).rejects.toThrow('no subscription in 4 attempts');
  });

  it('at any event, again and again, under a writer, with and without a filter: each event once, in order', async () => {
    const kinds = ['cut', 'end', 'unavailable'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 0, max: 80 }), { minLength: 3, maxLength: 10 }),
        fc.boolean(),
        async (strikes, filtered) => {
          const server = await serve();
          const log = await openOn(server, { pageSize: 7 });
          await append(log, 'a-old', 10);
          await append(log, 'b-old', 10);
          server.faults.by((operation, count) => {
            const readingToo = operation === 'deliver' && count % 50 === 7;
            if (!readingToo && (operation !== 'push' || !strikes.includes(count % 81))) return undefined;
            return readingToo ? { kind: 'cut' } : { kind: the(kinds[count % 3]) };
          });
          const filter = filtered ? { filter: { streamPrefix: ['a-'] } } : {};
          const follower = followed(log, filter);
          const writer = await openOn(server);
          for (let i = 0; i < 15; i++) {
            must(await writer.append(`a-${i}`, 'noStream', someEvents(`a-${i}`, 2))());
            must(await writer.append(`b-${i}`, 'noStream', [anEvent(`b-${i}`)])());
          }
          await follower.has(1 + (filtered ? 40 : 65));
          server.faults.none();
          const all = await collect(log.readAll(filter));
          expect(follower.events()).toEqual(all);
          expect(follower.items.filter((item) => !isEvent(item))).toHaveLength(1);
          await follower.stop();
          await closeAll();
        },
      ),
      { numRuns: 8 },
    );
  }, 120_000);
});

describe('a follower', () => {
  it('that begins behind the end says so at once, and waits', async () => {
    const log = await openOn(await serve());
    await append(log, 's', 3);
    const [first, , last] = await collect(log.readAll());
    const follower = followed(log, { after: the(last).position });
    await follower.has(1);
    expect(follower.items).toEqual([{ tag: 'CaughtUp', position: last?.position }]);
    await append(log, 's', 1, 3);
    await follower.has(2);
    expect(namesOf(follower.events())).toEqual(['s-3']);
    await follower.stop();
    expect(log.comparePositions(the(first).position, the(last).position)).toBe(-1);
  });

  it('gets neither system events nor links nor other ledgers’ events, and filters by type exactly', async () => {
    const server = await serve();
    const [log, other] = [await openOn(server, {}, '&ledger=one'), await openOn(server, {}, '&ledger=two')];
    const follower = followed(log, { filter: { types: ['Note'] } });
    await follower.has(1);
    await server.put('$stats', '$statsCollected');
    await server.put('one.links', '$>', { contentType: 'application/octet-stream' });
    must(await other.append('s', 'noStream', [anEvent('other', {}, 'Note')])());
    must(
      await log.append('s', 'noStream', [
        anEvent('longer', {}, 'Noted'),
        anEvent('right', { name: 'right' }, 'Note'),
      ])(),
    );
    await follower.has(2);
    expect(namesOf(follower.events())).toEqual(['right']);
    await follower.stop();
  });

  it('with a filter that nothing can pass waits without asking the server', async () => {
    const server = await serve();
    const log = await openOn(server);
    const follower = followed(log, { filter: { types: [] } });
    await follower.has(1);
    await append(log, 's', 1);
    await follower.stop();
    expect(follower.items).toHaveLength(1);
    expect(server.faults.count('subscribe')).toBe(0);
  });

  it('that is slow gets everything: the store waits for it', async () => {
    const server = await serve();
    const log = await openOn(server);
    const stop = new AbortController();
    const seen: unknown[] = [];
    const writing = (async () => {
      for (let i = 0; i < 10; i++) must(await log.append(`s-${i}`, 'noStream', someEvents(`s-${i}`, 50))());
    })();
    for await (const item of log.follow({ signal: stop.signal })) {
      if (isEvent(item)) seen.push(item.id);
      if (seen.length % 50 === 1) await new Promise((resolve) => setTimeout(resolve, 10));
      if (seen.length === 500) stop.abort();
    }
    await writing;
    expect(seen).toEqual((await collect(log.readAll())).map(({ id }) => id));
  });

  it('that is left by its reader leaves no call open on the server', async () => {
    const server = await serve();
    const log = await openOn(server);
    await append(log, 's', 2);
    for await (const item of log.follow({ signal: new AbortController().signal })) if (!isEvent(item)) break;
    const live = log.follow({ signal: new AbortController().signal });
    const next = live[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await next.next();
    const fourth = next.next();
    await append(log, 's', 1, 2);
    expect(await fourth).toMatchObject({ done: false, value: { revision: 2 } });
    expect(server.openSubscriptions()).toBe(1);
    await next.return?.();
    while (server.openSubscriptions() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('of a damaged event fails with its place, and does not pass it over', async () => {
    const server = await serve();
    const log = await openOn(server);
    const follower = followed(log);
    await append(log, 's', 1);
    await follower.has(2);
    await server.put('s', 'Noted', { metadata: Buffer.from('{"tripost":1,"id":"x"}') });
    await expect(follower.running).rejects.toThrow('metadata.version: expected a whole number');
  });
});
