import * as E from 'fp-ts/Either';
import { iterationStarted } from '../../events/iterationStarted';
import type { LedgerEvent } from '../../events/index';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { handle, type Decider } from '../../src/ledger/decider';
import { LogReadError, type EventLog } from '../../src/ports/eventLog';
import { anEvent, must, testClock } from '../support/events';
import { examples } from '../support/examples';

type Started = Extract<LedgerEvent, { type: 'IterationStarted' }>;
interface Begin {
  readonly iteration: number;
}

/** Iterations begin in order; beginning one twice changes nothing. */
const iterations: Decider<Begin, number, Started, { readonly tag: 'OutOfTurn'; readonly next: number }> = {
  initial: 0,
  evolve: (_, event) => event.data.iteration,
  decide: ({ iteration }, last) => {
    if (iteration === last) return E.right([]);
    if (iteration !== last + 1) return E.left({ tag: 'OutOfTurn', next: last + 1 });
    return E.right([iterationStarted.create({ ...examples.IterationStarted, iteration })]);
  },
};

const begin = (log: EventLog, iteration: number) => handle(log, 'run-run-1', iterations, { iteration });
const open = () => openMemoryLog({ now: testClock() });

describe('handling a command', () => {
  it('appends what is decided, at the revision that was read', async () => {
    const log = open();
    expect(must(await begin(log, 1)).appended?.revision).toBe(0);
    expect(must(await begin(log, 2)).appended?.revision).toBe(1);
  });

  it('appends nothing when nothing changes', async () => {
    const log = open();
    must(await begin(log, 1));
    expect(must(await begin(log, 1))).toEqual({ events: [] });
  });

  it('returns the refusal', async () => {
    const refused = await begin(open(), 3);
    expect(refused).toEqual(E.left({ tag: 'Refused', stream: 'run-run-1', refusal: { tag: 'OutOfTurn', next: 1 } }));
  });

  it('decides anew when another writer was faster', async () => {
    const log = open();
    const results = await Promise.all([begin(log, 1), begin(log, 1), begin(log, 1)]);
    expect(results.every(E.isRight)).toBe(true);
    expect((await log.head()).size).toBe(1);
  });

  it('gives up when another writer is always faster', async () => {
    const log = open();
    const wrong = { tag: 'WrongExpectedRevision', stream: 'run-run-1', expected: 'noStream', actual: 0 } as const;
    const busy: EventLog = { ...log, append: () => async () => E.left(wrong) };
    expect(await begin(busy, 1)).toEqual(E.left(wrong));
  });

  it('names an event that it cannot read', async () => {
    const log = open();
    must(await log.append('run-run-1', 'noStream', [anEvent('x')])());
    const failed = await begin(log, 1);
    expect(failed).toMatchObject(E.left({ tag: 'Undecodable', error: { tag: 'UnknownType', type: 'Noted' } }));
  });

  it('returns a store that fails as an error, and lets a programming mistake through', async () => {
    const log = open();
    const fails = (failure: Error): EventLog => ({
      ...log,
      readStream: async function* () {
        yield* [];
        throw failure;
      },
    });
    const reason = { tag: 'Damaged', where: 'here', message: 'broken' } as const;
    expect(await begin(fails(new LogReadError(reason)), 1)).toEqual(E.left(reason));
    await expect(begin(fails(new TypeError('mistake')), 1)).rejects.toThrow('mistake');
  });
});
