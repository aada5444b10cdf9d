import type { Dim } from './graph';
import { at, attributeInt, axisOf, broadcastShapes, integers, type OpRow } from './inference';

const cancelled = (dims: readonly Dim[], others: readonly Dim[]): readonly Dim[] => {
  const left = [...others];
  return dims.filter((dim) => {
    const place = left.indexOf(dim);
    if (place >= 0) left.splice(place, 1);
    return place < 0;
  });
};

const numbersIn = (dims: readonly Dim[]): number =>
  dims.reduce<number>((size, dim) => (typeof dim === 'number' ? size * dim : size), 1);
const namesIn = (dims: readonly Dim[]): readonly string[] => dims.filter((dim) => typeof dim === 'string');

/** The size that makes `known` hold what `x` holds; a product of names where sizes are names. */
const missingDim = (x: readonly Dim[], known: readonly Dim[], refuse: () => never): Dim => {
  const [above, below] = [cancelled(x, known), cancelled(known, x)];
  const size = numbersIn(above) / numbersIn(below);
  if (namesIn(below).length > 0 || !Number.isInteger(size)) return refuse();
  const names = namesIn(above);
  return names.length === 0 ? size : [...(size === 1 ? [] : [size]), ...names].join('*');
};

/** The constant shape may hold 0 (the input's size at that place) and one -1 (what is left). */
export const reshape: OpRow = {
  since: 21,
  infer: (inputs, _, refuse) => {
    const x = at(inputs, 0, refuse);
    const given = integers(at(inputs, 1, refuse), refuse);
    const copied = given.map((dim, i) => (dim === 0 ? (x.shape[i] ?? refuse(`no axis ${i} to copy`)) : dim));
    const known = copied.filter((dim) => dim !== -1);
    if (known.length < copied.length - 1) refuse('expected one -1 at most');
    const cannot = (): never => refuse(`cannot become [${given.join(', ')}]`);
    const missing = missingDim(x.shape, known, cannot);
    if (known.length === copied.length && missing !== 1) cannot();
    return [{ dtype: x.dtype, shape: copied.map((dim) => (dim === -1 ? missing : dim)) }];
  },
};

/** Parts along an axis, in the sizes of the second input; where that is not constant, there are two, of sizes unknown. */
export const split: OpRow = {
  since: 18,
  infer: (inputs, attributes, refuse) => {
    const [x, sizes] = [at(inputs, 0, refuse), at(inputs, 1, refuse)];
    const axis = axisOf(attributeInt(attributes, 'axis', refuse), x.shape.length, refuse);
    const part = (dim: Dim) => ({ dtype: x.dtype, shape: x.shape.map((old, i) => (i === axis ? dim : old)) });
    if (sizes.constant === undefined) {
      if (sizes.dtype !== 'int64' || sizes.shape.length !== 1 || sizes.shape[0] !== 2) refuse('expected two sizes');
      return [part(`${sizes.name}[0]`), part(`${sizes.name}[1]`)];
    }
    const parts = integers(sizes, refuse);
    const whole = x.shape[axis];
    if (typeof whole === 'number' && parts.reduce((sum, size) => sum + size, 0) !== whole)
      refuse(`the parts [${parts.join(', ')}] do not add up to ${whole}`);
    return parts.map(part);
  },
};

export const transpose: OpRow = {
  since: 21,
  infer: (inputs, attributes, refuse) => {
    const x = at(inputs, 0, refuse);
    const perm = attributes['perm'];
    if (
      !Array.isArray(perm) ||
      [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i) ||
      perm.length !== x.shape.length
    )
      return refuse('expected perm, a permutation of the axes');
    return [{ dtype: x.dtype, shape: perm.map((axis: number) => x.shape[axis] ?? 1) }];
  },
};

export const expand: OpRow = {
  since: 13,
  infer: (inputs, _, refuse) => {
    const x = at(inputs, 0, refuse);
    return [{ dtype: x.dtype, shape: broadcastShapes(x.shape, integers(at(inputs, 1, refuse), refuse), refuse) }];
  },
};
