import { labelGiven } from '../../../events/labelGiven';
import { deriveDataset } from '../../../projections/deriveDataset';
import { explain } from '../../../projections/explain';
import { project } from '../../../projections/projection';
import { trajectories } from '../../../projections/trajectories';
import { addTrajectory, LedgerBuilder, pose, sum } from '../../support/builders';
import { policyOf } from '../policyFiles';

const ledger = new LedgerBuilder();
const ids = [1, 2, 3, 4].map((n) => {
  pose(ledger, sum(n));
  return addTrajectory(ledger, { sum: sum(n), says: [0, 11 * n] });
});
const note = (n: number, label: string, by: string, value: boolean | string = true): void => {
  const found = ledger.events.find((e) => e.type === 'ImprovementProduced' && e.data.trajectoryId === ids[n - 1]);
  ledger.add(labelGiven, { eventId: found?.id ?? '', label, value, by, supersedes: null });
};
note(1, 'good', 'ana');
note(2, 'good', 'ben');
note(3, 'good', 'ana', false);
note(3, 'odd', 'ben');

const all = project(trajectories, ledger.events);
const decide = (admit: string) => {
  const policy = policyOf(`{ policy: 1, name: x, admit: ${admit} }`);
  const derivation = { all, policy, options: { seed: 1 } };
  const { decisions } = deriveDataset(all, policy, { seed: 1 });
  const own = (n: number) => decisions.filter(({ trajectoryId }) => trajectoryId === ids[n - 1]);
  return {
    rules: [1, 2, 3, 4].map((n) => own(n)[0]?.rule),
    proposal: (n: number) => explain(derivation, own(n))[0]?.change,
    own,
  };
};

describe('labels that are needed', () => {
  it('admit what carries one with the value true', () => {
    const { rules, own } = decide('{ withLabels: [good, fine] }');
    expect(rules).toEqual(['kept', 'kept', 'admit.label-missing', 'admit.label-missing']);
    expect(own(3)[0]).toMatchObject({ value: 'odd', threshold: 'fine, good' });
    expect(own(4)[0]).toMatchObject({ value: null, threshold: 'fine, good' });
  });

  it('count only of those who are named', () => {
    expect(decide('{ withLabels: good, labelsBy: ana }').rules).toEqual([
      'kept',
      'admit.label-missing',
      'admit.label-missing',
      'admit.label-missing',
    ]);
    expect(decide('{ withoutLabels: [good, odd], labelsBy: ben }').rules).toEqual([
      'kept',
      'admit.label',
      'admit.label',
      'kept',
    ]);
  });

  it('are told with the least change that lets one in', () => {
    const by = decide('{ withLabels: good, labelsBy: ana }');
    expect(by.proposal(2)).toMatchObject({ kind: 'change', changes: [{ setting: 'admit.labelsBy', to: null }] });
    expect(by.proposal(4)).toMatchObject({ changes: [{ setting: 'admit.withLabels', from: ['good'], to: [] }] });
    const any = decide('{ withLabels: good }');
    expect(any.proposal(3)).toMatchObject({ changes: [{ setting: 'admit.withLabels', to: ['good', 'odd'] }] });
  });
});
