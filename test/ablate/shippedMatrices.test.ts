import { readFileSync } from 'node:fs';
import { canonicalJson } from '../../events/digest';
import { planAblation, type Ablation } from '../../src/ablate/ablate';
import { armsOf, type Matrix } from '../../src/ablate/matrix';
import { sharesOf, workOf, type Share } from '../../src/ablate/plan';
import { cellLoader, loadMatrix, matrixPath, shippedMatrices } from '../../src/cli/matrixFile';
import { must } from '../support/events';

const families = ['ablation', 'keep-old-data', 'leaderboard', 'main-table', 'p-sweep'] as const;
/** Small ones alone. */
const others = ['data-scaling', 'leave-one-class-out', 'script-or-model', 'smoke'] as const;
/** Asks a served model. */
const served = 'script-or-model';
const tasks = ['multistep-arithmetic', 'word-sorting'] as const;

const planOf = (name: string): { readonly matrix: Matrix; readonly plan: Ablation } => {
  const path = matrixPath(name);
  const matrix = loadMatrix(path, []);
  return { matrix, plan: must(planAblation(matrix, cellLoader(path, matrix))) };
};

const shareOf = ({ cells }: Ablation, kind: Share['kind']): readonly [number, number] => {
  const found = sharesOf(cells.map(({ input }) => workOf(input))).find((share) => share.kind === kind);
  return [found?.pieces ?? 0, found?.once ?? 0];
};

it('are these', () => {
  const full = families.flatMap((family) => tasks.map((task) => `${family}-full-${task}`));
  expect(shippedMatrices()).toEqual([...families, ...full, ...others].sort());
});

describe.each(shippedMatrices())('%s', (name) => {
  it('names itself, the schema and what it is of', () => {
    const text = readFileSync(matrixPath(name), 'utf8');
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\.\/matrix\.schema\.json\n# /);
    expect(text).toContain(`\nname: ${name}\n`);
    expect(text).toContain('arXiv 2310.13522');
  });

  it('can be planned: arms differ in one setting and in nothing else', () => {
    const { matrix, plan } = planOf(name);
    expect(plan.started.vary).toEqual([name === served ? 'collect.editor' : 'policy']);
    expect(plan.cells).toHaveLength(armsOf(matrix).length * matrix.seeds.length);
    expect(new Set(plan.cells.map(({ runId }) => runId)).size).toBe(plan.cells.length);
  });

  it('shares the base, and the first collection of every seed', () => {
    const { matrix, plan } = planOf(name);
    const collecting = plan.cells.filter(({ input }) => input.policy.select.sources.includes('trajectories'));
    const [collections, once] = shareOf(plan, 'collect');
    const iterations = plan.cells[0]?.input.config.iterations ?? 0;
    expect(collections).toBe(collecting.length * iterations);
    // The first iteration's is one for all arms of a seed, if they have one editor; later ones are by students of their own.
    const editors = name === served ? 2 : 1;
    expect(once).toBe(editors * matrix.seeds.length + collecting.length * (iterations - 1));
    const [bases, basesOnce] = shareOf(plan, 'base');
    expect(basesOnce).toBe(Math.min(1, bases));
  });
});

describe.each(families)('%s', (family) => {
  it('has the same arms, baseline and metrics small and whole', () => {
    const { matrix: small } = planOf(family);
    for (const task of tasks) {
      const { matrix, plan } = planOf(`${family}-full-${task}`);
      expect(armsOf(matrix)).toEqual(armsOf(small));
      expect([matrix.baseline, matrix.metrics]).toEqual([small.baseline, small.metrics]);
      expect(matrix.seeds).toEqual([1, 2, 3, 4, 5]);
      const iterations = family === 'leaderboard' ? 1 : 3;
      for (const { input } of plan.cells)
        expect([input.task.name, input.config.iterations]).toEqual([task, iterations]);
    }
  });
});

it('the sweep is over the shares of the paper', () => {
  const { matrix, plan } = planOf('p-sweep');
  const shares = plan.cells
    .filter(({ cell }) => cell.seed === matrix.seeds[0])
    .map(({ input: { policy } }) => Number((policy.balance.ratio / (policy.balance.ratio + 2)).toFixed(2)));
  expect(shares).toEqual([0.05, 0.2, 0.43, 0.56, 0.7]);
  expect(plan.cells.find(({ cell }) => cell.arm.name === matrix.baseline)?.input.policy.name).toBe('tripost');
});

it('old data make another dataset from the second iteration on only', () => {
  const { plan } = planOf('keep-old-data');
  const trainings = plan.cells.filter(({ cell }) => cell.seed === 1).map(({ input }) => workOf(input));
  expect(trainings).toHaveLength(2);
  const [collections, once] = shareOf(plan, 'collect');
  expect([collections, once]).toEqual([8, 6]);
});

it('the leaderboard is of one collection a seed, made into rows in as many ways as there are arms', () => {
  const { matrix, plan } = planOf('leaderboard');
  const policies = new Set(plan.cells.map(({ input }) => canonicalJson(input.policy)));
  expect(policies.size).toBe(armsOf(matrix).length);
  expect(shareOf(plan, 'collect')[1]).toBe(matrix.seeds.length);
});

it('a class is left out of what is trained on, never of what is asked', () => {
  const { plan } = planOf('leave-one-class-out');
  const left = plan.cells
    .filter(({ cell }) => cell.seed === 1)
    .map(({ input }) => input.policy.select.withoutCells ?? []);
  expect(left).toEqual([[], ['2 words'], ['3 words']]);
  expect(new Set(plan.cells.map(({ input }) => canonicalJson({ ...input.config.task }))).size).toBe(1);
});

it('the sizes of the data are hard limits on rows', () => {
  const { plan } = planOf('data-scaling');
  const limits = plan.cells.filter(({ cell }) => cell.seed === 1).map(({ input }) => input.policy.limit);
  expect(limits.map(({ rows }) => rows)).toEqual([125, 250, 500, 1000]);
  expect(new Set(limits.map(({ kind }) => kind))).toEqual(new Set(['hard']));
});
