import { eachElement, flatOf, plain, tabulate } from './plainTensor';
import { get, intOf, positive, type Kernel } from './referenceKernel';

export const gather: Kernel = (inputs, attributes) => {
  const [x, indices] = [get(inputs, 0), get(inputs, 1)];
  const axis = positive(intOf(attributes, 'axis', 0), x.dims.length);
  const dims = [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)];
  const rank = indices.dims.length;
  return [
    tabulate(x.dtype, dims, (at) => {
      const index = indices.data[flatOf(at.slice(axis, axis + rank), indices.dims)] ?? Number.NaN;
      const row = positive(index, x.dims[axis] ?? 1);
      return x.data[flatOf([...at.slice(0, axis), row, ...at.slice(axis + rank)], x.dims)] ?? Number.NaN;
    }),
  ];
};

export const gatherElements: Kernel = (inputs, attributes) => {
  const [x, indices] = [get(inputs, 0), get(inputs, 1)];
  const axis = positive(intOf(attributes, 'axis', 0), x.dims.length);
  return [
    tabulate(x.dtype, indices.dims, (at, flat) => {
      const row = positive(indices.data[flat] ?? Number.NaN, x.dims[axis] ?? 1);
      return (
        x.data[
          flatOf(
            at.map((c, i) => (i === axis ? row : c)),
            x.dims,
          )
        ] ?? Number.NaN
      );
    }),
  ];
};

/** The places along an axis where the condition is not 0. */
export const compress: Kernel = (inputs, attributes) => {
  const [x, condition] = [get(inputs, 0), get(inputs, 1)];
  const axis = positive(intOf(attributes, 'axis', 0), x.dims.length);
  const places = Array.from(condition.data.keys()).filter((i) => condition.data[i] !== 0);
  return [
    tabulate(
      x.dtype,
      x.dims.with(axis, places.length),
      (at) => x.data[flatOf(at.with(axis, places[at[axis] ?? 0] ?? 0), x.dims)] ?? Number.NaN,
    ),
  ];
};

/** Rows of x replaced by updates, the last of those for one row. */
export const scatterND: Kernel = (inputs) => {
  const [x, indices, updates] = [get(inputs, 0), get(inputs, 1), get(inputs, 2)];
  const width = x.data.length / (x.dims[0] ?? 1);
  const data = x.data.slice();
  indices.data.forEach((index, row) => {
    const to = positive(index, x.dims[0] ?? 1) * width;
    data.set(updates.data.subarray(row * width, (row + 1) * width), to);
  });
  return [{ ...x, data }];
};

/** Elements of x replaced by updates, each at its own place but for the index along the axis. */
export const scatterElements: Kernel = (inputs, attributes) => {
  const [x, indices, updates] = [get(inputs, 0), get(inputs, 1), get(inputs, 2)];
  const axis = positive(intOf(attributes, 'axis', 0), x.dims.length);
  const data = x.data.slice();
  eachElement(indices.dims, (at, flat) => {
    const row = positive(indices.data[flat] ?? Number.NaN, x.dims[axis] ?? 1);
    data[flatOf(at.with(axis, row), x.dims)] = updates.data[flat] ?? Number.NaN;
  });
  return [{ ...x, data }];
};

export const oneHot: Kernel = (inputs) => {
  const [indices, values] = [get(inputs, 0), get(inputs, 2)];
  const depth = get(inputs, 1).data[0] ?? Number.NaN;
  const [off = 0, on = 1] = values.data;
  return [
    tabulate(values.dtype, [...indices.dims, depth], (at) => {
      const index = indices.data[flatOf(at.slice(0, -1), indices.dims)] ?? Number.NaN;
      return positive(index, depth) === at.at(-1) ? on : off;
    }),
  ];
};

export const concat: Kernel = (inputs, attributes) => {
  const first = get(inputs, 0);
  const axis = positive(intOf(attributes, 'axis', 0), first.dims.length);
  const total = inputs.reduce((sum, input) => sum + (input.dims[axis] ?? 0), 0);
  return [
    tabulate(first.dtype, first.dims.with(axis, total), (at) => {
      let rest = at[axis] ?? 0;
      for (const input of inputs) {
        const size = input.dims[axis] ?? 0;
        if (rest < size) return input.data[flatOf(at.with(axis, rest), input.dims)] ?? Number.NaN;
        rest -= size;
      }
      return Number.NaN;
    }),
  ];
};

/** Parts of the given sizes along an axis. */
export const split: Kernel = (inputs, attributes) => {
  const [x, sizes] = [get(inputs, 0), get(inputs, 1)];
  const axis = positive(intOf(attributes, 'axis', 0), x.dims.length);
  let start = 0;
  return Array.from(sizes.data, (size) => {
    const from = start;
    start += size;
    return tabulate(
      x.dtype,
      x.dims.with(axis, size),
      (at) => x.data[flatOf(at.with(axis, from + (at[axis] ?? 0)), x.dims)] ?? Number.NaN,
    );
  });
};

/** A size of 0 is the input's at that place; -1 is what is left. */
export const reshape: Kernel = (inputs) => {
  const [x, shape] = [get(inputs, 0), get(inputs, 1)];
  const dims = Array.from(shape.data, (dim, i) => (dim === 0 ? (x.dims[i] ?? Number.NaN) : dim));
  const known = dims.filter((dim) => dim !== -1).reduce((size, dim) => size * dim, 1);
  return [{ ...x, dims: dims.map((dim) => (dim === -1 ? x.data.length / known : dim)) }];
};

export const topK: Kernel = (inputs) => {
  const x = get(inputs, 0);
  const k = get(inputs, 1).data[0] ?? Number.NaN;
  const size = x.dims.at(-1) ?? 1;
  const order: number[] = [];
  for (let start = 0; start < x.data.length; start += size) {
    const line = Array.from(x.data.subarray(start, start + size), (value, i) => ({ value, i }));
    order.push(
      ...line
        .sort((a, b) => b.value - a.value || a.i - b.i)
        .slice(0, k)
        .map(({ i }) => i),
    );
  }
  const dims = [...x.dims.slice(0, -1), k];
  const values = order.map((i, at) => x.data[Math.floor(at / k) * size + i] ?? Number.NaN);
  return [plain(x.dtype, dims, values), plain('int64', dims, order)];
};
