import * as fc from 'fast-check';
import { normals, words } from '../../../projections/random';
import { bootstrapInterval, quantile } from '../../../projections/statistics/bootstrap';
import { adjusted, compareArms } from '../../../projections/statistics/compare';
import { holm } from '../../../projections/statistics/holm';
import { mcnemar } from '../../../projections/statistics/mcnemar';
import type { PairedSeed } from '../../../projections/statistics/paired';
import { signFlipTest } from '../../../projections/statistics/signFlip';

/**
 * A simulated comparison: students of a seed share its luck, items their difficulty; `effect` is added to the chance that
 * the other arm is right. Every draw is keyed, so every figure below is the same on every machine.
 */
const simulated = (
  experiment: number,
  {
    seeds,
    items,
    effect,
    luck,
  }: { readonly seeds: number; readonly items: number; readonly effect: number; readonly luck: number },
): readonly PairedSeed[] => {
  const drawn = words(['simulated', experiment], items * (1 + 2 * seeds));
  const deviates = normals(['simulated', experiment], 2 * seeds);
  let at = 0;
  const next = (): number => (drawn[at++] ?? 0) / 0x100000000;
  const difficulty = Array.from({ length: items }, () => 0.2 + 0.6 * next());
  return Array.from({ length: seeds }, (_, seed) => {
    // Each arm's student has luck of its own: seeds are a source of variance of the difference.
    const [a, b] = [(deviates[2 * seed] ?? 0) * luck, (deviates[2 * seed + 1] ?? 0) * luck];
    const answer = (p: number): number => (next() < p ? 1 : 0);
    return {
      seed,
      baseline: difficulty.map((p) => answer(p + a)),
      other: difficulty.map((p) => answer(p + b + effect)),
    };
  });
};

describe('two-sided tests', () => {
  it('McNemar: known values of the binomial tail', () => {
    const pair = (lost: number, won: number): PairedSeed => ({
      seed: 1,
      baseline: [...Array.from({ length: lost }, () => 1), ...Array.from({ length: won }, () => 0), 1, 0],
      other: [...Array.from({ length: lost }, () => 0), ...Array.from({ length: won }, () => 1), 1, 0],
    });
    expect(mcnemar(pair(0, 0))).toEqual({ lost: 0, won: 0, p: 1 });
    expect(mcnemar(pair(1, 9)).p).toBeCloseTo(22 / 1024, 12);
    expect(mcnemar(pair(9, 1)).p).toBeCloseTo(22 / 1024, 12);
    expect(mcnemar(pair(5, 5)).p).toBe(1);
    expect(mcnemar(pair(40, 80)).p).toBeCloseTo(0.000330400018391107, 15);
  });

  it('sign flips: all assignments of few values, by hand', () => {
    expect(signFlipTest([1, 1, 1, 1, 1], [1])).toEqual({ p: 2 / 32, smallest: 2 / 32, exact: true });
    expect(signFlipTest([3, 1, -1], [1]).p).toBe(6 / 8);
    expect(signFlipTest([0, 0], [1])).toEqual({ p: 1, smallest: 1, exact: true });
    expect(signFlipTest([0.1, 0.2, -0.3], [1]).p).toBe(1);
  });

  it('sign flips: drawn assignments agree with all of them', () => {
    const values = Array.from({ length: 15 }, (_, i) => (i % 3 === 0 ? -1 : 1) * (1 + (i % 5)));
    const seen = Math.abs(values.reduce((sum, value) => sum + value, 0));
    let far = 0;
    for (let signs = 0; signs < 2 ** 15; signs++) {
      const sum = values.reduce((total, value, i) => total + ((signs >>> i) & 1 ? -value : value), 0);
      if (Math.abs(sum) >= seen) far += 1;
    }
    const drawn = signFlipTest(values, [1], 40000);
    expect(drawn.exact).toBe(false);
    expect(Math.abs(drawn.p - far / 2 ** 15)).toBeLessThan(0.01);
  });

  it('do not care which arm is called the baseline', () => {
    const bits = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 1 })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(bits, (pairs) => {
        const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
        expect(mcnemar({ seed: 1, baseline: a, other: b }).p).toBe(mcnemar({ seed: 1, baseline: b, other: a }).p);
        const differences = pairs.map(([x, y]) => y - x);
        const flipped = differences.map((d) => 0 - d);
        expect(signFlipTest(differences, [1], 200).smallest).toBe(signFlipTest(flipped, [1], 200).smallest);
      }),
    );
  });
});

describe('Holm', () => {
  it('the textbook example', () => {
    const ps = holm([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((p, i) => expect(ps[i]).toBeCloseTo(p, 12));
    expect(holm([0.5, 0.9])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });

  it('never below a p-value, never above Bonferroni, in the same order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }), (ps) => {
        const all = holm(ps);
        ps.forEach((p, i) => {
          expect(all[i]).toBeGreaterThanOrEqual(p);
          expect(all[i]).toBeLessThanOrEqual(Math.min(1, p * ps.length));
          expect(ps.flatMap((q, j) => (p < q && (all[i] ?? 2) > (all[j] ?? 0) ? [q] : []))).toEqual([]);
        });
      }),
    );
  });
});

