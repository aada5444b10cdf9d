import { deriveDataset } from '../../../projections/deriveDataset';
import { keptBeside } from '../../../projections/policies/balance';
import { addTrajectory, LedgerBuilder, pose, sum } from '../../support/builders';
import { policyOf, preset } from '../policyFiles';

/** A ledger with so many one-update and right-first trajectories in one pass, and a gold rationale for each problem. */
const mixed = (si: number, right: number, gold: number, passes = 1): LedgerBuilder => {
  const ledger = new LedgerBuilder();
  for (let n = 1; n <= Math.max(si + right, gold); n++) pose(ledger, sum(n), { gold: n <= gold });
  for (let pass = 0; pass < passes; pass++) {
    for (let n = 1; n <= si; n++)
      addTrajectory(ledger, { pass, sum: sum(n), says: [11 * n + 1 + pass, 11 * n], outcome: 'solved' });
    for (let n = si + 1; n <= si + right; n++) addTrajectory(ledger, { pass, sum: sum(n), says: [11 * n] });
  }
  return ledger;
};
const counts = (ledger: LedgerBuilder, text: string) =>
  deriveDataset(ledger.events, policyOf(text), { seed: 7 }).manifest;
const base = (ratio: number, rest = ''): string => `
policy: 1
name: test
select: { sources: [trajectories, gold] }
admit: { dedup: none }
balance: { ratio: ${ratio}, gold: match }
${rest}`;

describe('fact sheet §7.1', () => {
  it.each([
    [30, 200, 1.5, 20],
    [31, 200, 1.5, 21],
    [30, 10, 1.5, 10],
    [30, 200, 1, 30],
    [30, 200, -1, 200],
    [30, 200, 0, 200],
    [0, 50, 1.5, 0],
    [33, 200, 1.1, 30],
  ])('%d x_SI, %d x_T, r = %d: %d x_T stay', (si, available, ratio, kept) => {
    expect(keptBeside(si, available, ratio)).toBe(kept);
  });

  // Every solved trajectory with one update gives an x_SI and an x_T.
  it.each([
    [30, { SI: 30, T: 20, GT: 20 }, 0.4286],
    [31, { SI: 31, T: 21, GT: 21 }, 0.4247],
  ])('K = %d gives the mix', (k, byBucket, p) => {
    const manifest = counts(mixed(k, 20, 60), base(1.5));
    expect(manifest.byBucket).toEqual(byBucket);
    expect((manifest.byBucket['SI'] ?? 0) / manifest.rows).toBeCloseTo(p, 4);
  });

  it.each([
    [0.1, 0.0476],
    [0.5, 0.2],
    [1, 0.3333],
    [1.5, 0.4286],
    [2.5, 0.5556],
  ])('r = %d aims at p = %d', (ratio, p) => {
    const k = 30;
    const t = keptBeside(k, Number.MAX_SAFE_INTEGER, ratio);
    expect(k / (k + 2 * t)).toBeCloseTo(p, 4);
  });

  it('gives an empty set when there is no x_SI', () => {
    const manifest = counts(mixed(0, 10, 10), base(1.5));
    expect(manifest).toMatchObject({
      rows: 0,
      byBucket: {},
      byReason: { 'balance.not-drawn': 10, 'balance.gold-not-drawn': 10 },
    });
  });

  it('takes no more gold than there is', () => {
    expect(counts(mixed(12, 4, 3), base(1.5)).byBucket).toEqual({ SI: 12, T: 8, GT: 3 });
  });
});

it('balances each pass, or the iteration as one', () => {
  const ledger = mixed(4, 4, 0, 2); // per pass ceil(4 / 1.5) = 3, together ceil(8 / 1.5) = 6
  expect(counts(ledger, base(1.5)).byBucket['T']).toBe(6);
  const uneven = mixed(2, 2, 0, 2); // per pass ceil(2 / 1.5) = 2, together ceil(4 / 1.5) = 3
  expect(counts(uneven, base(1.5)).byBucket['T']).toBe(4);
  expect(counts(uneven, base(1.5).replace('gold: match', 'gold: match, within: iteration')).byBucket['T']).toBe(3);
});

describe('limits', () => {
  it('softly: no pass is begun once there are enough rows, the last one is kept whole, gold is not counted', () => {
    const ledger = mixed(6, 0, 6, 3); // 6 + 4 rows a pass
    const soft = counts(ledger, base(1.5, 'limit: { rows: 11 }'));
    expect(soft.byBucket).toEqual({ SI: 12, T: 8, GT: 6 });
    expect(soft.byReason['limit.soft']).toBe(12);
    expect(counts(ledger, base(1.5, 'limit: { rows: 20 }')).byBucket['SI']).toBe(12);
    expect(counts(ledger, base(1.5, 'limit: { rows: 21 }')).byBucket['SI']).toBe(18);
  });

  it('hard: exactly so many, by draw', () => {
    const hard = counts(mixed(6, 0, 6), base(1.5, 'limit: { rows: 5, kind: hard }'));
    expect(hard.rows).toBe(5);
    expect(hard.byReason['limit.hard']).toBe(9);
  });

  it('says when there are too few rows, and gives them all the same', () => {
    expect(counts(mixed(6, 0, 6), base(1.5, 'limit: { min: 15 }'))).toMatchObject({ rows: 14, enough: false, min: 15 });
    expect(counts(mixed(6, 0, 6), base(1.5, 'limit: { min: 14 }'))).toMatchObject({ rows: 14, enough: true });
  });
});

it('draws per candidate: another problem changes nobody’s draw, and only the rank can move', () => {
  const order = (ledger: LedgerBuilder): readonly string[] =>
    deriveDataset(ledger.events, preset('tripost'), { seed: 3 })
      .decisions.filter((d) => d.bucket === 'T')
      .filter((d) => d.kept || d.rule === 'balance.not-drawn')
      .sort((a, b) => Number(a.value) - Number(b.value))
      .map((d) => d.candidateId);
  const small = order(mixed(8, 8, 16));
  const large = order(mixed(8, 9, 17));
  expect(large).toHaveLength(small.length + 1);
  expect(large.filter((id) => small.includes(id))).toEqual(small);
  const reseeded = deriveDataset(mixed(8, 8, 16).events, preset('tripost'), { seed: 4 }).decisions;
  expect(reseeded.filter((d) => d.value === 1).map((d) => d.candidateId)).not.toEqual([small[0]]);
});
