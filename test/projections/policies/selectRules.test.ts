import { deriveDataset } from '../../../projections/deriveDataset';
import { explain } from '../../../projections/explain';
import { project } from '../../../projections/projection';
import { trajectories } from '../../../projections/trajectories';
import { addTrajectory, LedgerBuilder, pose, sum, type TrajectorySpec } from '../../support/builders';
import { policyOf } from '../policyFiles';

const decide = (specs: readonly TrajectorySpec[], settings: string) => {
  const ledger = new LedgerBuilder();
  for (const spec of specs) pose(ledger, spec.sum);
  const ids = specs.map((spec) => addTrajectory(ledger, spec));
  const all = project(trajectories, ledger.events);
  const policy = policyOf(`{ policy: 1, name: x, ${settings} }`);
  const { decisions } = deriveDataset(all, policy, { seed: 1 });
  const own = (n: number) => decisions.filter(({ trajectoryId }) => trajectoryId === ids[n]);
  return {
    rules: ids.map((_, n) => own(n)[0]?.rule),
    own,
    proposal: (n: number) => explain({ all, policy, options: { seed: 1 } }, own(n))[0]?.change,
  };
};

describe('the iterations that are taken', () => {
  const specs = [1, 2, 3].map((n) => ({ iteration: n, sum: sum(n), says: [11 * n] }));

  it('are a range with both ends', () => {
    const { rules, own, proposal } = decide(specs, 'select: { fromIteration: 2, toIteration: 2 }');
    expect(rules).toEqual(['select.iteration', 'kept', 'select.iteration']);
    expect(own(2)[0]).toMatchObject({ value: 3, threshold: '2 to 2' });
    expect(proposal(0)).toMatchObject({ changes: [{ setting: 'select.fromIteration', from: 2, to: 1 }] });
    expect(proposal(2)).toMatchObject({ changes: [{ setting: 'select.toIteration', from: 2, to: 3 }] });
  });

  it('or one end', () => {
    expect(decide(specs, 'select: { fromIteration: 2 }').rules).toEqual(['select.iteration', 'kept', 'kept']);
    expect(decide(specs, 'select: { toIteration: 2 }').own(2)[0]?.threshold).toBe('first to 2');
  });
});

describe('the teachers', () => {
  const by = (n: number, name: string): TrajectorySpec => ({
    sum: sum(n),
    says: [11 * n],
    attemptAuthor: 'teacher',
    model: { kind: 'endpoint', name },
  });
  const specs: readonly TrajectorySpec[] = [by(1, 'large'), by(2, 'small'), { sum: sum(3), says: [33] }];

  it('are models by name; a trajectory that needed none passes', () => {
    const { rules, own, proposal } = decide(specs, 'select: { teachers: large }');
    expect(rules).toEqual(['kept', 'select.teacher', 'kept']);
    expect(own(1)[0]).toMatchObject({ value: 'small', threshold: 'large' });
    expect(proposal(1)).toMatchObject({ changes: [{ setting: 'select.teachers', to: ['large', 'small'] }] });
  });

  it('none: only what has no call of a teacher', () => {
    expect(decide(specs, 'select: { teachers: [] }').rules).toEqual(['select.teacher', 'select.teacher', 'kept']);
  });
});

