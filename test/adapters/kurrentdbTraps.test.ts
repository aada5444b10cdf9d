import * as E from 'fp-ts/Either';
import * as fc from 'fast-check';
import { KurrentDBClient, jsonEvent } from '@kurrent/kurrentdb-client';
import { canonicalJson } from '../../events/digest';
import { leafHash, type RecordedEvent } from '../../events/envelope';
import { openKurrentLog } from '../../src/adapters/kurrentdb/eventLog';
import { LogReadError, type EventLog } from '../../src/ports/eventLog';
import { anEvent, collect, must, namesOf, refusal, someEvents, the } from '../support/events';
import { closeAll, openOn, serve } from '../support/kurrentServer/opened';

// A server, its client and two connections for each test: on a busy machine that takes a while.
jest.setTimeout(60_000);

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => process.on('unhandledRejection', note));
afterAll(() => process.off('unhandledRejection', note));
afterEach(async () => {
  await closeAll();
  // A rejection that nobody can catch would end the process of a user.
  if (unhandled.length > 0) throw new Error(`rejected where nobody caught it: ${String(unhandled[0])}`);
});

const wholeChain = (events: readonly RecordedEvent[]): void => {
  for (const [i, event] of events.entries()) {
    expect(event.revision).toBe(i);
    expect(event.meta.prev).toBe(events[i - 1]?.leaf ?? null);
    expect(event.leaf).toBe(leafHash(event));
  }
};

const failureOf = async (work: Promise<unknown>): Promise<LogReadError> => {
  try {
    await work;
  } catch (failure) {
    if (failure instanceof LogReadError) return failure;
    throw failure;
  }
  throw new Error('expected a failed reading');
};

describe('a refused revision', () => {
  it('is told with the true one, also where the address says not to throw', async () => {
    const server = await serve();
    const log = await openOn(server, {}, '&throwOnAppendFailure=false');
    must(await log.append('s', 'noStream', someEvents('a', 5))());
    const other = await openOn(server);
    must(await other.append('s', 4, [anEvent('b')])());
    const error = refusal(await log.append('s', 4, [anEvent('late')])());
    expect(error).toEqual({ tag: 'WrongExpectedRevision', stream: 's', expected: 4, actual: 5 });
  });

  it('is answered by the bare client, told not to throw, with revision 1 whatever is true', async () => {
    const server = await serve();
    must(await (await openOn(server)).append('s', 'noStream', someEvents('a', 5))());
    const client = KurrentDBClient.connectionString(`${server.url}&throwOnAppendFailure=false`);
    const answer = await client.appendToStream('s', jsonEvent({ type: 'T', data: {} }), { streamState: 77n });
    expect(answer).toMatchObject({ success: false, nextExpectedRevision: 1n });
    await client.dispose();
  });

  it('is looked into: nothing is there, so the caller’s revision was wrong and nothing was written', async () => {
    const server = await serve();
    const log = await openOn(server);
    must(await log.append('s', 'noStream', [anEvent('a')])());
    server.faults.next('append', { kind: 'wrongVersion' });
    expect(refusal(await log.append('s', 0, [anEvent('b')])()).tag).toBe('WrongExpectedRevision');
    must(await log.append('s', 0, [anEvent('b')])());
    wholeChain(await collect(log.readStream('s')));
  });

  it('never sends a revision that the server does not check', async () => {
    const server = await serve();
    const client = KurrentDBClient.connectionString(server.url);
    // The loopback server refuses "any", so every append of the adapter that succeeds was an exact one.
    await expect(client.appendToStream('s', jsonEvent({ type: 'T', data: {} }))).rejects.toThrow(
      'does not know appends to any revision',
    );
    await client.dispose();
  });
});

