import type { LedgerEvent } from '../../events/index';
import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import type { RunProgress, RunSummary } from '../../src/run/runContext';
import { decodedOf, factsOf } from '../collect/decoded';
import { collect, must } from '../support/events';
import { config, leavesOf, newPlace, policy, policyOf, runIn, runUntil, trainedBase, type Place } from './tinyRun';

jest.setTimeout(60_000);

const digestsOf = ({ root, events, iterations }: RunSummary): unknown => ({
  root,
  events,
  iterations: iterations.map(({ iteration, dataset, rows, checkpoint, weights, evaluation }) => {
    return { iteration, dataset, rows, checkpoint, weights, scores: evaluation.scores };
  }),
});

describe('a run', () => {
  const place = newPlace();
  const reports: RunProgress[] = [];
  const whole = runIn(place, {}, { onProgress: (progress) => reports.push(progress) }).then(must);
  const asBase = (): ReturnType<typeof trainedBase> => whole.then(() => trainedBase(place));

  it('scores the base, then collects, derives, trains and scores in each iteration', async () => {
    const summary = await whole;
    expect(summary.iterations.map(({ iteration, dataset }) => [iteration, dataset === null])).toEqual([
      [0, true],
      [1, false],
      [2, false],
    ]);
    expect(new Set(summary.iterations.map(({ checkpoint }) => checkpoint)).size).toBe(3);
    expect(summary.reused).toEqual({ calls: 0, steps: 0 });
    const events = await collect(place.log.readAll());
    const counts = (type: string): number => events.filter((event) => event.type === type).length;
    expect(
      [
        'RunStarted',
        'IterationStarted',
        'IterationCompleted',
        'DatasetDerived',
        'TrainingCompleted',
        'EvaluationRecorded',
        'TrajectoryClosed',
        'LedgerSealed',
      ].map(counts),
    ).toEqual([1, 2, 2, 3, 3, 3, 24, 1]);
    // The seal is over all that came before it.
    expect(summary.events).toBe(events.length - 1);
    // The base has learnt enough that editing has something to do.
    expect(counts('AttemptMade')).toBeGreaterThan(0);
    expect(counts('ImprovementProduced')).toBeGreaterThan(0);
    const trained = reports.filter((report) => report.phase === 'trained').map(({ iteration }) => iteration);
    expect(trained).toEqual([0, 1, 2]);
  });

  it('is over when it is run again: nothing new, and it says how much was there', async () => {
    const first = await whole;
    const before = await leavesOf(place);
    const again = must(await runIn(place));
    expect(await leavesOf(place)).toEqual(before);
    expect(digestsOf(again)).toEqual(digestsOf(first));
    const calls = before.filter((leaf) => leaf.includes(' GenerationProduced ')).length;
    expect(again.reused).toEqual({ calls, steps: 100 + 5 + 5 });
  });

  it('has the same root elsewhere, and nothing in common under another seed', async () => {
    const first = await whole;
    const trained = await asBase();
    const elsewhere = newPlace();
    expect(digestsOf(must(await runIn(elsewhere, { trained })))).toEqual(digestsOf(first));
    expect(await leavesOf(elsewhere)).toEqual(await leavesOf(place));
    const other = must(await runIn(newPlace(), { trained, config: { ...config, seed: 2 } }));
    expect(other.root).not.toBe(first.root);
    expect(other.iterations[0]?.checkpoint).toBe(first.iterations[0]?.checkpoint);
    expect(other.iterations[1]?.dataset).not.toBe(first.iterations[1]?.dataset);
    expect(other.iterations[1]?.weights).not.toBe(first.iterations[1]?.weights);
  });

  it('ends the same wherever it was stopped', async () => {
    const first = await whole;
    const trained = await asBase();
    const after = reports.findIndex((report) => report.phase === 'evaluate');
    // In the first collection, the first training, its evaluation, the second collection, the second training.
    const phases: readonly RunProgress['phase'][] = ['collect', 'train', 'evaluate', 'collect', 'train'];
    let from = after;
    for (const phase of phases) {
      from = reports.findIndex((report, i) => i > from && report.phase === phase && report.iteration > 0);
      const stopped = newPlace();
      const result = await runUntil(stopped, from - after + 2, { trained });
      expect(result).toMatchObject(E.left({ tag: 'Cancelled' }));
      expect(digestsOf(must(await runIn(stopped, { trained })))).toEqual(digestsOf(first));
      expect(await leavesOf(stopped)).toEqual(await leavesOf(place));
    }
  });

  it('goes on in the middle of the training of its base, here or with the trained one', async () => {
    const first = await whole;
    const begun = async (): Promise<Place> => {
      const stopped = newPlace();
      expect(await runUntil(stopped, 50)).toMatchObject(E.left({ tag: 'Cancelled', savedStep: 40, steps: 100 }));
      return stopped;
    };
    const here = must(await runIn(await begun()));
    expect(digestsOf(here)).toEqual(digestsOf(first));
    expect(here.reused).toEqual({ calls: 0, steps: 40 });
    const imported = await begun();
    expect(digestsOf(must(await runIn(imported, { trained: await asBase() })))).toEqual(digestsOf(first));
    expect(await leavesOf(imported)).toEqual(await leavesOf(place));
  });

  it('drops rows that its student cannot read, with a decision, and trains on the others', async () => {
    const trained = await asBase();
    const two = newPlace();
    must(await runIn(two, { trained, config: { ...config, seed: 2 } }));
    const derived = factsOf(await decodedOf(two.log), 'DatasetDerived').filter(({ scope }) => scope.runId !== null);
    expect(derived.map(({ byReason }) => (byReason['split.max-tokens'] ?? 0) > 0)).toContain(true);
  });

  it('shares with another run on the ledger all that both agree in, and nothing else', async () => {
    const trained = await asBase();
    const shared = newPlace();
    const first = must(await runIn(shared, { trained }));
    const before = await decodedOf(shared.log);
    const made = (type: LedgerEvent['type'], events: readonly LedgerEvent[]): number =>
      events.filter((event) => event.type === type).length;
    const longer = { ...config, train: { ...config.train, steps: 6 } };
    const second = must(await runIn(shared, { trained, config: longer }));
    const after = (await decodedOf(shared.log)).slice(before.length);
    expect(second.runId).not.toBe(first.runId);
    // The base, its score and the first collection are the same; from the first training on, nothing is.
    const [base, one] = first.iterations;
    const [base2, one2] = second.iterations;
    expect(base2).toEqual(base);
    expect(one2?.dataset).toBe(one?.dataset);
    expect(one2?.checkpoint).not.toBe(one?.checkpoint);
    expect(made('CollectionStarted', after)).toBe(1);
    expect(made('EvaluationRecorded', after)).toBe(2);
    expect(made('IterationScored', after)).toBe(3);
    expect(made('TrainingStarted', after)).toBe(2);
    const collections = new Set(
      after.flatMap((event) => (event.type === 'GenerationProduced' ? [event.data.collectionId] : [])),
    );
    expect(collections.size).toBe(1);
    // The second run alone, on a ledger of its own, ends in the same bytes.
    const alone = must(await runIn(newPlace(), { trained, config: longer }));
    expect(alone.iterations).toEqual(second.iterations);
  });

  it('notes that it goes on under other code, once', async () => {
    const trained = await asBase();
    const moved = newPlace();
    await runUntil(moved, 8, { trained });
    must(await runIn(moved, { trained }, { codeVersion: 'newer' }));
    must(await runIn(moved, { trained }, { codeVersion: 'newer' }));
    const types = (await leavesOf(moved)).map((leaf) => leaf.split(' ')[2]);
    expect(types.filter((type) => type === 'RunResumed')).toHaveLength(1);
  });
});