describe('what is left out', () => {
  const by = (name: string): Pick<TrajectorySpec, 'attemptAuthor' | 'model'> => ({
    attemptAuthor: 'teacher',
    model: { kind: 'endpoint', name },
  });
  const specs: readonly TrajectorySpec[] = [
    { sum: sum(1), says: [11], ...by('large') },
    { sum: { ...sum(2), cell: 'three' }, says: [22] },
    { sum: sum(3), says: [33], iteration: 2 },
  ];

  it('is an iteration, a teacher or a class of problems; the others stay', () => {
    const found = (settings: string) => decide(specs, `select: { ${settings} }`);
    const iteration = found('iterations: through, withoutIterations: [7, 2, 7]');
    expect(iteration.rules).toEqual(['kept', 'kept', 'select.left-out']);
    expect(iteration.own(2)[0]).toMatchObject({ value: 2, threshold: 'not 2, 7' });
    expect(iteration.proposal(2)).toMatchObject({ changes: [{ setting: 'select.withoutIterations', to: [7] }] });
    const teacher = found('withoutTeachers: large');
    expect(teacher.rules).toEqual(['select.left-out', 'kept', 'kept']);
    expect(teacher.own(0)[0]).toMatchObject({ value: 'large', threshold: 'not large' });
    const cell = found('withoutCells: three');
    expect(cell.rules).toEqual(['kept', 'select.left-out', 'kept']);
    expect(cell.proposal(1)).toMatchObject({ changes: [{ setting: 'select.withoutCells', from: ['three'], to: [] }] });
  });

  it('by all three: as many changes as there are reasons', () => {
    const all = 'iterations: through, withoutIterations: [1], withoutTeachers: large, withoutCells: two';
    const { rules, proposal } = decide(specs, `select: { ${all} }`);
    expect(rules).toEqual(['select.left-out', 'select.left-out', 'select.left-out']);
    expect(proposal(0)).toMatchObject({
      changes: [
        { setting: 'select.withoutIterations', to: [] },
        { setting: 'select.withoutTeachers', to: [] },
        { setting: 'select.withoutCells', to: [] },
      ],
    });
  });

  it('gold rationales too, by the class of their problem alone', () => {
    const ledger = new LedgerBuilder();
    for (const one of [sum(1), { ...sum(2), cell: 'three' }]) pose(ledger, one);
    const all = project(trajectories, ledger.events);
    const left = 'withoutCells: three, withoutIterations: [1], withoutTeachers: large';
    const policy = policyOf(`{ policy: 1, name: x, select: { sources: gold, ${left} } }`);
    const { decisions, rows } = deriveDataset(all, policy, { seed: 1 });
    expect(decisions.map(({ rule }) => rule).sort()).toEqual(['kept', 'select.left-out']);
    expect(rows.map(({ problemId }) => problemId)).toEqual([sum(1).problemId]);
  });
});

describe('log-probabilities', () => {
  const specs: readonly TrajectorySpec[] = [
    { sum: sum(1), says: [11], logprobs: [-0.25, -0.75] },
    { sum: sum(2), says: [22], logprobs: [-0.25, -1.75] },
    { sum: sum(3), says: [33] },
    { sum: sum(4), says: [44], logprobs: [] },
  ];

  it('are the mean over the tokens of the call that wrote the first attempt', () => {
    const { rules, own, proposal } = decide(specs, 'admit: { minLogprob: -0.5 }');
    expect(rules).toEqual(['kept', 'admit.min-logprob', 'admit.min-logprob', 'admit.min-logprob']);
    expect([1, 2, 3].map((n) => own(n)[0]?.value)).toEqual([-1, null, null]);
    expect(own(2)[0]).toMatchObject({ threshold: -0.5, detail: 'no log-probabilities' });
    expect(proposal(1)).toMatchObject({ changes: [{ setting: 'admit.minLogprob', from: -0.5, to: -1 }] });
    expect(proposal(2)).toMatchObject({ changes: [{ setting: 'admit.minLogprob', to: null }] });
  });
});

describe('updates', () => {
  it('are counted', () => {
    const specs = [[11], [0, 22], [0, 1, 33]].map((says, i) => ({ sum: sum(i + 1), says }));
    const { rules, own, proposal } = decide(specs, 'admit: { maxUpdates: 1 }');
    expect(rules).toEqual(['kept', 'kept', 'admit.max-updates']);
    expect(own(2)[0]).toMatchObject({ value: 2, threshold: 1 });
    expect(proposal(2)).toMatchObject({ changes: [{ setting: 'admit.maxUpdates', from: 1, to: 2 }] });
    expect(decide(specs, 'admit: { maxUpdates: 0 }').rules).toEqual(['kept', 'admit.max-updates', 'admit.max-updates']);
  });
});
