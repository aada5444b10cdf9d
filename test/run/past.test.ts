import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import { datasetDerivedOf, deriveDataset } from '../../projections/deriveDataset';
import { rederive } from '../../projections/rederive';
import { pastOf } from '../../src/cli/find';
import type { EventLog } from '../../src/ports/eventLog';
import { isAtHand } from '../../src/run/past';
import { anySpecs, interleaved, ledgerOf } from '../projections/arbitraryLedger';
import { anyPolicy } from '../projections/arbitraryPolicy';
import { preset } from '../projections/policyFiles';
import { must } from '../support/events';
import { logOf } from '../support/logOf';
import { smallLedger } from '../support/smallLedger';

const { signal } = new AbortController();

it('gives a derivation all that it looked at: rows and decisions of any recorded dataset are the same bytes', async () => {
  const scopes = fc.constantFrom(
    {},
    { runId: 'run-a', iteration: 1 },
    { runId: 'run-a', iteration: 2 },
    { iteration: 2 },
    { runId: 'run-b' },
  );
  const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 30 });
  let rows = 0;
  await fc.assert(
    fc.asyncProperty(anySpecs, anyPolicy, scopes, picks, fc.nat(), async (specs, policy, scope, order, cut) => {
      const bare = { ...policy, admit: { ...policy.admit, maxTokens: null } };
      const events = interleaved(ledgerOf(specs).events, order);
      const size = cut % (events.length + 1);
      const past = await pastOf(await logOf(events), signal);
      const ledger = { size, root: 'ab'.repeat(32) };
      const derived = deriveDataset(events.slice(0, size), bare, { seed: 3, scope, ledger });
      const recorded = datasetDerivedOf(derived);
      const made = must(rederive(must(await past.before(recorded)), recorded));
      expect(made.isExact).toBe(true);
      expect(Buffer.from(made.derived.manifestBytes).toString()).toBe(Buffer.from(derived.manifestBytes).toString());
      rows += derived.rows.length;
    }),
    { numRuns: 150 },
  );
  expect(rows).toBeGreaterThan(0);
});

describe('of a small ledger', () => {
  const { events } = smallLedger();
  const scope = { runId: 'run-a', iteration: 1 };

  /** The log with another text in every event of trajectories that this one is not about: to decode one is an error. */
  const blind = (log: EventLog, streams: ReadonlySet<string>): EventLog => ({
    ...log,
    readPages: async function* (options) {
      for await (const page of log.readPages(options))
        yield page.map((event) => {
          const readable = isAtHand(event) || streams.has(event.stream) || event.revision === 0;
          return readable ? event : { ...event, dataText: '{}' };
        });
    },
  });

  it('no more than the first event of a trajectory outside is decoded, and each part is read once', async () => {
    const log = await logOf(events);
    const plain = must(await (await pastOf(log, signal)).about(scope, false));
    const inside = new Set(plain.filter((event) => !isAtHand(event)).map(({ stream }) => stream));
    expect(inside.size).toBeGreaterThan(0);
    let readings = 0;
    const watched = blind(log, inside);
    const past = await pastOf(
      {
        ...watched,
        readPages: (options) => {
          readings += 1;
          return watched.readPages(options);
        },
      },
      signal,
    );
    expect(must(await past.about(scope, false))).toEqual(plain);
    expect(must(await past.about(scope, false, 20)).every(({ position }) => Number(position) <= 20)).toBe(true);
    expect(readings).toBe(2);
    expect(await past.about({}, false)).toMatchObject(E.left({ tag: 'BadData' }));
  });

  it('what is at hand is everything but the events of trajectories', async () => {
    const past = await pastOf(await logOf(events), signal);
    expect(past.events.map(({ id }) => id)).toEqual(events.filter(isAtHand).map(({ id }) => id));
    const about = must(await past.about({}, false));
    expect(new Set(about.map(({ id }) => id))).toEqual(new Set(events.map(({ id }) => id)));
    expect(deriveDataset(about, preset('tripost'), { seed: 1 }).rows.length).toBeGreaterThan(0);
  });
});
