import { words, type DrawKey } from '../random';
import { checkPairs, differencesOf, type PairedSeed } from './paired';

export interface Interval {
  readonly low: number;
  readonly high: number;
  readonly level: number;
  readonly replicates: number;
}

/** The q-quantile of sorted values, linear between neighbours (Hyndman and Fan 1996, type 7). */
export const quantile = (sorted: ArrayLike<number>, q: number): number => {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  return low + (at - below) * (high - low);
};

/**
 * Percentile interval of the mean difference where seeds and items are both samples: each replicate draws seeds and
 * items with replacement, all drawn seeds on the same drawn items (the pigeonhole bootstrap, Owen 2007, "The pigeonhole
 * bootstrap", Annals of Applied Statistics 1(2)). Deviations of seeds are widened by sqrt(S / (S - 1)), since S drawn
 * from S seeds vary less than new seeds would. With one seed the interval speaks of items only.
 * Draws are counter-based under `key`: the same pairs and key give the same interval.
 */
export const bootstrapInterval = (
  seeds: readonly PairedSeed[],
  key: DrawKey,
  { level = 0.95, replicates = 4000 }: { readonly level?: number; readonly replicates?: number } = {},
): Interval => {
  checkPairs(seeds);
  const [s, n] = [seeds.length, seeds[0]?.baseline.length ?? 0];
  const matrix = Float64Array.from(seeds.flatMap(differencesOf));
  const grand = matrix.reduce((sum, d) => sum + d, 0) / (s * n);
  const widen = s > 1 ? Math.sqrt(s / (s - 1)) : 1;
  const centre = Float64Array.from({ length: s }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += matrix[row * n + i] ?? 0;
    return sum / n - grand;
  });
  const drawn = words(['bootstrap', ...key], replicates * (s + n));
  const pick = (at: number, of: number): number => Math.floor(((drawn[at] ?? 0) / 0x100000000) * of);
  const means = new Float64Array(replicates);
  const counts = new Float64Array(n);
  for (let r = 0; r < replicates; r++) {
    const at = r * (s + n);
    counts.fill(0);
    for (let i = 0; i < n; i++) {
      const item = pick(at + s + i, n);
      counts[item] = (counts[item] ?? 0) + 1;
    }
    let sum = 0;
    let shift = 0;
    for (let k = 0; k < s; k++) {
      const row = s === 1 ? 0 : pick(at + k, s);
      shift += (widen - 1) * (centre[row] ?? 0);
      for (let i = 0; i < n; i++) sum += (counts[i] ?? 0) * (matrix[row * n + i] ?? 0);
    }
    means[r] = sum / (s * n) + shift / s;
  }
  means.sort();
  const tail = (1 - level) / 2;
  return { low: quantile(means, tail), high: quantile(means, 1 - tail), level, replicates };
};