describe('the interval', () => {
  it('has the quantiles of R and NumPy', () => {
    const values = [1, 2, 4, 8, 16];
    expect([0, 0.1, 0.25, 0.5, 0.9, 1].map((q) => quantile(values, q))).toEqual([1, 1.4, 2, 4, 12.8, 16]);
  });

  it('is the same under the same key, and moves with the data', () => {
    const pairs = simulated(1, { seeds: 3, items: 40, effect: 0.1, luck: 0.05 });
    expect(bootstrapInterval(pairs, [7])).toEqual(bootstrapInterval(pairs, [7]));
    expect(bootstrapInterval(pairs, [8])).not.toEqual(bootstrapInterval(pairs, [7]));
    const better = pairs.map((seed) => ({ ...seed, other: seed.other.map((v) => v + 1) }));
    const [was, is] = [bootstrapInterval(pairs, [7]), bootstrapInterval(better, [7])];
    expect(is.low - was.low).toBeCloseTo(1, 12);
    expect(is.high - was.high).toBeCloseTo(1, 12);
  });

  it('is one point where nothing varies', () => {
    const same = [1, 2].map((seed) => ({ seed, baseline: [0, 0, 0], other: [1, 1, 1] }));
    expect(bootstrapInterval(same, [1], { replicates: 100 })).toMatchObject({ low: 1, high: 1 });
  });

  it('covers the true difference about as often as it says, seeds and items both varying', () => {
    let covered = 0;
    const runs = 200;
    for (let run = 0; run < runs; run++) {
      const pairs = simulated(run, { seeds: 5, items: 100, effect: 0.05, luck: 0.04 });
      const { low, high } = bootstrapInterval(pairs, [run], { replicates: 400 });
      if (low <= 0.05 && 0.05 <= high) covered += 1;
    }
    expect(covered / runs).toBeGreaterThan(0.9);
    expect(covered / runs).toBeLessThanOrEqual(1);
  });
});

describe('a comparison of arms', () => {
  it('finds nothing more often than it says where there is nothing', () => {
    let [overItems, overSeeds] = [0, 0];
    const runs = 300;
    for (let run = 0; run < runs; run++) {
      const pairs = simulated(run, { seeds: 6, items: 60, effect: 0, luck: 0 });
      const differences = pairs.map((seed) => seed.other.map((v, i) => v - (seed.baseline[i] ?? 0)));
      const means = differences.map((d) => d.reduce((sum, v) => sum + v, 0) / d.length);
      const items = pairs[0]?.baseline.map((_, i) => differences.reduce((sum, d) => sum + (d[i] ?? 0), 0)) ?? [];
      if (signFlipTest(items, [run], 400).p <= 0.05) overItems += 1;
      if (signFlipTest(means, [run]).p <= 0.05) overSeeds += 1;
    }
    // 5 % of 300 is 15; three standard deviations more is 26.
    expect(overItems).toBeLessThanOrEqual(26);
    expect(overSeeds).toBeLessThanOrEqual(26);
  });

  it('finds a planted effect of ten points in five seeds of 200 items four times in five, and its size', () => {
    let [found, off] = [0, 0];
    const runs = 20;
    for (let run = 0; run < runs; run++) {
      const compared = compareArms(simulated(run, { seeds: 5, items: 200, effect: 0.1, luck: 0.02 }), [run]);
      if (compared.interval.low > 0 && compared.overItems.p < 0.05) found += 1;
      off = Math.max(off, Math.abs(compared.difference - 0.1));
    }
    expect(found / runs).toBeGreaterThanOrEqual(0.8);
    expect(off).toBeLessThan(0.07);
  });

  it('tells both arms, each seed, and how large the effect is', () => {
    const compared = compareArms(
      [
        { seed: 3, baseline: [0, 0, 1, 1], other: [1, 1, 1, 0] },
        { seed: 4, baseline: [0, 1, 0, 1], other: [1, 1, 1, 1] },
      ],
      [1],
    );
    expect(compared).toMatchObject({ seeds: 2, items: 4, baseline: 0.5, other: 0.875, difference: 0.375 });
    expect(compared.effect).toBeCloseTo(2 * Math.asin(Math.sqrt(0.875)) - Math.PI / 2, 12);
    expect(compared.perSeed.map(({ seed, lost, won }) => [seed, lost, won])).toEqual([
      [3, 1, 2],
      [4, 0, 2],
    ]);
    expect(compared.overSeeds).toEqual({ p: 0.5, smallest: 0.5, exact: true });
    expect(adjusted([compared, compared]).map((p) => p.overSeeds)).toEqual([1, 1]);
  });

  it('refuses arms that do not pair up', () => {
    expect(() => compareArms([], [1])).toThrow('at least one seed');
    expect(() => compareArms([{ seed: 1, baseline: [1, 0], other: [1] }], [1])).toThrow('expected 2 items');
  });
});
