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
  type OpRow,
} from './inference';
import { compress, gather, gatherElements, oneHot, scatterElements, scatterND } from './picking';
import { expand, reshape, split, transpose } from './reshaping';

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
    const [inner, rows] = [a[a.length - 1], b[b.length - 2]];
    // Sizes that are only names are the runtime's to compare.
    if (typeof inner === 'number' && typeof rows === 'number' && inner !== rows) refuse('inner sizes differ');
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
      if (total === 0) total = dim;
      else total = typeof total === 'number' && typeof dim === 'number' ? total + dim : `${total}+${dim}`;
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

/**
 * RMSNorm of the last axis as one operator: y = x / rms(x) · scale, and 1 / rms(x) for its gradient. In ONNX Runtime's
 * default domain, though the standard does not have it.
 */
const simplifiedLayerNormalization: OpRow = {
  since: 1,
  infer: (inputs, attributes, refuse) => {
    const [x, scale] = [at(inputs, 0, refuse), at(inputs, 1, refuse)];
    const last = x.shape[x.shape.length - 1];
    if (attributes['axis'] !== -1 || attributes['stash_type'] !== 1)
      refuse('only axis -1 and stash_type 1 are emitted');
    if (scale.shape.length !== 1 || scale.shape[0] !== last) refuse('expected a scale of the last axis');
    const dtype = sameType(inputs, floats, refuse);
    return [
      { dtype, shape: x.shape },
      { dtype, shape: [...x.shape.slice(0, -1), 1] },
    ];
  },
};

/** x + skip, and its RMSNorm times scale: y first, then the sum. */
const skipSimplifiedLayerNormalization: OpRow = {
  since: 1,
  domain: 'com.microsoft',
  outputs: [0, 3],
  infer: (inputs, _, refuse) => {
    const [x, skip, scale] = [at(inputs, 0, refuse), at(inputs, 1, refuse), at(inputs, 2, refuse)];
    if (x.shape.length !== 3 || x.shape.join() !== skip.shape.join()) refuse('expected two inputs [B, T, D]');
    if (scale.shape.length !== 1 || scale.shape[0] !== x.shape[2]) refuse('expected a scale of the last axis');
    const dtype = sameType(inputs, ['float32'], refuse);
    return [
      { dtype, shape: x.shape },
      { dtype, shape: x.shape },
    ];
  },
};

/**
 * Rotary positions on x [B, T, heads · d] or [B, heads, T, d]: positions [B, T] int64 pick rows of cos and sin
 * [positions, d / 2]; the halves of a head are the pairs that turn, as Llama has them.
 */
const rotaryEmbedding: OpRow = {
  since: 1,
  domain: 'com.microsoft',
  infer: (inputs, attributes, refuse) => {
    const [x, positions] = [at(inputs, 0, refuse), at(inputs, 1, refuse)];
    const [cos, sin] = [at(inputs, 2, refuse), at(inputs, 3, refuse)];
    const heads = attributeInt(attributes, 'num_heads', refuse);
    if (attributes['interleaved'] !== 0) refuse('only halves are turned');
    const width = cos.shape[1];
    if (typeof width !== 'number' || cos.shape.join() !== sin.shape.join())
      return refuse('expected cos and sin [positions, d / 2]');
    const [batch, length] = x.shape.length === 4 ? [x.shape[0], x.shape[2]] : [x.shape[0], x.shape[1]];
    const rest = x.shape.length === 4 ? [x.shape[1], x.shape[3]] : [x.shape[2]];
    if (rest.join() !== (x.shape.length === 4 ? [heads, 2 * width] : [2 * width * heads]).join() || x.shape.length < 3)
      refuse('expected x [B, T, heads · d] or [B, heads, T, d]');
    if (positions.dtype !== 'int64' || positions.shape.join() !== [batch, length].join())
      refuse('expected int64 positions [B, T], a position per token');
    return [{ dtype: sameType([x, cos, sin], floats, refuse), shape: x.shape }];
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
  ReduceSumSquare: reduction(18),
  ReduceMean: reduction(18),
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  SkipSimplifiedLayerNormalization: skipSimplifiedLayerNormalization,
  RotaryEmbedding: rotaryEmbedding,
  Softmax: alongAxis(13),
  LogSoftmax: alongAxis(13),
  SoftmaxCrossEntropyLoss: softmaxCrossEntropyLoss,
  Gather: gather,
  GatherElements: gatherElements,
  Compress: compress,
  ScatterND: scatterND,
  ScatterElements: scatterElements,
  OneHot: oneHot,
  Concat: concat,
  Split: split,
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
