import type { PairedSeed } from './paired';

export interface McNemar {
  /** Items that the baseline has right and the other arm wrong; and the other way round. */
  readonly lost: number;
  readonly won: number;
  /** Exact, two-sided. */
  readonly p: number;
}

/**
 * McNemar's exact test of one seed (McNemar 1947): of the items on which the arms differ, half should fall to each side.
 * p = min(1, 2 P(X <= min(lost, won))) with X binomial (lost + won, 1/2).
 */
export const mcnemar = ({ baseline, other }: PairedSeed): McNemar => {
  let [lost, won] = [0, 0];
  for (const [i, before] of baseline.entries()) {
    const after = other[i] ?? 0;
    if (before > after) lost += 1;
    if (after > before) won += 1;
  }
  const n = lost + won;
  // log C(n, k) - n log 2, summed from k = 0.
  let logTerm = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(lost, won); k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((n - k) / (k + 1));
  }
  return { lost, won, p: n === 0 ? 1 : Math.min(1, 2 * tail) };
};