describe('values that JSON cannot hold', () => {
  it('are refused before the client sees them', async () => {
    const server = await serve();
    const log = await openOn(server);
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const data of [1n, cycle, NaN, undefined, 'a\ud800', new Map()]) {
      const part: Readonly<Record<string, unknown>> = { data };
      const error = refusal(await log.append('s', 'noStream', [{ ...anEvent('bad'), ...part }])());
      expect(error.tag).toBe('NotJson');
    }
    expect(server.faults.count('append')).toBe(0);
    must(await log.append('s', 'noStream', [anEvent('fine')])());
  });

  it('come back as they went, names like numbers and __proto__ among them', async () => {
    const log = await openOn(await serve());
    const data = JSON.parse('{"10":1,"9":{"__proto__":[1e21,-0.5]},"a":"\\u2028","":null}');
    const scalars = [null, true, 0.1, 'text', [], {}, 'not {json'].map((value, i) => anEvent(`scalar-${i}`, value));
    must(await log.append('s', 'noStream', [anEvent('odd', data), ...scalars])());
    const events = await collect(log.readStream('s'));
    expect(canonicalJson(events[0]?.data)).toBe(canonicalJson(data));
    expect(events.slice(1).map((event) => event.data)).toEqual(scalars.map((event) => event.data));
    wholeChain(events);
  });

  it('that broke on the way are noticed, though the client hands them on as text', async () => {
    const server = await serve();
    const log = await openOn(server);
    must(await log.append('s', 'noStream', [anEvent('a', 'text')])());
    const [stored] = await collect(server.store.log.readStream('s'));
    const metadata = server.store.toStored(the(stored)).metadata;
    await server.put('s', 'Noted', { data: Buffer.from('{"name":'), metadata });
    const failure = await failureOf(collect(log.readStream('s')));
    expect(failure.reason).toMatchObject({ tag: 'Damaged', message: expect.stringContaining('{\\"name\\":') });
    expect(failure.at).toMatchObject({ stream: 's', revision: 1 });
  });
});

describe('names', () => {
  it('that KurrentDB keeps for itself are refused', async () => {
    const log = await openOn(await serve());
    const reserved = { tag: 'NotJson', message: expect.stringContaining('begin with $') };
    expect(refusal(await log.append('$s', 'noStream', [anEvent('a')])())).toMatchObject(reserved);
    expect(refusal(await log.append('s', 'noStream', [anEvent('a', {}, '$metadata')])())).toMatchObject(reserved);
  });
});

describe('an answer that does not come', () => {
  const impatient = { deadline: 150, attempts: 4 };

  it('when nothing was written: the append is made again', async () => {
    const server = await serve();
    const log = await openOn(server, impatient);
    server.faults.next('append', { kind: 'silent' });
    expect(must(await log.append('s', 'noStream', someEvents('a', 3))())).toMatchObject({
      revision: 2,
      duplicate: false,
    });
    expect(server.faults.count('append')).toBe(2);
    wholeChain(await collect(log.readStream('s')));
  });

  it.each(['silentAfter', 'cutAfter', 'timeout'] as const)(
    'when all was written (%s): it is found, and is our own, not a repeat',
    async (kind) => {
      const server = await serve();
      const log = await openOn(server, impatient);
      must(await log.append('s', 'noStream', [anEvent('first')])());
      server.faults.next('append', { kind });
      const written = must(await log.append('s', 0, someEvents('a', 3))());
      const events = await collect(log.readStream('s'));
      expect(written).toMatchObject({ revision: 3, position: events[3]?.position, duplicate: false });
      expect(server.faults.count('append')).toBe(2);
      wholeChain(events);
    },
  );

  it('when it comes too late: neither lost nor twice', async () => {
    const server = await serve();
    const log = await openOn(server, impatient);
    server.faults.next('append', { kind: 'late', ms: 400 });
    expect(must(await log.append('s', 'noStream', [anEvent('a')])()).duplicate).toBe(false);
    must(await log.append('s', 0, [anEvent('b')])());
    expect(namesOf(await collect(log.readStream('s')))).toEqual(['a', 'b']);
  });

  it('at all: the fault says that repeating is safe, and it is', async () => {
    const server = await serve();
    const log = await openOn(server, { deadline: 700, attempts: 2 });
    server.faults.next('append', { kind: 'silent' });
    server.faults.next('append', { kind: 'silent' });
    const error = refusal(await log.append('s', 'noStream', [anEvent('a')])());
    expect(error).toMatchObject({ tag: 'Unavailable', message: expect.stringContaining('repeating it is safe') });
    must(await log.append('s', 'noStream', [anEvent('a')])());
    expect((await log.head()).size).toBe(1);
  });

  it('hangs the bare client for ever, deadline or not', async () => {
    const server = await serve();
    const client = KurrentDBClient.connectionString(server.url);
    server.faults.next('append', { kind: 'silent' });
    const options = { streamState: 'no_stream', deadline: 50 } as const;
    const asked = client.appendToStream('s', jsonEvent({ type: 'T', data: {} }), options).then(
      () => 'answered',
      () => 'failed',
    );
    const waited = new Promise((resolve) => setTimeout(() => resolve('still waiting'), 300));
    expect(await Promise.race([asked, waited])).toBe('still waiting');
    await client.dispose();
    expect(await asked).toBe('failed');
  });
});

