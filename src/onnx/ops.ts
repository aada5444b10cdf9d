import type { DType } from '../ports/tensorRuntime';
import type { GraphBuilder, Value } from './graph';
import { dtypeCode } from './opTable';

// One typed function per operator that is emitted from more than one place; the rest call `b.one(op, ...)`.

export const add = (b: GraphBuilder, x: Value, y: Value): Value => b.one('Add', [x, y]);
export const sub = (b: GraphBuilder, x: Value, y: Value): Value => b.one('Sub', [x, y]);
export const mul = (b: GraphBuilder, x: Value, y: Value): Value => b.one('Mul', [x, y]);
export const div = (b: GraphBuilder, x: Value, y: Value): Value => b.one('Div', [x, y]);

/** x times a number. */
export const scale = (b: GraphBuilder, x: Value, factor: number): Value => mul(b, x, b.scalar(x.dtype, factor));

/** a [..., M, K] times b [..., K, N], batch dimensions broadcast. */
export const matMul = (b: GraphBuilder, x: Value, y: Value): Value => b.one('MatMul', [x, y]);

/** op(a) op(b) for matrices, where op transposes if asked. */
export const gemm = (b: GraphBuilder, x: Value, y: Value, transA = false, transB = false): Value =>
  b.one('Gemm', [x, y], { transA: transA ? 1 : 0, transB: transB ? 1 : 0 });

export const reshape = (b: GraphBuilder, x: Value, shape: readonly number[]): Value =>
  b.one('Reshape', [x, b.ints(shape)]);
export const transpose = (b: GraphBuilder, x: Value, perm: readonly number[]): Value =>
  b.one('Transpose', [x], { perm });

/** Swaps the last two axes. */
export const transposeLast = (b: GraphBuilder, x: Value): Value => {
  const rank = x.shape.length;
  return transpose(b, x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2]);
};

export const reduceSum = (b: GraphBuilder, x: Value, axes: readonly number[], keepdims: boolean): Value =>
  b.one('ReduceSum', [x, b.ints(axes)], { keepdims: keepdims ? 1 : 0 });
export const reduceMean = (b: GraphBuilder, x: Value, axes: readonly number[], keepdims: boolean): Value =>
  b.one('ReduceMean', [x, b.ints(axes)], { keepdims: keepdims ? 1 : 0 });

/** The sum of all elements, a scalar. */
export const sumAll = (b: GraphBuilder, x: Value): Value =>
  reduceSum(
    b,
    x,
    x.shape.map((_, i) => i),
    false,
  );

export const cast = (b: GraphBuilder, x: Value, dtype: DType): Value => b.one('Cast', [x], { to: dtypeCode[dtype] });
export const gather = (b: GraphBuilder, x: Value, indices: Value, axis: number): Value =>
  b.one('Gather', [x, indices], { axis });
export const concat = (b: GraphBuilder, values: readonly Value[], axis: number): Value =>
  b.one('Concat', values, { axis });

/** 1 at the index and 0 elsewhere, along a new last axis of size `depth`. */
export const oneHot = (b: GraphBuilder, indices: Value, depth: number, dtype: DType): Value =>
  b.one('OneHot', [indices, b.scalar('int64', depth), b.constant(dtype, [2], [0, 1])], { axis: -1 });

/** x / rms(x) · weight over the last axis. Zhang and Sennrich 2019. */
export const rmsNorm = (b: GraphBuilder, x: Value, weight: Value, epsilon: number): Value => {
  const [y] = b.emit('SimplifiedLayerNormalization', [x, weight], {
    axis: -1,
    epsilon: { float: epsilon },
    stash_type: 1,
  });
  if (y === undefined) throw new Error('a norm has an output');
  return y;
};

/** Rotary positions on x [B, T, heads · d] or [B, heads, T, d]; cos and sin [positions, d / 2]. Su et al. 2021. */
export const rotary = (
  b: GraphBuilder,
  x: Value,
  { positions, cos, sin }: { readonly positions: Value; readonly cos: Value; readonly sin: Value },
  heads: number,
): Value =>
  b.one('RotaryEmbedding', [x, positions, cos, sin], { num_heads: heads, interleaved: 0, scale: { float: 1 } });
