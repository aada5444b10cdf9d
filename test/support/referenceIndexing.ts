import { flatOf, plain, tabulate } from './plainTensor';
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