describe('a lost connection', () => {
  it('in the middle of many large appends loses none, doubles none, and ends nothing', async () => {
    const server = await serve();
    const log = await openOn(server);
    const text = 'x'.repeat(300_000);
    server.faults.by((operation, count) => {
      if (operation !== 'append') return undefined;
      if (count === 7) return { kind: 'cut' };
      return count === 30 ? { kind: 'cutAfter' } : undefined;
    });
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) => log.append(`s-${i}`, 'noStream', [anEvent(`e-${i}`, { text })])()),
    );
    expect(results.map((result) => E.isRight(result) && !result.right.duplicate)).toEqual(Array(40).fill(true));
    const all = await collect(log.readAll());
    expect(new Set(all.map(({ id }) => id)).size).toBe(40);
    expect(all).toHaveLength(40);
  });

  it('while reading is made good for, page by page', async () => {
    const server = await serve();
    const log = await openOn(server, { pageSize: 10 });
    must(await log.append('s', 'noStream', someEvents('a', 100))());
    let cuts = 0;
    server.faults.by((operation, count) => {
      if (operation !== 'deliver' || count % 37 !== 20) return undefined;
      cuts += 1;
      return { kind: 'cut' };
    });
    expect((await collect(log.readAll())).map(({ revision }) => revision)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect(cuts).toBeGreaterThan(2);
  });

  it('that is silent is not waited for longer than told', async () => {
    const server = await serve();
    const log = await openOn(server, { deadline: 150 });
    must(await log.append('s', 'noStream', someEvents('a', 3))());
    server.faults.next('read', { kind: 'silent' });
    expect(await collect(log.readStream('s'))).toHaveLength(3);
  });

  it('that does not come back fails the reading with what to look at', async () => {
    const server = await serve();
    const log = await openOn(server, { attempts: 2 });
    must(await log.append('s', 'noStream', [anEvent('a')])());
    server.away(true);
    server.cut();
    expect((await failureOf(collect(log.readAll()))).reason).toMatchObject({ tag: 'Unavailable' });
    expect(refusal(await log.append('s', 0, [anEvent('b')])())).toMatchObject({
      tag: 'Unavailable',
      where: `kurrentdb://127.0.0.1:${server.port}`,
    });
    server.away(false);
    must(await log.append('s', 0, [anEvent('b')])());
  });

  it('at random, under two writers: each event once, every chain whole, told rightly who wrote it', async () => {
    const kinds = ['cut', 'cutAfter', 'silent', 'silentAfter', 'wrongVersion', 'unavailable', 'timeout'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(undefined, undefined, ...kinds), { minLength: 30, maxLength: 30 }),
        async (faults) => {
          const server = await serve();
          const open = () => openOn(server, { deadline: 200, attempts: 8 });
          const [one, two] = [await open(), await open()];
          server.faults.by((operation, count) => {
            const kind = operation === 'append' ? faults[count] : undefined;
            return kind === undefined ? undefined : { kind };
          });
          /** Appends the shared list, whatever the other does, until all of it is there. */
          const work = async (log: EventLog): Promise<number> => {
            let mine = 0;
            for (let turns = 0; turns < 200; turns++) {
              const head = await log.streamHead('s');
              const next = head === 'noStream' ? 0 : head + 1;
              if (next === 12) return mine;
              const result = await log.append('s', head, [anEvent(`e-${next}`)])();
              if (E.isRight(result) && !result.right.duplicate) mine += 1;
            }
            throw new Error('never done');
          };
          const wrote = await Promise.all([work(one), work(two)]);
          const events = await collect(one.readStream('s'));
          expect(events.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, i) => anEvent(`e-${i}`).id));
          wholeChain(events);
          expect(wrote[0] + wrote[1]).toBe(12);
          await closeAll();
        },
      ),
      { numRuns: 4 },
    );
  }, 120_000);
});

