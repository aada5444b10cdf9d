/**
 * Holm's step-down adjustment (Holm 1979): with these p-values, the chance of even one false finding among all
 * comparisons stays below the level. In the order given; never above 1.
 */
export const holm = (ps: readonly number[]): readonly number[] => {
  const order = ps.map((p, i) => ({ p, i })).sort((a, b) => a.p - b.p || a.i - b.i);
  const adjusted: number[] = ps.map(() => 1);
  let least = 0;
  for (const [rank, { p, i }] of order.entries()) {
    least = Math.max(least, Math.min(1, p * (ps.length - rank)));
    adjusted[i] = least;
  }
  return adjusted;
};
