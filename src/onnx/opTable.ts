import type { DType } from '../ports/tensorRuntime';
import type { Dim } from './graph';
import {
  at,
  attributeInt,
  axisOf,
  broadcastShapes,
  floats,
  integers,
  numeric,
  sameType,
  staticProduct,
  type OpRow,
} from './inference';

const unary = (since: number, allowed: readonly DType[] = floats): OpRow => ({
  since,
  infer: (inputs, _, refuse) => {
    if (inputs.length !== 1) refuse('expected one input');
    return [{ dtype: sameType(inputs, allowed, refuse), shape: at(inputs, 0, refuse).shape }];
  },
});

const binary = (since: number, allowed: readonly DType[], result?: DType): OpRow => ({
  since,
  infer: (inputs, _, refuse) => {
    if (inputs.length !== 2) refuse('expected two inputs');
    const dtype = sameType(inputs, allowed, refuse);
    return [
      {
        dtype: result ?? dtype,
        shape: broadcastShapes(at(inputs, 0, refuse).shape, at(inputs, 1, refuse).shape, refuse),
      },
    ];
  },
});

const reduction = (since: number): OpRow => ({
  since,
  infer: (inputs, attributes, refuse) => {
    const x = at(inputs, 0, refuse);
    sameType([x], numeric, refuse);
    const axes = new Set(integers(at(inputs, 1, refuse), refuse).map((axis) => axisOf(axis, x.shape.length, refuse)));
    if (axes.size === 0 && x.shape.length > 0) refuse('expected axes: none would mean all of them');
    const keep = attributeInt(attributes, 'keepdims', refuse) === 1;
    const shape = keep ? x.shape.map((dim, i) => (axes.has(i) ? 1 : dim)) : x.shape.filter((_, i) => !axes.has(i));
    return [{ dtype: x.dtype, shape }];
  },
});

const alongAxis = (since: number): OpRow => ({
  since,
  infer: (inputs, attributes, refuse) => {
    const x = at(inputs, 0, refuse);
    axisOf(attributeInt(attributes, 'axis', refuse), x.shape.length, refuse);
    return [{ dtype: sameType([x], floats, refuse), shape: x.shape }];
  },
});

const matMul: OpRow = {
  since: 13,
  infer: (inputs, _, refuse) => {
    const [a, b] = [at(inputs, 0, refuse).shape, at(inputs, 1, refuse).shape];
    if (a.length < 2 || b.length < 2) refuse('expected matrices');
    if (a[a.length - 1] !== b[b.length - 2]) refuse('inner sizes differ');
    const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2), refuse);
    const shape = [...batch, a[a.length - 2] ?? 1, b[b.length - 1] ?? 1];
    return [{ dtype: sameType(inputs, floats, refuse), shape }];
  },
};

const gemm: OpRow = {
  since: 13,
  infer: (inputs, attributes, refuse) => {
    const [a, b] = [at(inputs, 0, refuse).shape, at(inputs, 1, refuse).shape];
    if (inputs.length !== 2 || a.length !== 2 || b.length !== 2) refuse('expected two matrices');
    const [m, k] = attributes['transA'] === 1 ? [a[1], a[0]] : [a[0], a[1]];
    const [l, n] = attributes['transB'] === 1 ? [b[1], b[0]] : [b[0], b[1]];
    if (k !== l) refuse(`inner sizes differ: ${k} and ${l}`);
    return [{ dtype: sameType(inputs, floats, refuse), shape: [m ?? 1, n ?? 1] }];
  },
};

const reshape: OpRow = {
  since: 21,
  infer: (inputs, _, refuse) => {
    const x = at(inputs, 0, refuse);
    const shape = integers(at(inputs, 1, refuse), refuse);
    if (staticProduct(x.shape, refuse) !== staticProduct(shape, refuse)) refuse(`cannot become [${shape.join(', ')}]`);
    return [{ dtype: x.dtype, shape }];
  },
};

