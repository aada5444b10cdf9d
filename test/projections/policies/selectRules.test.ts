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
