import { pushTo } from '../../../projections/projection';
import type { Tensor } from '../../ports/tensorRuntime';
import { numbersOf, parametersOf, type ModelShape } from '../modelShape';
import { masked } from '../transformer';
import { cacheMultiple } from './stepGraph';

/** Rows of like length are read together: lengths are padded to a multiple of this. */
const lengthMultiple = cacheMultiple;

/** Numbers that the largest tensor of one run may hold; more rows go into further runs. */
const largestTensor = 2 ** 25;

/** Products with weights that one run may make, less than half a second's: a run cannot be stopped. */
const mostProducts = 2 ** 34;

export interface ReadingRow {
  readonly ids: readonly number[];
}

export interface ReadingGroup<Row> {
  /** Padded length. */
  readonly length: number;
  readonly rows: readonly Row[];
}

/** Rows in groups that are read in one run each, short ones first; `perToken` numbers are kept of every token. */
export const readingGroups = <Row extends ReadingRow>(
  rows: readonly Row[],
  shape: ModelShape,
  perToken = 0,
): readonly ReadingGroup<Row>[] => {
  const { heads, hiddenSize, intermediateSize } = shape;
  const numbers = numbersOf(parametersOf(shape));
  const byLength = new Map<number, Row[]>();
  for (const row of rows) {
    const length = Math.ceil(row.ids.length / lengthMultiple) * lengthMultiple;
    pushTo(byLength, length, row);
  }
  const groups = [...byLength].sort(([a], [b]) => a - b);
  return groups.flatMap(([length, all]) => {
    const perRow = length * Math.max(heads * length, hiddenSize, intermediateSize, perToken);
    const size = Math.max(1, Math.floor(Math.min(largestTensor / perRow, mostProducts / (numbers * length))));
    return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => ({
      length,
      rows: all.slice(i * size, (i + 1) * size),
    }));
  });
};

/** Causal mask [T, T]: what comes later is masked, and what is behind the sliding window. */
const maskOf = (length: number, window: number): Float32Array => {
  const mask = new Float32Array(length * length).fill(masked);
  for (let row = 0; row < length; row++)
    mask.fill(0, row * length + Math.max(0, row + 1 - window), row * length + row + 1);
  return mask;
};

/** Rows padded on the right, with their positions and the mask, as the prefill and score graphs take them. */
export const readingFeeds = (
  { slidingWindow }: ModelShape,
  rows: readonly ReadingRow[],
  length: number,
): Readonly<Record<'ids' | 'positions' | 'mask', Tensor>> => {
  const ids = new BigInt64Array(rows.length * length);
  rows.forEach((row, i) => row.ids.forEach((id, place) => (ids[i * length + place] = BigInt(id))));
  const positions = BigInt64Array.from(ids, (_, i) => BigInt(i % length));
  const dims = [rows.length, length];
  return {
    ids: { dtype: 'int64', dims, data: ids },
    positions: { dtype: 'int64', dims, data: positions },
    mask: { dtype: 'float32', dims: [length, length], data: maskOf(length, slidingWindow ?? length) },
  };
};