describe('ids', () => {
  it('that the server does not compare: equal batches of two writers are told apart', async () => {
    const server = await serve();
    const [one, two] = [await openOn(server), await openOn(server)];
    const results = await Promise.all([one, two].map((log) => log.append('s', 'noStream', someEvents('a', 2))()));
    expect(results.filter((result) => must(result).duplicate)).toHaveLength(1);
    expect((await one.head()).size).toBe(2);
  });

  it('that are the same for other content: exactly one of two writers is refused', async () => {
    const server = await serve();
    const [one, two] = [await openOn(server), await openOn(server)];
    const results = await Promise.all([
      one.append('s', 'noStream', [anEvent('a', { by: 'one' })])(),
      two.append('s', 'noStream', [anEvent('a', { by: 'two' })])(),
    ]);
    expect(results.filter(E.isRight)).toHaveLength(1);
    expect(results.filter(E.isLeft).map(({ left }) => left.tag)).toEqual(['IdConflict']);
  });

  it('are unique in a stream, whoever wrote them', async () => {
    const server = await serve();
    const [one, two] = [await openOn(server), await openOn(server)];
    must(await two.append('t', 'noStream', [anEvent('t')])());
    must(await one.append('s', 'noStream', someEvents('a', 3))());
    const error = refusal(await two.append('s', 2, [anEvent('a-1')])());
    expect(error).toMatchObject({ tag: 'IdConflict', storedIn: 's', revision: 1 });
  });

  it('of another process in another stream are known once the ledger has been looked at', async () => {
    const server = await serve();
    const [one, two] = [await openOn(server), await openOn(server)];
    must(await one.append('s', 'noStream', [anEvent('s')])());
    must(await two.append('t', 'noStream', [anEvent('a')])());
    expect((await one.readEvent(anEvent('a').id))?.stream).toBe('t');
    expect(refusal(await one.append('s', 0, [anEvent('a')])())).toMatchObject({ tag: 'IdConflict', storedIn: 't' });
    expect(one.capabilities.idsUnique).toBe('inStream');
  });

  it('need not be read from the server where a mirror knows them', async () => {
    const server = await serve();
    must(await (await openOn(server)).append('s', 'noStream', someEvents('a', 50))());
    const mirror = await collect((await openOn(server)).readAll());
    const known = async function* () {
      yield* mirror.slice(0, 40);
    };
    const after = the(mirror[39]).position;
    const before = server.faults.count('deliver');
    const log = await openOn(server, { known: { events: known(), after } });
    expect(await log.head()).toEqual({ position: mirror[49]?.position, size: 50 });
    expect(server.faults.count('deliver') - before).toBeLessThan(15);
    expect((await log.readEvent(anEvent('a-7').id))?.revision).toBe(7);
    expect(refusal(await log.append('t', 'noStream', [anEvent('a-7')])())).toMatchObject({
      tag: 'IdConflict',
      storedIn: 's',
    });
  });
});