const transpose: OpRow = {
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

const expand: OpRow = {
  since: 13,
  infer: (inputs, _, refuse) => {
    const x = at(inputs, 0, refuse);
    return [{ dtype: x.dtype, shape: broadcastShapes(x.shape, integers(at(inputs, 1, refuse), refuse), refuse) }];
  },
};

const gather: OpRow = {
  since: 13,
  infer: (inputs, attributes, refuse) => {
    const x = at(inputs, 0, refuse);
    const indices = at(inputs, 1, refuse);
    if (indices.dtype !== 'int64') refuse('expected int64 indices');
    const axis = axisOf(attributeInt(attributes, 'axis', refuse), x.shape.length, refuse);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
};

const gatherElements: OpRow = {
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

/** Inputs: indices, depth (constant scalar), [off, on] values. The new axis is the last. */
const oneHot: OpRow = {
  since: 11,
  infer: (inputs, attributes, refuse) => {
    const indices = at(inputs, 0, refuse);
    if (attributes['axis'] !== -1) refuse('only axis -1 is emitted');
    const [depth] = integers(at(inputs, 1, refuse), refuse);
    if (indices.dtype !== 'int64' || depth === undefined) return refuse('expected int64 indices and a depth');
    return [{ dtype: at(inputs, 2, refuse).dtype, shape: [...indices.shape, depth] }];
  },
};

const concat: OpRow = {
  since: 13,
  infer: (inputs, attributes, refuse) => {
    const first = at(inputs, 0, refuse);
    const axis = axisOf(attributeInt(attributes, 'axis', refuse), first.shape.length, refuse);
    let total: Dim = 0;
    for (const input of inputs) {
      if (input.dtype !== first.dtype || input.shape.length !== first.shape.length)
        refuse('expected inputs of one type and rank');
      if (input.shape.some((dim, i) => i !== axis && dim !== first.shape[i])) refuse('sizes differ outside the axis');
      const dim = input.shape[axis] ?? 0;
      total = typeof total === 'number' && typeof dim === 'number' ? total + dim : `${total}+${dim}`;
    }
    return [{ dtype: first.dtype, shape: first.shape.map((dim, i) => (i === axis ? total : dim)) }];
  },
};

const where: OpRow = {
  since: 16,
  infer: (inputs, _, refuse) => {
    const [condition, x, y] = [at(inputs, 0, refuse), at(inputs, 1, refuse), at(inputs, 2, refuse)];
    if (condition.dtype !== 'bool') refuse('expected a bool condition');
    const shape = broadcastShapes(condition.shape, broadcastShapes(x.shape, y.shape, refuse), refuse);
    return [{ dtype: sameType([x, y], numeric, refuse), shape }];
  },
};

const castTo: Readonly<Record<number, DType>> = { 1: 'float32', 6: 'int32', 7: 'int64', 9: 'bool', 11: 'float64' };

/** TensorProto.DataType codes of the types that we use. */
export const dtypeCode: Readonly<Record<DType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };

const cast: OpRow = {
  since: 21,
  infer: (inputs, attributes, refuse) => {
    const dtype = castTo[attributeInt(attributes, 'to', refuse)];
    return [{ dtype: dtype ?? refuse('unknown target type'), shape: at(inputs, 0, refuse).shape }];
  },
};

/** Loss per row, and the log-probabilities that its gradient needs. logits [N, V], targets [N] int64. */
const softmaxCrossEntropyLoss: OpRow = {
  since: 13,
  infer: (inputs, attributes, refuse) => {
    const [logits, targets] = [at(inputs, 0, refuse), at(inputs, 1, refuse)];
    if (attributes['reduction'] !== 'none') refuse('only reduction "none" is emitted');
    if (
      logits.shape.length !== 2 ||
      targets.shape.length !== 1 ||
      targets.dtype !== 'int64' ||
      logits.shape[0] !== targets.shape[0]
    )
      refuse('expected logits [N, V] and int64 targets [N]');
    const dtype = sameType([logits], floats, refuse);
    return [
      { dtype, shape: targets.shape },
      { dtype, shape: logits.shape },
    ];
  },
};

const topK: OpRow = {
  since: 11,
  infer: (inputs, attributes, refuse) => {
    const x = at(inputs, 0, refuse);
    if (attributes['axis'] !== -1) refuse('only axis -1 is emitted');
    const [k] = integers(at(inputs, 1, refuse), refuse);
    const shape = [...x.shape.slice(0, -1), k ?? refuse('expected k')];
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ];
  },
};

const cumSum: OpRow = {
  since: 14,
  infer: (inputs, _, refuse) => {
    const x = at(inputs, 0, refuse);
    return [{ dtype: sameType([x], numeric, refuse), shape: x.shape }];
  },
};

/** Inputs: trip count, condition, carried values. Outputs: carried values at the end, then stacked scan outputs. */
const loop: OpRow = {
  since: 21,
  infer: (inputs, attributes, refuse) => {
    const body = attributes['body'];
    if (typeof body !== 'object' || !('graph' in body)) return refuse('expected a body graph');
    const carried = inputs.length - 2;
    const { outputs } = body.graph;
    if (body.graph.inputs.length !== carried + 2 || outputs.length < carried + 1)
      refuse(
        `the body takes ${body.graph.inputs.length} and gives ${outputs.length} values for ${carried} carried ones`,
      );
    return outputs.slice(1).map((value, i) => {
      if (i >= carried) return { dtype: value.dtype, shape: ['steps', ...value.shape] };
      const start = at(inputs, i + 2, refuse);
      if (start.dtype !== value.dtype || start.shape.length !== value.shape.length)
        refuse(`carried value ${i} changes its type or rank`);
      return {
        dtype: value.dtype,
        shape: value.shape.map((dim, j) => (dim === start.shape[j] ? dim : `carried${i}.${j}`)),
      };
    });
  },
};

/** Every operator that a graph may hold. Adding one is a row here and a verdict in src/autodiff/rules/index.ts. */
export const opTable = {
  Identity: unary(21, ['float32', 'float64', 'int32', 'int64', 'bool']),
  Add: binary(14, numeric),
  Sub: binary(14, numeric),
  Mul: binary(14, numeric),
  Div: binary(14, floats),
  Min: binary(13, numeric),
  Neg: unary(13),
  Sqrt: unary(13),
  Exp: unary(13),
  Sigmoid: unary(13),
  MatMul: matMul,
  Gemm: gemm,
  Reshape: reshape,
  Transpose: transpose,
  Expand: expand,
  ReduceSum: reduction(13),
  ReduceMean: reduction(18),
  Softmax: alongAxis(13),
  LogSoftmax: alongAxis(13),
  SoftmaxCrossEntropyLoss: softmaxCrossEntropyLoss,
  Gather: gather,
  GatherElements: gatherElements,
  OneHot: oneHot,
  Concat: concat,
  Where: where,
  Cast: cast,
  Less: binary(13, numeric, 'bool'),
  Equal: binary(19, numeric, 'bool'),
  Or: binary(7, ['bool'], 'bool'),
  TopK: topK,
  CumSum: cumSum,
  Loop: loop,
} as const satisfies Readonly<Record<string, OpRow>>;

export type OpName = keyof typeof opTable;
