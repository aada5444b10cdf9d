import * as E from 'fp-ts/Either';
import { canonicalJson } from '../../events/digest';
import type { LedgerEvent } from '../../events/index';
import { experiments } from '../../projections/ablation/experiments';
import { reportOf, type AblationReport } from '../../projections/ablation/report';
import { parseYaml } from '../../projections/parseYaml';
import { project } from '../../projections/projection';
import { ablate, planAblation, type Ablation } from '../../src/ablate/ablate';
import { Matrix, type Cell } from '../../src/ablate/matrix';
import { sharesOf, workOf } from '../../src/ablate/plan';
import type { RunInput } from '../../src/run/runContext';
import { wordSorting } from '../../src/tasks/wordSorting/wordSorting';
import { decodedOf } from '../collect/decoded';
import { must, the } from '../support/events';
import {
  basePolicy,
  config,
  newPlace,
  policy,
  policyOf,
  runIn,
  runUntil,
  trainedBase,
  type Place,
} from '../run/tinyRun';

jest.setTimeout(120_000);

const parsed = parseYaml(
  `ablation: 1
name: tiny
run: none
arms: { plain: { policy: tiny }, flat: { policy: flat } }
seeds: [1, 2]
metrics: [accuracy.total, siFrequency.seen]`,
  Matrix,
);
if (E.isLeft(parsed)) throw new Error(JSON.stringify(parsed.left));
const matrix = parsed.right;

const flat = policyOf({ ...policy, name: 'flat', weights: { ...policy.weights, gold: { attempt: 2 } } });
const one = { ...config, iterations: 1, train: { ...config.train, steps: 2 } };

/** Settings by hand: the tests know only these. */
const loader =
  (trained: RunInput['trained'], changed: Partial<typeof one> = {}) =>
  ({ arm, seed }: Cell): RunInput => ({
    config: { ...one, ...(arm.name === 'flat' ? changed : {}), policy: arm.name, seed },
    task: wordSorting,
    policy: arm.name === 'flat' ? flat : policy,
    basePolicy,
    trained,
  });

const countOf = (events: readonly LedgerEvent[], type: LedgerEvent['type']): number =>
  events.filter((event) => event.type === type).length;

