import { ablationStarted } from '../../events/ablationStarted';
import { scoresOf } from '../../projections/scoreboard';
import { folderName, MetricsCollector } from '../../src/metrics/collectMetrics';
import { addToOutline, emptyOutline } from '../../src/metrics/outline';
import { the } from '../support/events';
import { hostile, planted, plantedLedger } from '../report/plantedAblation';
import { ablationId, events, metricsOf, outline } from './collected';

const firstRun = the([...outline.runs.keys()][0]);
const firstTraining = the([...outline.trainings][0]);

describe('the metrics of an ablation', () => {
  const { runs, calls } = metricsOf();

  it('are those of every cell, a run and its trainings', () => {
    expect(runs.map(({ path }) => path.join('/'))).toEqual(
      [1, 2].flatMap((seed) =>
        ['tripost', folderName(hostile)].flatMap((arm) => [`${arm}/seed-${seed}`, `${arm}/seed-${seed}/iteration-1`]),
      ),
    );
    for (const run of runs) {
      expect(run.id).toMatch(/^[0-9a-f]{32}$/);
      for (const part of run.path) expect(part).toMatch(/^[A-Za-z0-9_=-][A-Za-z0-9._=-]*$/);
      expect(run.kind === 'training' ? runs.find(({ id }) => id === run.parent)?.kind : run.parent).toBe(
        run.kind === 'training' ? 'run' : null,
      );
    }
    expect(new Set(runs.map(({ id }) => id)).size).toBe(runs.length);
  });

  it('have every score by iteration, every step, and the datasets', () => {
    const [run, training] = [the(runs[0]), the(runs[1])];
    const evaluated = events.flatMap((event) => (event.type === 'EvaluationRecorded' ? [event.data] : []));
    for (const iteration of [0, 1]) {
      const scores = scoresOf(the(evaluated[iteration]).items);
      for (const [name, value] of Object.entries(scores)) {
        const points = run.points.filter(({ metric, step }) => metric === `eval/${name}` && step === iteration);
        expect(points.map((point) => point.value)).toEqual(value === null ? [] : [value]);
      }
    }
    expect(run.points.filter(({ metric }) => metric === 'dataset/rows')).toHaveLength(1);
    expect(run.points.map(({ metric }) => metric)).not.toContain('dataset/lost/kept');
    const steps = events.flatMap((event) => (event.type === 'StepRecorded' ? [event.data] : []))[0]?.steps ?? [];
    const losses = training.points.filter(({ metric }) => metric === 'train/loss');
    expect(losses.map(({ step, value }) => [step, value])).toEqual(steps.map(({ step, loss }) => [step, loss]));
    expect(
      training.points.filter(({ metric }) => metric === 'train/sectionLoss/improvement').map(({ step }) => step),
    ).toEqual([1, 3, 5]);
    expect(run.complete).toBe(true);
    expect(calls).toHaveLength(5 + 6 + 5 + 6);
  });

  it('take the time at which the ledger recorded a value', () => {
    const time = Date.parse('2026-11-24T00:00:00.000Z');
    for (const { points, started, ended } of runs) {
      expect([started, ended]).toEqual([time, time]);
      expect(new Set(points.map((point) => point.time))).toEqual(new Set([time]));
    }
  });
});

describe('the metrics of a run and of a training', () => {
  it('are theirs alone', () => {
    expect(metricsOf(firstRun).runs.map(({ path }) => path.join('/'))).toEqual([
      `run-${firstRun}`,
      `run-${firstRun}/iteration-1`,
    ]);
    expect(metricsOf(firstRun).calls).toHaveLength(5);
    const { runs, calls } = metricsOf(firstTraining);
    expect(runs.map(({ path }) => path.join('/'))).toEqual([`training-${firstTraining}`]);
    expect(runs[0]?.points.filter(({ metric }) => metric === 'train/loss')).toHaveLength(5);
    expect(runs[0]?.params).toEqual(
      expect.arrayContaining([
        ['batchSize', '8'],
        ['seed', '1'],
      ]),
    );
    expect(calls).toEqual([]);
  });

  it('are given to each of several cells that share a run', () => {
    const ledger = plantedLedger({ ...planted, axis: [], arms: ['a'], seeds: [1], iterations: 2, steps: 3, items: 4 });
    const runId = the(ledger.events.flatMap((event) => (event.type === 'RunStarted' ? [event.data.runId] : []))[0]);
    const cells = [1, 2].map((iterations) => ({ arm: `iterations=${iterations}`, seed: 1, runId, iterations }));
    const started = {
      ablationId: 'sharing',
      name: 'sharing',
      matrix: {},
      vary: ['iterations'],
      baseline: 'iterations=1',
      cells,
    };
    ledger.add(ablationStarted, started);
    const shared = emptyOutline();
    for (const event of ledger.events) addToOutline(shared, event);
    const collector = new MetricsCollector(shared, 'sharing');
    for (const event of ledger.events) collector.add(event);
    const { runs } = collector.metrics();
    expect(
      runs.map(({ path, points }) => [
        path.join('/'),
        points.filter(({ metric }) => /train.loss|accuracy.total/.test(metric)).length,
      ]),
    ).toEqual([
      ['iterations=1/seed-1', 2],
      ['iterations=1/seed-1/iteration-1', 3],
      ['iterations=2/seed-1', 3],
      ['iterations=2/seed-1/iteration-1', 3],
      ['iterations=2/seed-1/iteration-2', 3],
    ]);
    expect(new Set(runs.map(({ id }) => id)).size).toBe(5);
  });

  it('have folders of their own where names become the same', () => {
    const ledger = plantedLedger({
      ...planted,
      axis: [],
      arms: ['a/b', 'a b', 'A_b'],
      seeds: [1],
      iterations: 0,
      items: 4,
    });
    const own = emptyOutline();
    for (const event of ledger.events) addToOutline(own, event);
    const collector = new MetricsCollector(own, the([...own.ablations.keys()][0]));
    const paths = collector.metrics().runs.map(({ path }) => path.join('/').toLowerCase());
    expect(new Set(paths).size).toBe(3);
  });

  it('knows nothing of an id that is none of the ledger', () => {
    expect(metricsOf('nothing').runs).toEqual([]);
    expect(metricsOf(ablationId).runs.length).toBeGreaterThan(0);
  });
});