describe('what is not of the ledger', () => {
  it('system events and links are left out of every reading, and are no events', async () => {
    const server = await serve();
    const log = await openOn(server, { pageSize: 2 });
    must(await log.append('a-1', 'noStream', someEvents('a', 2))());
    for (let i = 0; i < 5; i++) await server.put('$stats', '$statsCollected');
    await server.put('$$a-1', '$metadata', { data: Buffer.from('{"$maxAge":1}') });
    await server.put('a-links', '$>', { contentType: 'application/octet-stream', data: Buffer.from('0@a-1') });
    must(await log.append('a-1', 1, [anEvent('last')])());
    await server.put('$stats', '$statsCollected');
    const names = ['a-0', 'a-1', 'last'];
    expect(namesOf(await collect(log.readAll()))).toEqual(names);
    expect(namesOf(await collect(log.readAll({ direction: 'backwards' })))).toEqual(names.toReversed());
    expect(namesOf(await collect(log.readAll({ filter: { streamPrefix: ['a-'] } })))).toEqual(names);
    expect(await collect(log.readAll({ filter: { types: ['$>', '$statsCollected'] } }))).toEqual([]);
    expect((await log.head()).size).toBe(3);
  });

  it('filters are applied by the server, not only behind it', async () => {
    const server = await serve();
    const log = await openOn(server);
    must(await log.append('a', 'noStream', someEvents('a', 200))());
    must(await log.append('b', 'noStream', [anEvent('b', {}, 'Rare')])());
    const sent = async (filter: Parameters<EventLog['readAll']>[0]): Promise<number> => {
      const before = server.faults.count('deliver');
      await collect(log.readAll(filter));
      return server.faults.count('deliver') - before;
    };
    expect(await sent({ filter: { streamPrefix: ['b'] } })).toBeLessThan(5);
    expect(await sent({ filter: { types: ['Rare'] } })).toBeLessThan(5);
    expect(await sent({})).toBeGreaterThan(200);
  });

  it('another program’s events are a fault, and no fault in a ledger of its own', async () => {
    const server = await serve();
    await server.put('orders-1', 'OrderPlaced');
    const refused = await openKurrentLog({ url: server.url })();
    expect(refused).toMatchObject({
      left: { tag: 'NotALedger', message: expect.stringContaining('ledger=NAME in the address') },
    });
    const [one, two] = [await openOn(server, {}, '&ledger=one'), await openOn(server, {}, '&ledger=two')];
    must(await one.append('s', 'noStream', [anEvent('a')])());
    must(await two.append('s', 'noStream', someEvents('b', 2))());
    expect(namesOf(await collect(one.readAll()))).toEqual(['a']);
    expect(await collect(two.readAll({ filter: { types: ['Noted'] } }))).toHaveLength(2);
    const [event] = await collect(one.readStream('s'));
    expect(event?.stream).toBe('s');
    expect(the(event).leaf).toBe(leafHash(the(event)));
  });

  it('a stream that was truncated on the server is damage, not a shorter stream', async () => {
    const server = await serve();
    const log = await openOn(server);
    must(await log.append('s', 'noStream', someEvents('a', 5))());
    server.store.truncate('s', 2);
    for (const direction of ['forwards', 'backwards'] as const) {
      const failure = await failureOf(collect(log.readStream('s', { direction })));
      expect(failure.reason).toMatchObject({ tag: 'Damaged', message: expect.stringContaining('truncated') });
    }
  });
});

describe('an append that is too large', () => {
  it('for the server is refused with its limit, and nothing is written', async () => {
    const server = await serve({ maxAppendSize: 20_000 });
    const log = await openOn(server);
    const error = refusal(await log.append('s', 'noStream', someEvents('a', 100))());
    expect(error).toMatchObject({ tag: 'Unavailable', message: expect.stringContaining('at most 20000 bytes') });
    expect(server.faults.count('append')).toBe(1);
    expect((await log.head()).size).toBe(0);
  });

  it('for the client is refused before it is sent', async () => {
    const server = await serve();
    const log = await openOn(server);
    const error = refusal(await log.append('s', 'noStream', [anEvent('a', 'x'.repeat(14_000_000))])());
    expect(error).toMatchObject({ tag: 'Unavailable', message: expect.stringContaining('fewer events at a time') });
    expect(server.faults.count('append')).toBe(0);
  });

  it('for one message travels in several, and is whole or absent', async () => {
    const server = await serve({ maxAppendSize: 32 * 1024 * 1024 });
    const log = await openOn(server);
    const large = Array.from({ length: 7 }, (_, i) => anEvent(`large-${i}`, 'y'.repeat(1_000_000)));
    server.faults.next('append', { kind: 'cut' });
    must(await log.append('s', 'noStream', large)());
    expect(server.faults.count('append')).toBe(2);
    expect(await collect(log.readStream('s'))).toHaveLength(7);
  });
});
