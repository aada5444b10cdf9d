import { randomUUID } from 'node:crypto';
import * as E from 'fp-ts/Either';
import * as fc from 'fast-check';
import { positionOf, type NewEvent, type Position, type RecordedEvent } from '../../events/envelope';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import type { EventLog, ExpectedRevision, Filter, ReadAll } from '../../src/ports/eventLog';
import { eventLogContract } from '../contracts/eventLog.contract';
import { twoHandlesContract } from '../contracts/twoHandles.contract';
import { arbitraryJson } from '../support/arbitrary';
import { anEvent, collect, someEvents, testClock, the } from '../support/events';
import { closeAll, openOn, serve } from '../support/kurrentServer/opened';

// A server, its client and two connections for each test: on a busy machine that takes a while.
jest.setTimeout(60_000);

afterAll(closeAll);

// Our own loopback server: it shows that adapter and client do what the port means, not what KurrentDB does.
eventLogContract('KurrentDB, loopback server', async () => openOn(await serve()));
twoHandlesContract('KurrentDB, loopback server', async () => {
  const server = await serve();
  return [await openOn(server), await openOn(server)];
});

const url = process.env['KURRENTDB_URL'];
if (url === undefined || url === '') {
  describe('EventLog contract: KurrentDB, real server', () => {
    // oxlint-disable-next-line jest/no-disabled-tests, jest/expect-expect
    it.skip('skipped: set KURRENTDB_URL', () => {});
  });
} else {
  // Each log is a ledger of its own in the same database.
  const join = url.includes('?') ? '&' : '?';
  const open = (): Promise<EventLog> => openOn({ url }, {}, `${join}ledger=contract-${randomUUID()}`);
  eventLogContract('KurrentDB, real server', open, { clock: 'server' });
}

describe('what the contract means on the wire', () => {
  it('is the same with the older append call, and where commit and prepare differ', async () => {
    const server = await serve({ batchAppend: false, pairs: true });
    const log = await openOn(server, { pageSize: 2 });
    for (const event of someEvents('a', 5)) await log.append('s', await log.streamHead('s'), [event])();
    const again = await log.append('s', 3, [anEvent('a-4')])();
    const all = await collect(log.readAll());
    expect(again).toMatchObject({ right: { duplicate: true, position: all[4]?.position } });
    expect(all.map(({ position }) => position)).toEqual(all.map(() => expect.stringMatching(/^\d+\/\d+$/)));
    expect(await collect(log.readAll({ after: the(all[1]).position, until: the(all[3]).position }))).toEqual(
      all.slice(2, 4),
    );
    expect(await log.append('s', 'noStream', [anEvent('other')])()).toMatchObject({
      left: { tag: 'WrongExpectedRevision', expected: 'noStream', actual: 4 },
    });
  });
});

const streams = ['a', 'a-1', 'b', 'é'];
interface Append {
  readonly stream: string;
  readonly expected: ExpectedRevision | 'right';
  readonly events: readonly NewEvent[];
}
type Command = { readonly append: Append } | { readonly read: ReadAll } | { readonly streamed: string };

const event = fc
  .record({ name: fc.nat(25), other: fc.boolean(), data: arbitraryJson, type: fc.constantFrom('Noted', 'Other') })
  .map(({ name, other, data, type }) => anEvent(String(name), other ? { name, data } : { name }, type));
const append: fc.Arbitrary<Command> = fc
  .record({
    stream: fc.constantFrom(...streams),
    expected: fc.oneof(
      { weight: 5, arbitrary: fc.constant('right' as const) },
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 6 }) },
      { weight: 2, arbitrary: fc.constant('noStream' as const) },
    ),
    events: fc.array(event, { minLength: 1, maxLength: 4 }),
  })
  .map((one) => ({ append: one }));
const filter: fc.Arbitrary<Filter> = fc.oneof(
  fc.subarray(['a', 'a-', 'é', '']).map((streamPrefix) => ({ streamPrefix })),
  fc.subarray(['Noted', 'Other', 'None', 'Not']).map((types) => ({ types })),
);
const read: fc.Arbitrary<Command> = fc
  .record({
    filter: fc.option(filter),
    max: fc.option(fc.nat(8)),
    direction: fc.constantFrom('forwards' as const, 'backwards' as const),
  })
  .map(({ filter: f, max, direction }) => ({
    read: { direction, ...(f === null ? {} : { filter: f }), ...(max === null ? {} : { max }) },
  }));
const commands = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: append },
    read,
    fc.constantFrom(...streams).map((streamed) => ({ streamed })),
  ),
  { minLength: 4, maxLength: 25 },
);

/** Positions as ranks, times left out: what two stores have in common. */
const ranked = (events: readonly RecordedEvent[], order: readonly Position[]) =>
  events.map((one) => ({ ...one, recordedAt: '', position: order.indexOf(one.position) }));

const run = async (log: EventLog, command: Command): Promise<unknown> => {
  const order = async () => (await collect(log.readAll())).map(({ position }) => position);
  if ('read' in command) return ranked(await collect(log.readAll(command.read)), await order());
  if ('streamed' in command) return ranked(await collect(log.readStream(command.streamed)), await order());
  const { stream, expected, events } = command.append;
  const result = await log.append(stream, expected === 'right' ? await log.streamHead(stream) : expected, events)();
  if (E.isLeft(result)) return result.left;
  return { ...result.right, position: (await order()).indexOf(result.right.position) };
};

it('does what the memory log does, whatever it is asked', async () => {
  const server = await serve();
  await fc.assert(
    fc.asyncProperty(commands, fc.integer({ min: 2, max: 5 }), fc.uuid(), async (list, pageSize, name) => {
      const memory = openMemoryLog({ now: testClock() });
      const ledger = `&ledger=${name}`;
      let kurrent = await openOn(server, { pageSize }, ledger);
      for (const [i, command] of list.entries()) {
        expect(await run(kurrent, command)).toEqual(await run(memory, command));
        if (i === 11) kurrent = await openOn(server, { pageSize }, ledger);
      }
      const all = { read: {} };
      expect(await run(kurrent, all)).toEqual(await run(memory, all));
      expect((await kurrent.head()).size).toBe((await memory.head()).size);
    }),
    { numRuns: 10 },
  );
}, 120_000);

it('numbers positions so that they can be stored, compared, and read on from', async () => {
  const log = await openOn(await serve());
  await log.append('s', 'noStream', someEvents('a', 3))();
  const stored = (await collect(log.readAll())).map(({ position }) => String(position));
  const [first, second] = stored.map((text) => positionOf(Number(text)));
  expect(log.comparePositions(the(first), the(second))).toBe(-1);
  expect(await collect(log.readAll({ after: the(second) }))).toHaveLength(1);
  expect(() => log.comparePositions(the(first), positionOf(-1))).toThrow('Not a position of this log: -1');
});