describe('a run that cannot be', () => {
  const small = { ...config, iterations: 1, base: { ...config.base, train: { ...config.base.train, steps: 1 } } };

  it('ends before training when the policy keeps too little, and says why', async () => {
    const greedy = policyOf({ ...policy, limit: { min: 500 } });
    const place = newPlace();
    const result = await runIn(place, { config: small, policy: greedy });
    expect(result).toMatchObject(E.left({ tag: 'TooFewRows', policy: 'tiny', iteration: 1, rows: 12, needed: 500 }));
    const nothing = policyOf({ ...policy, name: 'strict', select: { sources: ['trajectories'] } });
    expect(await runIn(place, { config: small, policy: nothing })).toMatchObject(
      E.left({ tag: 'TooFewRows', policy: 'strict', rows: 0, needed: 1, byReason: expect.any(Object) }),
    );
    const types = (await leavesOf(place)).map((leaf) => leaf.split(' ')[2]);
    expect(types.filter((type) => type === 'TrainingCompleted')).toHaveLength(1);
  });

  it('does not take a trained base for another one than its config describes', async () => {
    const place = newPlace();
    await runUntil(place, 3, { config: small });
    must(await runIn(place, { config: { ...small, iterations: 0 } }));
    const trained = await trainedBase(place);
    const withBase = (base: Partial<typeof small.base>) => ({
      ...small,
      iterations: 0,
      base: { ...small.base, ...base },
    });
    const differs = (field: string) =>
      E.left({ tag: 'ReceiptDiffers', field, expected: expect.any(String), got: expect.any(String) });
    const fresh = newPlace();
    const slower = withBase({ train: { ...small.base.train, learningRate: 1e-3 } });
    expect(await runIn(fresh, { trained, config: slower })).toEqual(differs('training'));
    expect(await runIn(fresh, { trained, config: withBase({ seed: 9 }) })).toEqual(differs('training'));
    const others = { ...small, iterations: 0, task: { ...small.task, seed: 9 } };
    expect(await runIn(fresh, { trained, config: others })).toEqual(differs('dataset'));
    const unreceipted = { ...trained, events: trained.events.slice(0, -1) };
    expect(await runIn(fresh, { trained: unreceipted, config: withBase({}) })).toEqual(differs('TrainingCompleted'));
    const files = new Map(trained.files);
    files.set(
      'model.safetensors',
      (files.get('model.safetensors') ?? new Uint8Array()).map((byte, i) => (i === 900 ? byte ^ 1 : byte)),
    );
    expect(await runIn(fresh, { trained: { ...trained, files }, config: withBase({}) })).toEqual(
      differs('checkpoint files'),
    );
    // None of that is on the ledger as a training.
    expect((await leavesOf(fresh)).filter((leaf) => leaf.startsWith('training-'))).toEqual([]);
    const imported = must(await runIn(fresh, { trained, config: withBase({}) }));
    const receipt = (await collect(place.log.readAll())).find(({ type }) => type === 'TrainingCompleted')?.data;
    expect(receipt).toMatchObject({ checkpoint: imported.iterations[0]?.checkpoint });
    expect(imported.iterations[0]?.checkpoint).not.toBe(sha256(''));
  });
});
