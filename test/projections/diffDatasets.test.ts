import * as fc from 'fast-check';
import { deriveDataset } from '../../projections/deriveDataset';
import { diffDatasets, longestRun, type DatasetDiff } from '../../projections/diffDatasets';
import type { Policy } from '../../projections/policies/policy';
import { weighCharacters, type Totals } from '../../projections/rowTotals';
import { the } from '../support/events';
import { smallLedger } from '../support/smallLedger';
import { anySpecs, ledgerOf } from './arbitraryLedger';
import { anyPolicy, countSections } from './arbitraryPolicy';
import { policyOf, preset, presetText } from './policyFiles';

const { events } = smallLedger();
const scope = { runId: 'run-a', iteration: 1 };
const derive = (policy: Policy) => deriveDataset(events, policy, { seed: 42, scope });
const against = (a: Policy, b: Policy): DatasetDiff => diffDatasets(derive(a), derive(b), weighCharacters);
const changesOf = ({ differences }: DatasetDiff) => differences.map(({ change }) => change);

const total = (totals: Totals, side: 'a' | 'b', what: 'rows' | 'units' | 'weight'): number =>
  Object.values(totals).reduce((sum, each) => sum + each[side][what], 0);

/** Every row of both is told once, and every way of counting gives the same sums. */
const accounts = (made: DatasetDiff, a: number, b: number): void => {
  const { added, removed, unchanged, reweighted, reordered, reweightedAndReordered } = made.rows;
  const shared = unchanged + reweighted + reordered + reweightedAndReordered;
  expect([made.rows.a, made.rows.b]).toEqual([a, b]);
  expect([shared + removed, shared + added]).toEqual([a, b]);
  expect(made.differences).toHaveLength(added + removed + shared - unchanged);
  expect(new Set(made.differences.map(({ id }) => id)).size).toBe(made.differences.length);
  for (const totals of [made.byBucket, made.byKind, made.byIteration]) {
    expect([total(totals, 'a', 'rows'), total(totals, 'b', 'rows')]).toEqual([a, b]);
    for (const what of ['units', 'weight'] as const)
      for (const side of ['a', 'b'] as const) expect(total(totals, side, what)).toBeCloseTo(made.all[side][what], 6);
    const counted = (key: 'added' | 'removed' | 'reweighted' | 'reordered'): number =>
      Object.values(totals).reduce((sum, each) => sum + each[key], 0);
    expect([counted('added'), counted('removed')]).toEqual([added, removed]);
    expect(counted('reweighted')).toBe(reweighted + reweightedAndReordered);
    expect(counted('reordered')).toBe(reordered + reweightedAndReordered);
  }
};

describe('the difference of two datasets', () => {
  it('accounts for every row of tripost and of tripost with balance.ratio 0.5', () => {
    const half = policyOf(presetText('tripost').replace('ratio: 1.5', 'ratio: 0.5'));
    const [a, b] = [derive(preset('tripost')), derive(half)];
    const made = diffDatasets(a, b, weighCharacters);
    accounts(made, a.rows.length, b.rows.length);
    expect(made.rows).toMatchObject({ removed: 0, unchanged: a.rows.length, added: b.rows.length - a.rows.length });
    expect(made.rows.added).toBeGreaterThan(0);
    for (const { decidedBy, id } of made.differences) {
      const there = the(a.decisions.find(({ candidateId }) => candidateId === id));
      expect(decidedBy).toMatchObject({ rule: there.rule, value: there.value, threshold: there.threshold });
      expect(['balance.not-drawn', 'balance.gold-not-drawn']).toContain(there.rule);
    }
  });

  it('finds weights that differ, section by section', () => {
    const made = against(preset('tripost'), preset('tripost-no-weight'));
    expect(new Set(changesOf(made))).toEqual(new Set(['reweighted']));
    for (const { weights } of made.differences)
      for (const { kind, from, to } of weights)
        expect([['feedback', 'improvement'].includes(kind), from, to]).toEqual([true, 1.5, 1]);
    expect(made.bySection['attempt']?.a).toEqual(made.bySection['attempt']?.b);
    expect(made.bySection['improvement']?.a.weight).toBe(1.5 * (made.bySection['improvement']?.b.weight ?? 0));
  });

  it('finds rows in another order, and no more of them than must move', () => {
    const drawn = policyOf(presetText('tripost').replace('policy: 1\n', 'policy: 1\norder: drawn\n'));
    const made = against(preset('tripost'), drawn);
    expect(new Set(changesOf(made))).toEqual(new Set(['reordered']));
    expect(made.rows.unchanged).toBeGreaterThan(0);
    const { rows } = derive(preset('tripost'));
    const [first, ...others] = rows;
    const moved = diffDatasets(
      { rows, decisions: undefined },
      { rows: [...others, the(first)], decisions: undefined },
      weighCharacters,
    );
    expect(moved.differences.map(({ id, change, from, to }) => [id, change, from, to])).toEqual([
      [first?.id, 'reordered', 0, rows.length - 1],
    ]);
  });

  it('says where a row was no candidate, and where the decisions are gone', () => {
    const whole = against(preset('tripost'), preset('tripost-whole'));
    const split = whole.differences.find(({ change, decidedBy }) => change === 'removed' && decidedBy?.rule === null);
    expect(split?.decidedBy?.detail).toContain('splits it otherwise: whole');
    const gone = diffDatasets(derive(preset('tripost')), { rows: [], decisions: undefined }, weighCharacters);
    expect(gone.differences[0]?.decidedBy?.detail).toContain('decisions of the other dataset are missing');
    const other = deriveDataset(events, preset('tripost'), { seed: 42, scope: { runId: 'run-a', iteration: 2 } });
    const apart = diffDatasets(derive(preset('tripost')), other, weighCharacters).differences;
    expect(apart.find(({ change, iteration }) => change === 'removed' && iteration === 1)?.decidedBy?.detail).toContain(
      'not in the scope',
    );
  });

  it('is nothing between a dataset and itself', () => {
    const made = against(preset('tripost'), preset('tripost'));
    expect([made.differences, made.rows.unchanged]).toEqual([[], made.rows.a]);
  });

  it('accounts for every row of any two policies', () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(anySpecs, anyPolicy, anyPolicy, (specs, one, two) => {
        const ledger = ledgerOf(specs).events;
        const [a, b] = [one, two].map((policy) =>
          deriveDataset(ledger, policy, { seed: 5, countTokens: countSections }),
        );
        accounts(diffDatasets(the(a), the(b), weighCharacters), the(a).rows.length, the(b).rows.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('longestRun', () => {
  /** The longest increasing run, by trying every one. */
  const brute = (places: readonly number[]): number => {
    const best = places.map(() => 1);
    for (const [i, place] of places.entries())
      for (let j = 0; j < i; j++) if ((places[j] ?? 0) < place) best[i] = Math.max(best[i] ?? 1, (best[j] ?? 0) + 1);
    return Math.max(0, ...best);
  };

  it('is increasing, and none is longer', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40), { maxLength: 20 }), (places) => {
        const run = [...longestRun(places)].sort((a, b) => a - b).map((i) => places[i] ?? -1);
        expect(run).toEqual([...run].sort((a, b) => a - b));
        expect(run).toHaveLength(brute(places));
      }),
    );
  });
});
