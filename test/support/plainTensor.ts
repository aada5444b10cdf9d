import type { DType, Tensor } from '../../src/ports/tensorRuntime';

/** A tensor whose elements are all held in double, whatever its label says. bool is 0 or 1. */
export interface PlainTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

export const sizeOf = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);

export const plain = (dtype: DType, dims: readonly number[], data: ArrayLike<number>): PlainTensor => {
  if (data.length !== sizeOf(dims)) throw new Error(`${data.length} values do not fill [${dims.join(', ')}]`);
  return { dtype, dims, data: Float64Array.from(data) };
};

export const fromTensor = ({ dtype, dims, data }: Tensor): PlainTensor =>
  plain(dtype, dims, data instanceof BigInt64Array ? Array.from(data, Number) : data);

const typed: Readonly<Record<DType, (data: Float64Array) => Tensor['data']>> = {
  float32: (data) => Float32Array.from(data),
  float64: (data) => Float64Array.from(data),
  int32: (data) => Int32Array.from(data),
  int64: (data) => BigInt64Array.from(Array.from(data, BigInt)),
  bool: (data) => Uint8Array.from(data),
};

/** The tensor in its own type; float32 is rounded here and nowhere earlier. */
export const toTensor = ({ dtype, dims, data }: PlainTensor): Tensor => ({ dtype, dims, data: typed[dtype](data) });

export const flatOf = (coordinates: readonly number[], dims: readonly number[]): number => {
  let flat = 0;
  for (let i = 0; i < dims.length; i++) flat = flat * (dims[i] ?? 1) + (coordinates[i] ?? 0);
  return flat;
};

/** Visits every element of a shape in row-major order. The coordinates are one array, changed in place. */
export const eachElement = (
  dims: readonly number[],
  visit: (coordinates: readonly number[], flat: number) => void,
): void => {
  const coordinates = dims.map(() => 0);
  const size = sizeOf(dims);
  for (let flat = 0; flat < size; flat++) {
    visit(coordinates, flat);
    for (let i = dims.length - 1; i >= 0; i--) {
      const next = (coordinates[i] ?? 0) + 1;
      coordinates[i] = next < (dims[i] ?? 1) ? next : 0;
      if (next < (dims[i] ?? 1)) break;
    }
  }
};

/** A tensor of the given shape, filled from each element's coordinates. */
export const tabulate = (
  dtype: DType,
  dims: readonly number[],
  at: (coordinates: readonly number[], flat: number) => number,
): PlainTensor => {
  const data = new Float64Array(sizeOf(dims));
  eachElement(dims, (coordinates, flat) => {
    data[flat] = at(coordinates, flat);
  });
  return { dtype, dims, data };
};

/** The elements of `tensor` broadcast to `dims`. */
export const broadcastTo = ({ dtype, dims: own, data }: PlainTensor, dims: readonly number[]): Float64Array => {
  if (own.length === dims.length && own.every((dim, i) => dim === dims[i])) return data;
  const lead = dims.length - own.length;
  const read = (coordinates: readonly number[]): number => {
    let flat = 0;
    for (let i = 0; i < own.length; i++) {
      const dim = own[i] ?? 1;
      flat = flat * dim + (dim === 1 ? 0 : (coordinates[lead + i] ?? 0));
    }
    return data[flat] ?? Number.NaN;
  };
  return tabulate(dtype, dims, read).data;
};

/** NumPy's broadcast of shapes. */
export const broadcastDims = (...shapes: readonly (readonly number[])[]): readonly number[] => {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[shape.length - rank + i] ?? 1);
    const size = sizes.find((s) => s !== 1) ?? 1;
    if (sizes.some((s) => s !== 1 && s !== size)) throw new Error('shapes do not broadcast');
    return size;
  });
};
