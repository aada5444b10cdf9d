/** One learnt merge, as tokens spelled in byte stand-ins. */
export type Merge = readonly [string, string];

interface Pair {
  readonly left: string;
  readonly right: string;
  count: number;
  /** Pieces that hold the pair, or once held it. */
  readonly pieces: Set<number>;
}

const keyOf = (left: string, right: string): string => `${left} ${right}`;

/** More frequent first; equal counts by the left token's spelling, then the right one's. */
const before = (a: Pair, b: Pair): boolean =>
  a.count !== b.count ? a.count > b.count : a.left !== b.left ? a.left < b.left : a.right < b.right;

/**
 * Byte-pair merges learnt from pieces with their counts, at most `limit`, each seen at least `minFrequency` times.
 * Depends on nothing but the counts: the order of the pieces does not matter. `forbidden` is never made.
 */
export const learnMerges = (
  counts: ReadonlyMap<string, number>,
  limit: number,
  minFrequency: number,
  forbidden: string,
): readonly Merge[] => {
  const pieces = [...counts].map(([piece, count]) => ({ symbols: Array.from(piece), count }));
  const pairs = new Map<string, Pair>();
  const add = (at: number, symbols: readonly string[], count: number): void => {
    for (let i = 0; i + 1 < symbols.length; i++) {
      const left = symbols[i] ?? '';
      const right = symbols[i + 1] ?? '';
      if (left + right === forbidden) continue;
      const key = keyOf(left, right);
      const pair = pairs.get(key) ?? { left, right, count: 0, pieces: new Set<number>() };
      pair.count += count;
      if (count > 0) pair.pieces.add(at);
      if (pair.count === 0) pairs.delete(key);
      else pairs.set(key, pair);
    }
  };
  for (const [at, { symbols, count }] of pieces.entries()) add(at, symbols, count);

  const merges: Merge[] = [];
  while (merges.length < limit) {
    let best: Pair | undefined;
    for (const pair of pairs.values()) if (best === undefined || before(pair, best)) best = pair;
    if (best === undefined || best.count < minFrequency) break;
    const { left, right } = best;
    merges.push([left, right]);
    for (const at of best.pieces) {
      const piece = pieces[at];
      if (piece === undefined) continue;
      const merged = mergePair(piece.symbols, left, right);
      if (merged.length === piece.symbols.length) continue;
      add(at, piece.symbols, -piece.count);
      add(at, merged, piece.count);
      piece.symbols = merged;
    }
  }
  return merges;
};

const mergePair = (symbols: readonly string[], left: string, right: string): string[] => {
  const merged: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] ?? '';
    const isPair = symbol === left && symbols[i + 1] === right;
    merged.push(isPair ? left + right : symbol);
    if (isPair) i++;
  }
  return merged;
};
