import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import { evaluationRecorded } from '../../events/evaluationRecorded';
import { deriveDataset } from '../../projections/deriveDataset';
import { impactOf, type Impact } from '../../projections/impact';
import { startOf } from '../../projections/impactStart';
import { lineage } from '../../projections/lineage';
import { project } from '../../projections/projection';
import type { Row } from '../../projections/replayDataset';
import type { FoundKind } from '../../projections/why';
import { baseCheckpoint, trainedCheckpoint } from '../support/builders';
import { the } from '../support/events';
import { smallLedger, trainOn } from '../support/smallLedger';
import { preset } from './policyFiles';

const ledger = smallLedger();
const prefix = () => ({ size: ledger.events.length, root: sha256('root') });
const scoped = (iteration: number) =>
  deriveDataset(ledger.events, preset('tripost'), { seed: 42, scope: { runId: 'run-a', iteration }, ledger: prefix() });
const first = scoped(1);
const second = scoped(2);
const last = sha256('checkpoint after iteration 2');
const one = trainOn(ledger, first);
const two = trainOn(ledger, second, { iteration: 2, checkpoint: last, base: trainedCheckpoint });
const evaluation = (evaluationId: string, checkpoint: string): string =>
  ledger.add(evaluationRecorded, {
    evaluationId,
    checkpoint,
    problemSet: 'sums',
    config: {},
    scores: {},
    items: [{ problemId: 'p-test', cell: 'two', seen: true, texts: [], attempts: [] }],
  });
const scores = [evaluation('e0', baseCheckpoint), evaluation('e1', trainedCheckpoint), evaluation('e2', last)];
const known = project(lineage, ledger.events);
const rows: ReadonlyMap<string, readonly Row[]> = new Map([
  [first.manifest.dataset, first.rows],
  [second.manifest.dataset, second.rows],
]);
const evaluated = new Map(scores.map((id) => [id, new Set(['p-test'])]));

const impact = (kind: FoundKind, id: string): Impact =>
  impactOf(startOf({ kind, id }, known, rows), known, rows, evaluated);

/** Everything reached, as `depth name`, without counts. */
const things = ({ datasets, trainings, checkpoints, evaluations }: Impact): readonly string[] => [
  ...datasets.map(({ depth, dataset }) => `${depth} dataset ${dataset}`),
  ...trainings.map(({ depth, trainingId }) => `${depth} training ${trainingId}`),
  ...checkpoints.map(({ depth, checkpoint }) => `${depth} checkpoint ${checkpoint}`),
  ...evaluations.map(({ depth, eventId }) => `${depth} evaluation ${eventId}`),
];

const improved = the(first.rows.find((row) => row.bucket === 'SI'));
const feedback = the(improved.sections.find(({ kind }) => kind === 'feedback')).eventId;
const index = first.rows.indexOf(improved);
const stepsWith = (i: number): readonly number[] =>
  (known.steps.get(one.trainingId) ?? []).filter((step) => step.rows.includes(i)).map((step) => step.step);

