import type { Tensor } from '../ports/tensorRuntime';
import type { Parameter } from './modelShape';

/** A parameter's place in a flat vector of all trained values; the optimizer's moments have the same layout. */
export interface Slot {
  readonly name: string;
  readonly dims: readonly number[];
  readonly kind: Parameter['kind'];
  /** In numbers, not bytes. */
  readonly offset: number;
  readonly size: number;
}

export interface Layout {
  readonly slots: readonly Slot[];
  readonly size: number;
}

/** Parameters one behind the other, in the order given. */
export const layoutOf = (parameters: readonly Parameter[]): Layout => {
  let size = 0;
  const slots = parameters.map(({ name, dims, kind }): Slot => {
    const offset = size;
    const length = dims.reduce((product, dim) => product * dim, 1);
    size += length;
    return { name, dims, kind, offset, size: length };
  });
  return { slots, size };
};

/** A parameter's part of a flat vector, over the same memory. */
export const partOf = (vector: Float32Array, { offset, size }: Pick<Slot, 'offset' | 'size'>): Float32Array =>
  vector.subarray(offset, offset + size);

/** A parameter's part of a flat vector as a tensor, over the same memory. */
export const tensorOf = (vector: Float32Array, slot: Slot): Tensor => ({
  dtype: 'float32',
  dims: slot.dims,
  data: partOf(vector, slot),
});

/** Consecutive slots: `[first, end)` by index, and the numbers that they span. */
export interface Share {
  readonly first: number;
  readonly end: number;
  readonly offset: number;
  readonly size: number;
}

/** The slots in `shares` runs of about equal size, none of them empty: so at most as many as there are slots. */
export const sharesOf = ({ slots, size }: Layout, shares: number): readonly Share[] => {
  const wanted = Math.max(1, Math.min(shares, slots.length));
  const cuts = [0];
  for (let i = 1; i < wanted; i++) {
    const goal = (size * i) / wanted;
    const reached = slots.findIndex((slot) => slot.offset + slot.size / 2 >= goal);
    const cut = reached < 0 ? slots.length : reached;
    cuts.push(Math.min(Math.max(cut, (cuts[i - 1] ?? 0) + 1), slots.length - (wanted - i)));
  }
  cuts.push(slots.length);
  return Array.from({ length: wanted }, (_, i) => {
    const [first, end] = [cuts[i] ?? 0, cuts[i + 1] ?? slots.length];
    const offset = slots[first]?.offset ?? size;
    return { first, end, offset, size: (slots[end]?.offset ?? size) - offset };
  });
};
