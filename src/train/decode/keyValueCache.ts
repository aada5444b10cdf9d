import type { Tensor } from '../../ports/tensorRuntime';
import type { ModelShape } from '../modelShape';
import { cacheNames } from './stepGraph';

/** The capacity is a multiple of this: rows are moved seldom, and little is read that is masked. */
const growth = 64;

/** Arrays to use again: large new ones cost more than what is written into them. What they hold is left in them. */
export class ArrayPool {
  private free: Float32Array[] = [];

  /** An array of so many numbers at least. */
  take(size: number): Float32Array {
    const fitting = this.free.find((array) => array.length >= size);
    this.free = this.free.filter((array) => array !== fitting);
    return fitting ?? new Float32Array(size);
  }

  give(array: Float32Array): void {
    if (array.length > 0) this.free.push(array);
  }
}

/**
 * Keys and values of the rows being decoded, in arrays that the step graph reads without a copy: per layer
 * [places, KV, capacity, d]. Rows are at places 0 to n - 1; behind a row's length there are zeros up to the capacity.
 */
export class KeyValueCache {
  private readonly pastNames: readonly string[];
  private readonly madeNames: readonly string[];
  /** Keys and values by layer, in the order of the names. */
  private arrays: readonly Float32Array[];
  private readonly lengths: number[] = [];
  private capacity = 0;

  /** For at most so many rows. */
  constructor(
    private readonly shape: ModelShape,
    private readonly places: number,
    private readonly pool: ArrayPool,
  ) {
    this.pastNames = cacheNames('past', shape.layers).flat();
    this.madeNames = cacheNames('made', shape.layers).flat();
    this.arrays = this.madeNames.map(() => new Float32Array());
  }

  get rows(): number {
    return this.lengths.length;
  }

  /** Cached positions per row, zeros included. */
  get seen(): number {
    return this.capacity;
  }

  lengthOf(place: number): number {
    return this.lengths[place] ?? 0;
  }

  /** Lets go of the row at a place; the last row takes the place. */
  remove(place: number): void {
    const last = this.lengths.pop();
    if (last === undefined || place >= this.rows) return;
    const size = this.size(1);
    for (const array of this.arrays) array.copyWithin(place * size, this.rows * size, (this.rows + 1) * size);
    this.lengths[place] = last;
  }

  /** Sets the capacity for rows of so many positions. To be called before rows are added or get longer. */
  fit(positions: number): void {
    const wanted = Math.max(1, Math.ceil(positions / growth)) * growth;
    // Not smaller for a little: the next long row would move them all back.
    if (wanted > this.capacity || wanted < this.capacity - growth) this.layOut(wanted);
  }

  /** Adds a row behind the others: the first `count` positions of row `row` of a graph's caches. */
  add(made: Readonly<Record<string, Tensor>>, row: number, count: number): void {
    const { kvHeads, headDim } = this.shape;
    const [start, size] = [this.size(this.rows), this.capacity * headDim];
    for (const array of this.arrays)
      for (let head = 0; head < kvHeads; head++)
        array.fill(0, start + head * size + count * headDim, start + (head + 1) * size);
    this.lengths.push(0);
    this.append(this.rows - 1, made, row, count);
  }

  /** Puts the first `count` positions of row `row` of a graph's caches behind what is at a place. */
  append(place: number, made: Readonly<Record<string, Tensor>>, row: number, count: number): void {
    const { kvHeads, headDim } = this.shape;
    const length = this.lengthOf(place);
    if (length + count > this.capacity) throw new Error(`no room for ${length + count} positions: fit() comes first`);
    this.madeNames.forEach((name, i) => {
      const [source, target] = [made[name], this.arrays[i]];
      if (source === undefined || !(source.data instanceof Float32Array) || target === undefined)
        throw new Error(`the graph gave no cache "${name}"`);
      const steps = source.dims[2] ?? 0;
      for (let head = 0; head < kvHeads; head++) {
        const from = (row * kvHeads + head) * steps * headDim;
        const to = ((place * kvHeads + head) * this.capacity + length) * headDim;
        target.set(source.data.subarray(from, from + count * headDim), to);
      }
    });
    this.lengths[place] = length + count;
  }

  /** All rows as feeds of the step graph: caches, their lengths and the number of cached positions. */
  feeds(): Record<string, Tensor> {
    const { kvHeads, headDim } = this.shape;
    const dims = [this.rows, kvHeads, this.capacity, headDim];
    const caches = this.pastNames.map((name, i): [string, Tensor] => {
      const data = this.arrays[i]?.subarray(0, this.size(this.rows)) ?? new Float32Array();
      return [name, { dtype: 'float32', dims, data }];
    });
    return {
      ...Object.fromEntries(caches),
      position: { dtype: 'int64', dims: [this.rows], data: BigInt64Array.from(this.lengths, BigInt) },
      seen: { dtype: 'int64', dims: [1], data: BigInt64Array.of(BigInt(this.capacity)) },
    };
  }

  /** Gives the arrays back; the cache is over. */
  release(): void {
    for (const array of this.arrays) this.pool.give(array);
    this.arrays = [];
  }

  /** Numbers in so many places of one array. */
  private size(places: number): number {
    return places * this.shape.kvHeads * this.capacity * this.shape.headDim;
  }

  /** Lays the rows out for another capacity, in the same arrays where they hold it. */
  private layOut(capacity: number): void {
    const { kvHeads, headDim } = this.shape;
    const [from, to] = [this.capacity * headDim, capacity * headDim];
    const [count, room] = [this.rows * kvHeads, this.places * kvHeads * to];
    this.arrays = this.arrays.map((array) => {
      // Twice the room, of which only what is used is ever touched.
      const target = array.length >= room ? array : this.pool.take(2 * room);
      for (let i = 0; i < count; i++) {
        // From the last on where they move up, so that none is written over before it has moved.
        const at = to > from ? count - 1 - i : i;
        const filled = this.lengthOf(Math.floor(at / kvHeads)) * headDim;
        target.set(array.subarray(at * from, at * from + filled), at * to);
        target.fill(0, at * to + filled, (at + 1) * to);
      }
      if (target !== array) this.pool.give(array);
      return target;
    });
    this.capacity = capacity;
  }
}