describe('impact', () => {
  it('of a feedback: its rows, their training, its checkpoint, what that wrote, and on', () => {
    const found = impact('event', feedback);
    expect(things(found)).toEqual([
      `0 dataset ${first.manifest.dataset}`,
      `1 dataset ${second.manifest.dataset}`,
      `1 training ${one.trainingId}`,
      `2 training ${two.trainingId}`,
      `1 checkpoint ${trainedCheckpoint}`,
      `2 checkpoint ${last}`,
      `1 evaluation ${scores[1]}`,
      `2 evaluation ${scores[2]}`,
    ]);
    const [direct, later] = found.datasets;
    const holding = first.rows.filter((row) => row.sections.some(({ eventId }) => eventId === feedback));
    expect(direct?.direct).toBe(direct?.rows);
    expect(direct?.rows).toBeGreaterThanOrEqual(holding.length);
    expect(direct).toMatchObject({ of: first.rows.length, policies: ['tripost'] });
    expect(later).toMatchObject({ of: second.rows.length, direct: 0 });
    expect(later?.rows).toBe(second.rows.filter(({ bucket }) => bucket !== 'GT').length);
    expect(found.generations).toBe(6);
    const [training, next] = found.trainings;
    expect(training).toMatchObject({ base: false, dataset: first.manifest.dataset });
    expect(training?.steps).toBeGreaterThanOrEqual(new Set(stepsWith(index)).size);
    expect(training?.firstStep).toBeLessThanOrEqual(the(stepsWith(index)[0]));
    expect(next).toMatchObject({ base: true, dataset: second.manifest.dataset });
  });

  it('goes from a text to the texts that were made from it, and not back', () => {
    const attempt = the(improved.sections.find(({ kind }) => kind === 'attempt')).eventId;
    const trajectory = known.byTrajectory.get(improved.trajectoryId ?? '') ?? [];
    const generation = the(trajectory.find((id) => known.events.get(id)?.type === 'GenerationProduced'));
    const numbers = [feedback, attempt, generation].map((id) => impact('event', id).events);
    expect(numbers[0]).toBeLessThan(the(numbers[1]));
    expect(numbers[1]).toBeLessThan(the(numbers[2]));
  });

  it('of a row is the row; of a judgement and of a trajectory every row of it', () => {
    const found = impact('row', improved.id);
    expect(found.datasets[0]).toMatchObject({ rows: 1, direct: 1 });
    expect(found.trainings[0]).toMatchObject({ steps: stepsWith(index).length, firstStep: stepsWith(index)[0] });
    const id = improved.trajectoryId ?? '';
    const own = first.rows.filter((row) => row.trajectoryId === id).length;
    const closed = the(ledger.events.find((e) => e.type === 'TrajectoryClosed' && e.data.trajectoryId === id)).id;
    for (const each of [impact('trajectory', id), impact('event', closed)])
      expect(each.datasets[0]).toMatchObject({ dataset: first.manifest.dataset, rows: own });
  });

  it('of a problem: its rows everywhere, and the evaluations that asked it', () => {
    const found = impact('problem', 'p1');
    for (const [dataset, list] of rows)
      expect(found.datasets.find((each) => each.dataset === dataset)?.direct).toBe(
        list.filter(({ problemId }) => problemId === 'p1').length,
      );
    expect(found.evaluations.every(({ by }) => by === 'checkpoint')).toBe(true);
    const leaked = impact('problem', 'p-test');
    expect(things(leaked)).toEqual([...scores].sort().map((id) => `0 evaluation ${id}`));
    expect(leaked.evaluations.every(({ by }) => by === 'problem')).toBe(true);
    expect(things(impact('event', the(known.problems.get('p-test')?.[0])))).toEqual(things(leaked));
  });

  it('of a checkpoint, a training, a dataset, and of the events that tell of them', () => {
    const written = the(ledger.events.find((e) => e.type === 'CheckpointWritten')).id;
    const found = impact('checkpoint', trainedCheckpoint);
    expect(things(found)).toContain(`0 checkpoint ${trainedCheckpoint}`);
    expect(things(found)).toContain(`1 checkpoint ${last}`);
    expect(impact('event', written)).toEqual(found);
    expect(impact('training', one.trainingId)).toEqual(found);
    expect(impact('event', known.trainings.get(one.trainingId)?.eventId ?? '')).toEqual(found);
    const dataset = impact('dataset', first.manifest.dataset);
    expect(dataset.datasets[0]).toMatchObject({ rows: first.rows.length, of: first.rows.length });
    expect(impact('event', one.datasetId)).toEqual(dataset);
  });

  it('of what is in no row is nothing but itself', () => {
    const dropped = the(
      ledger.events.find(
        (e) => e.type === 'TrajectoryClosed' && e.data.outcome === 'discarded' && e.data.updates === 0,
      ),
    );
    expect(things(impact('event', dropped.id))).toEqual([]);
    expect(things(impact('event', 'no-such-event'))).toEqual([]);
  });

  it('does not grow by starting at something it has reached already', () => {
    const ids = ledger.events.map(({ id }) => id);
    fc.assert(
      fc.property(fc.constantFrom(...ids), (id) => {
        const all = new Set(things(impact('event', id)).map((thing) => thing.slice(2)));
        for (const { dataset } of impact('event', id).datasets) expect(all).toContain(`dataset ${dataset}`);
        for (const { checkpoint } of impact('event', id).checkpoints)
          for (const thing of things(impact('checkpoint', checkpoint))) expect(all).toContain(thing.slice(2));
      }),
      { numRuns: 40 },
    );
  });
});
