import type { DrawKey } from '../random';
import { bootstrapInterval, type Interval } from './bootstrap';
import { holm } from './holm';
import { mcnemar, type McNemar } from './mcnemar';
import { checkPairs, itemDifferences, meanOf, seedDifferences, type PairedSeed } from './paired';
import { signFlipTest, type SignFlip } from './signFlip';

/** One arm against the baseline over paired items and seeds. Differences are other - baseline. */
export interface Comparison {
  readonly seeds: number;
  readonly items: number;
  readonly baseline: number;
  readonly other: number;
  readonly difference: number;
  /** Over new seeds and new items. */
  readonly interval: Interval;
  /** Cohen's h: difference of 2 asin sqrt of the two shares; 0.2 small, 0.5 medium, 0.8 large (Cohen 1988). */
  readonly effect: number;
  /** Would other test problems show it, with these very students? */
  readonly overItems: SignFlip;
  /** Would other seeds show it, on these problems? */
  readonly overSeeds: SignFlip;
  readonly perSeed: readonly ({ readonly seed: number; readonly difference: number } & McNemar)[];
}

/** Shares may be means of other values than 0 and 1; h is then of the nearest shares. */
const cohensH = (baseline: number, other: number): number => {
  const angle = (share: number): number => 2 * Math.asin(Math.sqrt(Math.min(1, Math.max(0, share))));
  return angle(other) - angle(baseline);
};

/** Compares two arms, item by item and seed by seed. `key` seeds every draw. Throws where the pairs are not whole. */
export const compareArms = (seeds: readonly PairedSeed[], key: DrawKey): Comparison => {
  checkPairs(seeds);
  const bySeed = seedDifferences(seeds);
  const baseline = meanOf(seeds.map((seed) => meanOf(seed.baseline)));
  const other = meanOf(seeds.map((seed) => meanOf(seed.other)));
  return {
    seeds: seeds.length,
    items: seeds[0]?.baseline.length ?? 0,
    baseline,
    other,
    difference: meanOf(bySeed),
    interval: bootstrapInterval(seeds, key),
    effect: cohensH(baseline, other),
    overItems: signFlipTest(itemDifferences(seeds), [...key, 'items']),
    overSeeds: signFlipTest(bySeed, [...key, 'seeds']),
    perSeed: seeds.map((seed, i) => ({ seed: seed.seed, difference: bySeed[i] ?? 0, ...mcnemar(seed) })),
  };
};

/** p-values of several comparisons, adjusted for their number (Holm). */
export const adjusted = (
  comparisons: readonly Comparison[],
): readonly { readonly overItems: number; readonly overSeeds: number }[] => {
  const items = holm(comparisons.map((c) => c.overItems.p));
  const seeds = holm(comparisons.map((c) => c.overSeeds.p));
  return comparisons.map((_, i) => ({ overItems: items[i] ?? 1, overSeeds: seeds[i] ?? 1 }));
};
