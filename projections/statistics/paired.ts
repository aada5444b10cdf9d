/**
 * One measured value per item for two arms under one seed, items in the same order: `baseline[i]` and `other[i]` are of
 * the same test problem. Values are 0 or 1 for a right or wrong answer, but any number will do.
 */
export interface PairedSeed {
  readonly seed: number;
  readonly baseline: readonly number[];
  readonly other: readonly number[];
}

export const meanOf = (values: readonly number[]): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
};

/** `other - baseline` per item. */
export const differencesOf = ({ baseline, other }: PairedSeed): readonly number[] =>
  other.map((value, i) => value - (baseline[i] ?? Number.NaN));

/** Mean over seeds of the mean over items, per item: what is left when the seed is averaged out. Length: items. */
export const itemDifferences = (seeds: readonly PairedSeed[]): readonly number[] => {
  const bySeed = seeds.map(differencesOf);
  return (bySeed[0] ?? []).map((_, i) => meanOf(bySeed.map((differences) => differences[i] ?? Number.NaN)));
};

/** Mean over items, per seed. Length: seeds. */
export const seedDifferences = (seeds: readonly PairedSeed[]): readonly number[] =>
  seeds.map((seed) => meanOf(differencesOf(seed)));

/** Throws where arms, seeds or items do not pair up: a comparison of other things has no meaning. */
export const checkPairs = (seeds: readonly PairedSeed[]): void => {
  const items = seeds[0]?.baseline.length ?? 0;
  if (items === 0) throw new RangeError('a comparison needs at least one seed and one item');
  for (const { seed, baseline, other } of seeds) {
    if (baseline.length !== items || other.length !== items)
      throw new RangeError(
        `seed ${seed}: expected ${items} items in both arms, got ${baseline.length} and ${other.length}`,
      );
  }
};
