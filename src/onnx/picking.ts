import { at, attributeInt, axisOf, integers, type OpRow } from './inference';

export const gather: OpRow = {
  since: 13,
  infer: (inputs, attributes, refuse) => {
    const x = at(inputs, 0, refuse);
    const indices = at(inputs, 1, refuse);
    if (indices.dtype !== 'int64') refuse('expected int64 indices');
    const axis = axisOf(attributeInt(attributes, 'axis', refuse), x.shape.length, refuse);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
};

export const gatherElements: OpRow = {
  since: 13,
  infer: (inputs, attributes, refuse) => {
    const x = at(inputs, 0, refuse);
    const indices = at(inputs, 1, refuse);
    if (indices.dtype !== 'int64' || indices.shape.length !== x.shape.length)
      refuse('expected int64 indices of equal rank');
    axisOf(attributeInt(attributes, 'axis', refuse), x.shape.length, refuse);
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
};

/** The places along an axis where a condition [size of the axis] holds. */
export const compress: OpRow = {
  since: 11,
  infer: (inputs, attributes, refuse) => {
    const [x, condition] = [at(inputs, 0, refuse), at(inputs, 1, refuse)];
    const axis = axisOf(attributeInt(attributes, 'axis', refuse), x.shape.length, refuse);
    if (condition.dtype !== 'bool' || condition.shape.length !== 1) refuse('expected a bool condition of rank 1');
    return [{ dtype: x.dtype, shape: x.shape.map((dim, i) => (i === axis ? `${condition.name}[true]` : dim)) }];
  },
};

/**
 * x with rows replaced: indices [n, 1] int64 name them, updates [n, ...] are theirs. Never with a reduction, which adds in
 * the order of the threads and loses updates; an index that repeats must bring the same row.
 */
export const scatterND: OpRow = {
  since: 18,
  infer: (inputs, attributes, refuse) => {
    const [x, indices, updates] = [at(inputs, 0, refuse), at(inputs, 1, refuse), at(inputs, 2, refuse)];
    if ((attributes['reduction'] ?? 'none') !== 'none') refuse('a scatter with reduction is not emitted');
    const rows = indices.shape[0];
    if (indices.dtype !== 'int64' || indices.shape.length !== 2 || indices.shape[1] !== 1)
      refuse('expected int64 indices [n, 1]');
    if (updates.dtype !== x.dtype || updates.shape.join() !== [rows, ...x.shape.slice(1)].join())
      refuse('expected a row of the input per index');
    return [{ dtype: x.dtype, shape: x.shape }];
  },
};

/** x with the elements at `indices` along an axis replaced by `updates`, of one shape; never with a reduction. */
export const scatterElements: OpRow = {
  since: 18,
  infer: (inputs, attributes, refuse) => {
    const [x, indices, updates] = [at(inputs, 0, refuse), at(inputs, 1, refuse), at(inputs, 2, refuse)];
    if ((attributes['reduction'] ?? 'none') !== 'none') refuse('a scatter with reduction is not emitted');
    axisOf(attributeInt(attributes, 'axis', refuse), x.shape.length, refuse);
    if (indices.dtype !== 'int64' || indices.shape.length !== x.shape.length)
      refuse('expected int64 indices of equal rank');
    if (updates.dtype !== x.dtype || updates.shape.join() !== indices.shape.join())
      refuse('expected an element per index');
    return [{ dtype: x.dtype, shape: x.shape }];
  },
};

/** Inputs: indices, depth (constant scalar), [off, on] values. The new axis is the last. */
export const oneHot: OpRow = {
  since: 11,
  infer: (inputs, attributes, refuse) => {
    const indices = at(inputs, 0, refuse);
    if (attributes['axis'] !== -1) refuse('only axis -1 is emitted');
    const [depth] = integers(at(inputs, 1, refuse), refuse);
    if (indices.dtype !== 'int64' || depth === undefined) return refuse('expected int64 indices and a depth');
    return [{ dtype: at(inputs, 2, refuse).dtype, shape: [...indices.shape, depth] }];
  },
};
