import { join } from 'node:path';
import * as fc from 'fast-check';
import { positionOf, type NewEvent, type RecordedEvent } from '../../events/envelope';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import type { EventLog, ExpectedRevision, Filter, ReadAll } from '../../src/ports/eventLog';
import { arbitraryJson } from '../support/arbitrary';
import { anEvent, collect, testClock } from '../support/events';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';

afterAll(removeFolders);

const streams = ['a', 'a-1', 'b', 'é'];

/** One append: few ids and few revisions, so that repeats, conflicts and stale views are common. */
interface Append {
  readonly kind: 'append';
  readonly stream: string;
  readonly expected: ExpectedRevision | 'right';
  readonly events: readonly NewEvent[];
}
interface Read {
  readonly kind: 'read';
  readonly options: ReadAll;
}
interface ReadStream {
  readonly kind: 'readStream';
  readonly stream: string;
  readonly options: NonNullable<Parameters<EventLog['readStream']>[1]>;
}
/** Appends that are queued in one turn. */
interface Together {
  readonly kind: 'together';
  readonly appends: readonly Append[];
}

const optional = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((v) => (v === undefined ? {} : { [key]: v }));
const merged = <T>(...parts: readonly fc.Arbitrary<object>[]): fc.Arbitrary<T> =>
  fc.tuple(...parts).map((all): T => Object.assign({}, ...all));

const event = fc
  .record({ name: fc.nat(25), other: fc.boolean(), data: arbitraryJson, type: fc.constantFrom('Noted', 'Other') })
  .map(({ name, other, data, type }) => anEvent(String(name), other ? { name, data } : { name }, type));
const append: fc.Arbitrary<Append> = fc.record({
  kind: fc.constant('append' as const),
  stream: fc.constantFrom(...streams),
  expected: fc.oneof(
    { weight: 5, arbitrary: fc.constant('right' as const) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 6 }) },
    { weight: 2, arbitrary: fc.constant('noStream' as const) },
  ),
  events: fc.array(event, { minLength: 1, maxLength: 4 }),
});
const filter: fc.Arbitrary<Filter> = fc.oneof(
  fc.subarray(['a', 'a-', 'é', '']).map((streamPrefix) => ({ streamPrefix })),
  fc.subarray(['Noted', 'Other', 'None']).map((types) => ({ types })),
);
const direction = fc.constantFrom('forwards' as const, 'backwards' as const);
const read: fc.Arbitrary<Read> = merged<Read['options']>(
  optional('after', fc.nat(12).map(positionOf)),
  optional('until', fc.nat(12).map(positionOf)),
  optional('max', fc.nat(8)),
  optional('direction', direction),
  optional('filter', filter),
).map((options) => ({ kind: 'read', options }));
const readStream: fc.Arbitrary<ReadStream> = fc.record({
  kind: fc.constant('readStream' as const),
  stream: fc.constantFrom(...streams),
  options: merged<ReadStream['options']>(
    optional('from', fc.nat(6)),
    optional('max', fc.nat(5)),
    optional('direction', direction),
  ),
});
const together: fc.Arbitrary<Together> = fc
  .array(append, { minLength: 2, maxLength: 6 })
  .map((appends) => ({ kind: 'together', appends }));
const commands = fc.array(
  fc.oneof({ weight: 5, arbitrary: append }, { weight: 2, arbitrary: together }, read, readStream),
  { maxLength: 30 },
);

const timeless = (events: readonly RecordedEvent[]) => events.map((one) => ({ ...one, recordedAt: '' }));

/** The appends are all asked for in one turn, in order, at revisions looked up before it. */
const appendAll = async (log: EventLog, appends: readonly Append[]): Promise<unknown> => {
  const expected: ExpectedRevision[] = [];
  for (const one of appends) expected.push(one.expected === 'right' ? await log.streamHead(one.stream) : one.expected);
  return Promise.all(appends.map((one, i) => log.append(one.stream, expected[i] ?? 'noStream', one.events)()));
};

const run = (log: EventLog, command: Append | Read | ReadStream | Together): Promise<unknown> => {
  switch (command.kind) {
    case 'append':
      return appendAll(log, [command]);
    case 'together':
      return appendAll(log, command.appends);
    case 'read':
      return collect(log.readAll(command.options)).then(timeless);
    case 'readStream':
      break;
  }
  return collect(log.readStream(command.stream, command.options)).then(timeless);
};

it('does what the memory log does, whatever it is asked', async () => {
  const folder = newFolder();
  let ledgers = 0;
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const memory = openMemoryLog({ now: testClock() });
      const path = join(folder, `${ledgers++}.db`);
      let sqlite = await openLedger(path);
      for (const [i, command] of list.entries()) {
        expect(await run(sqlite, command)).toEqual(await run(memory, command));
        // Now and then the ledger is closed and opened again, which must change nothing.
        if (i % 11 === 10) {
          await sqlite.close();
          sqlite = await openLedger(path);
        }
      }
      const all = { kind: 'read', options: {} } as const;
      expect(await run(sqlite, all)).toEqual(await run(memory, all));
      expect(await sqlite.head()).toEqual(await memory.head());
      for (const stream of streams) expect(await sqlite.streamHead(stream)).toBe(await memory.streamHead(stream));
      expect((await sqlite.checkStorage()).ok).toBe(true);
      await sqlite.close();
    }),
    { numRuns: 60 },
  );
}, 120_000);

it('does the same when the commands come from two processes in turns', async () => {
  const folder = newFolder();
  let ledgers = 0;
  await fc.assert(
    fc.asyncProperty(commands, fc.infiniteStream(fc.boolean()), async (list, hands) => {
      const memory = openMemoryLog({ now: testClock() });
      const path = join(folder, `two-${ledgers++}.db`);
      const [one, two] = [await openLedger(path), await openLedger(path)];
      for (const command of list) {
        const hand = hands.next().value === true ? one : two;
        expect(await run(hand, command)).toEqual(await run(memory, command));
      }
      const all = { kind: 'read', options: {} } as const;
      for (const log of [one, two]) {
        expect(await run(log, all)).toEqual(await run(memory, all));
        expect(await log.head()).toEqual(await memory.head());
        for (const stream of streams) expect(await log.streamHead(stream)).toBe(await memory.streamHead(stream));
        await log.close();
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);
