import { deriveDataset } from '../../../projections/deriveDataset';
import { explain } from '../../../projections/explain';
import { project } from '../../../projections/projection';
import { trajectories } from '../../../projections/trajectories';
import { addTrajectory, LedgerBuilder, pose, sum, type TrajectorySpec } from '../../support/builders';
import { policyOf } from '../policyFiles';

const decide = (specs: readonly TrajectorySpec[], split: string) => {
  const ledger = new LedgerBuilder();
  for (const spec of specs) {
    pose(ledger, spec.sum);
    addTrajectory(ledger, spec);
  }
  const all = project(trajectories, ledger.events);
  const policy = policyOf(`{ policy: 1, name: x, admit: { outcomes: [solved, discarded] }, split: ${split} }`);
  const { decisions } = deriveDataset(all, policy, { seed: 1 });
  return { decisions, explained: explain({ all, policy, options: { seed: 1 } }, decisions) };
};

describe('rows by what the update did to the answer', () => {
  // wrong, wrong, right, wrong, right: each of the four changes but right-to-right; and one that stays right.
  const specs = [
    { sum: sum(1), says: [1, 2, 11, 3, 11] },
    { sum: sum(2), says: [22, 22] },
  ];

  it('are kept by the verifier, as the policy says', () => {
    const { decisions } = decide(specs, '{ keep: SI, changes: [wrong-to-right, right-to-right] }');
    expect(decisions.filter(({ kind }) => kind === 'SI').map(({ rule, value }) => [rule, value])).toEqual([
      ['split.change', 'wrong-to-wrong'],
      ['kept', null],
      ['split.change', 'right-to-wrong'],
      ['kept', null],
      ['kept', null],
    ]);
    expect(decisions.find(({ rule }) => rule === 'split.change')?.threshold).toBe('right-to-right, wrong-to-right');
  });

  it('are about updates alone', () => {
    const { decisions } = decide(specs, '{ changes: [] }');
    expect(decisions.filter(({ kind }) => kind === 'SI').every(({ rule }) => rule === 'split.change')).toBe(true);
    expect(decisions.filter(({ kind }) => kind === 'T-edited').map(({ rule }) => rule)).toEqual(['kept', 'kept']);
  });

  it('are told with the change that lets one in', () => {
    const { explained } = decide(specs, '{ keep: SI, changes: wrong-to-right }');
    const flipped = explained.find(({ rules }) =>
      rules.some((r) => r.rule === 'split.change' && r.value === 'right-to-wrong'),
    );
    expect(flipped?.change).toMatchObject({
      changes: [{ setting: 'split.changes', from: ['wrong-to-right'], to: ['right-to-wrong', 'wrong-to-right'] }],
    });
  });
});

describe('rows of the first attempts', () => {
  it('are counted from 1 by the attempt that a row begins with', () => {
    const { decisions, explained } = decide([{ sum: sum(1), says: [1, 2, 3, 11] }], '{ steps: 2 }');
    const own = decisions.filter(({ trajectoryId }) => trajectoryId !== null);
    expect(own.map(({ kind, rule, value, threshold }) => [kind, rule, value, threshold])).toEqual([
      ['SI', 'kept', null, null],
      ['SI', 'kept', null, null],
      ['SI', 'split.step', 3, 2],
      ['T-edited', 'split.step', 4, 2],
    ]);
    expect(explained[3]?.change).toMatchObject({ changes: [{ setting: 'split.steps', from: 2, to: 4 }] });
  });

  it('leave gold alone', () => {
    const ledger = new LedgerBuilder();
    pose(ledger, sum(1));
    const policy = policyOf('{ policy: 1, name: x, select: { sources: gold }, split: { steps: 1 } }');
    expect(deriveDataset(ledger.events, policy, { seed: 1 }).rows).toHaveLength(1);
  });
});