describe('an ablation', () => {
  const base = (async (): Promise<NonNullable<RunInput['trained']>> => {
    const place = newPlace();
    must(await runIn(place, { config: { ...one, iterations: 0 } }));
    return trainedBase(place);
  })();

  const planned = async (): Promise<Ablation> => must(planAblation(matrix, loader(await base)));
  const runAll = async (place: Place, plan: Ablation) =>
    ablate(
      plan,
      place.log,
      ({ input }) => runIn(place, input),
      () => undefined,
    );
  const reportIn = async (place: Place, plan: Ablation): Promise<AblationReport> =>
    reportOf(project(experiments, await decodedOf(place.log)), plan.started.ablationId, matrix.metrics);

  it('does what its arms agree in once, and reports what the ledger says', async () => {
    const plan = await planned();
    const place = newPlace();
    must(await runAll(place, plan));
    const events = await decodedOf(place.log);
    const shares = sharesOf(plan.cells.map(({ input }) => workOf(input)));
    // Four cells, two seeds: one collection a seed, one training a cell, one score of the base a seed.
    expect(shares.map(({ kind, pieces, once }) => [kind, pieces, once])).toEqual([
      ['base', 0, 0],
      ['evaluate', 8, 6],
      ['collect', 4, 2],
      ['train', 4, 4],
    ]);
    expect(countOf(events, 'CollectionStarted')).toBe(2);
    expect(countOf(events, 'EvaluationRecorded')).toBe(6);
    expect(countOf(events, 'TrainingStarted')).toBeLessThanOrEqual(1 + 4);
    const report = await reportIn(place, plan);
    expect(report).toMatchObject({
      name: 'tiny',
      baseline: 'plain',
      vary: ['policy'],
      arms: ['plain', 'flat'],
      seeds: [1, 2],
      missing: [],
    });
    expect(report.cells.map(({ arm, seed, whole, iterations }) => [arm, seed, whole, iterations.length])).toEqual([
      ['plain', 1, true, 2],
      ['flat', 1, true, 2],
      ['plain', 2, true, 2],
      ['flat', 2, true, 2],
    ]);
    for (const { iterations } of report.cells) {
      expect(iterations[0]).toMatchObject({ rows: null, cost: null, curve: [] });
      expect(iterations[1]?.curve).toHaveLength(2);
      expect(iterations[1]?.cost?.calls).toBeGreaterThanOrEqual(12);
      expect(iterations[1]?.derived?.rows).toBe(iterations[1]?.rows);
      expect(iterations[1]?.byAttempt.at(-1)).toBe(iterations[1]?.scores['accuracy.total']);
    }
    expect(
      report.comparisons.map(({ arm, metric, seeds, items, iteration }) => [arm, metric, seeds, items, iteration]),
    ).toEqual([
      ['flat', 'accuracy.total', 2, 6, 1],
      ['flat', 'siFrequency.seen', 2, 3, 1],
    ]);
    // A score that is taken back is none.
    const scored = events.find(
      (event) =>
        event.type === 'EvaluationRecorded' && event.data.evaluationId === report.cells[3]?.iterations[1]?.evaluation,
    );
    const note = { type: 'EventRetracted', data: { eventId: scored?.id ?? '', reason: 'leaked', by: 'ana' } } as const;
    const without = [...events, { ...the(events[0]), ...note, id: 'note' }];
    expect(reportOf(project(experiments, without), plan.started.ablationId, matrix.metrics)).toMatchObject({
      missing: [{ arm: 'flat', seed: 2 }],
      comparisons: [{ seeds: 1 }, { seeds: 1 }],
    });
    // Run again: nothing is made anew, and the report has the same bytes.
    const before = canonicalJson(report);
    must(await runAll(place, plan));
    expect(await decodedOf(place.log)).toHaveLength(events.length);
    expect(canonicalJson(await reportIn(place, plan))).toBe(before);
  });

  it('that was stopped goes on, and its report has the same bytes', async () => {
    const plan = await planned();
    const whole = newPlace();
    must(await runAll(whole, plan));
    const stopped = newPlace();
    let left = 9;
    const first = await ablate(
      plan,
      stopped.log,
      ({ input }) => runUntil(stopped, left, input).finally(() => (left = 3)),
      () => undefined,
    );
    expect(E.isLeft(first)).toBe(true);
    expect((await reportIn(stopped, plan)).missing.length).toBeGreaterThan(0);
    must(await runAll(stopped, plan));
    expect(canonicalJson(await reportIn(stopped, plan))).toBe(canonicalJson(await reportIn(whole, plan)));
  });

  it('passes over an arm that keeps too few rows, and says so', async () => {
    const own = loader(await base);
    const greedy = { ...flat, limit: { ...flat.limit, min: 500 } };
    const plan = must(
      planAblation(matrix, (cell) => (cell.arm.name === 'flat' ? { ...own(cell), policy: greedy } : own(cell))),
    );
    const place = newPlace();
    const { empty } = must(await runAll(place, plan));
    expect(empty.map(({ arm, seed, fault }) => [arm, seed, fault.needed])).toEqual([
      ['flat', 1, 500],
      ['flat', 2, 500],
    ]);
    const report = await reportIn(place, plan);
    expect(report.comparisons).toEqual([]);
    expect(report.missing).toEqual([
      { arm: 'flat', seed: 1 },
      { arm: 'flat', seed: 2 },
    ]);
  });

  it('refuses arms that differ in a second setting, and says in what', async () => {
    const second = planAblation(
      matrix,
      loader(await base, { generate: { batch: 3 }, train: { ...one.train, steps: 3 } }),
    );
    expect(second).toEqual(
      E.left({
        tag: 'ArmsDiffer',
        baseline: 'plain',
        arm: 'flat',
        vary: ['policy'],
        differences: [
          { path: 'generate.batch', baseline: '6', other: '3' },
          { path: 'train.steps', baseline: '2', other: '3' },
        ],
      }),
    );
  });

  it('refuses arms that are one run under two names', async () => {
    const same = loader(await base);
    const alike = planAblation(matrix, (cell) => ({ ...same(cell), policy: { ...policy, name: cell.arm.name } }));
    expect(alike).toEqual(E.left({ tag: 'ArmsAlike', baseline: 'plain', arm: 'flat' }));
  });

  it('shows nothing of an ablation that the ledger does not know', async () => {
    const plan = await planned();
    expect(() => reportOf(project(experiments, []), plan.started.ablationId, [])).toThrow('There is no ablation');
  });
});
