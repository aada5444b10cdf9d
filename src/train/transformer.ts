import type { GraphBuilder, Value } from '../onnx/graph';
import {
  add,
  concat,
  div,
  gather,
  gemm,
  matMul,
  mul,
  reduceMean,
  reshape,
  scale,
  transpose,
  transposeLast,
} from '../onnx/ops';
import { parametersOf, type ModelShape } from './modelShape';

/** Parameters as graph values, by Hugging Face name. */
export type ParameterValues = ReadonlyMap<string, Value>;

/** Declares every parameter as a float32 graph input under `param:<name>`, so that weights can change between runs. */
export const parameterInputs = (b: GraphBuilder, shape: ModelShape): ParameterValues =>
  new Map(parametersOf(shape).map(({ name, dims }) => [name, b.input(parameterInput(name), 'float32', dims)]));

export const parameterInput = (name: string): string => `param:${name}`;

const parameter = (p: ParameterValues, name: string): Value => {
  const value = p.get(name);
  if (value === undefined) throw new Error(`no parameter "${name}"`);
  return value;
};

/** x / rms(x) · weight over the last axis; x [N, D]. Zhang and Sennrich 2019. */
const rmsNorm = (b: GraphBuilder, x: Value, weight: Value, eps: number): Value => {
  const meanSquare = reduceMean(b, mul(b, x, x), [-1], true);
  return mul(b, div(b, x, b.one('Sqrt', [add(b, meanSquare, b.scalar('float32', eps))])), weight);
};

/** Cosine and sine tables [maxPositions, headDim] of rotary positions, halves repeated as Llama does. Su et al. 2021. */
export const rotaryTables = (
  shape: ModelShape,
  positions: number,
): { readonly cos: number[]; readonly sin: number[] } => {
  const half = shape.headDim / 2;
  const cos: number[] = [];
  const sin: number[] = [];
  for (let position = 0; position < positions; position++)
    for (let i = 0; i < shape.headDim; i++) {
      const angle = position / shape.ropeTheta ** ((i % half) / half);
      cos.push(Math.cos(angle));
      sin.push(Math.sin(angle));
    }
  return { cos, sin };
};

/** The matrix R with x·R = (-x₂, x₁) for x = (x₁, x₂): one small MatMul instead of slices, exact since it holds 0 and ±1. */
const rotateHalf = (b: GraphBuilder, headDim: number): Value => {
  const half = headDim / 2;
  const values = Array.from({ length: headDim * headDim }, () => 0);
  for (let i = 0; i < half; i++) {
    values[(i + half) * headDim + i] = -1;
    values[i * headDim + i + half] = 1;
  }
  return b.constant('float32', [headDim, headDim], values);
};

/** Rotary positions on x [..., T, headDim], with cos and sin broadcast against it. */
const rotate = (b: GraphBuilder, x: Value, cos: Value, sin: Value, headDim: number): Value =>
  add(b, mul(b, x, cos), mul(b, matMul(b, x, rotateHalf(b, headDim)), sin));

/** Queries, keys and values of one layer: q [B, H, T, d], k and v [B, KV, T, d], positions already in q and k. */
export interface Heads {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

export interface Rows {
  readonly batch: number;
  readonly length: number;
  /** Rotary tables at each row's positions, broadcastable against [B, H, T, d]. */
  readonly cos: Value;
  readonly sin: Value;
}

const splitHeads = (b: GraphBuilder, x: Value, rows: Rows, heads: number, headDim: number): Value =>
  transpose(b, reshape(b, x, [rows.batch, rows.length, heads, headDim]), [0, 2, 1, 3]);

/**
 * The decoder stack on hidden states x [B·T, D]; `attend` turns a layer's heads into a context [B, H, T, d], so that
 * training (all positions at once) and decoding (a cache) share everything else. Returns the normed hidden states.
 */
export const decoderStack = (
  b: GraphBuilder,
  p: ParameterValues,
  shape: ModelShape,
  start: Value,
  rows: Rows,
  attend: (layer: number, heads: Heads) => Value,
): Value => {
  const { heads, kvHeads, headDim, rmsNormEps } = shape;
  let x = start;
  for (let i = 0; i < shape.layers; i++)
    b.scope(`layer${i}`, () => {
      const at = `model.layers.${i}`;
      const linear = (input: Value, name: string): Value =>
        gemm(b, input, parameter(p, `${at}.${name}.weight`), false, true);
      const normed = rmsNorm(b, x, parameter(p, `${at}.input_layernorm.weight`), rmsNormEps);
      const q = splitHeads(b, linear(normed, 'self_attn.q_proj'), rows, heads, headDim);
      const k = splitHeads(b, linear(normed, 'self_attn.k_proj'), rows, kvHeads, headDim);
      const v = splitHeads(b, linear(normed, 'self_attn.v_proj'), rows, kvHeads, headDim);
      const context = attend(i, {
        q: rotate(b, q, rows.cos, rows.sin, headDim),
        k: rotate(b, k, rows.cos, rows.sin, headDim),
        v,
      });
      const merged = reshape(b, transpose(b, context, [0, 2, 1, 3]), [rows.batch * rows.length, heads * headDim]);
      x = add(b, x, linear(merged, 'self_attn.o_proj'));
      const hidden = rmsNorm(b, x, parameter(p, `${at}.post_attention_layernorm.weight`), rmsNormEps);
      const gate = linear(hidden, 'mlp.gate_proj');
      const silu = mul(b, gate, b.one('Sigmoid', [gate]));
      x = add(b, x, linear(mul(b, silu, linear(hidden, 'mlp.up_proj')), 'mlp.down_proj'));
    });
  return rmsNorm(b, x, parameter(p, 'model.norm.weight'), rmsNormEps);
};

/**
 * Scaled dot-product attention with grouped queries: q [B, H, T, d], k and v [B, KV, S, d], mask broadcastable against
 * [B, KV, rep·T, S]. Queries of one group are viewed as rep·T rows of its key head, so keys are never copied.
 */
export const attention = (b: GraphBuilder, shape: ModelShape, { q, k, v }: Heads, rows: Rows, mask: Value): Value => {
  const { heads, kvHeads, headDim } = shape;
  const repeats = heads / kvHeads;
  const grouped = reshape(b, scale(b, q, 1 / Math.sqrt(headDim)), [
    rows.batch,
    kvHeads,
    repeats * rows.length,
    headDim,
  ]);
  const scores = add(b, matMul(b, grouped, transposeLast(b, k)), mask);
  const context = matMul(b, b.one('Softmax', [scores], { axis: -1 }), v);
  return reshape(b, context, [rows.batch, heads, rows.length, headDim]);
};

/** Stands for minus infinity in additive masks: exp underflows to exactly 0, and no NaN can arise. */
export const masked = -1e9;

/** Additive causal mask [repeats·T, T]. */
export const causalMask = (b: GraphBuilder, length: number, repeats: number): Value => {
  const values = Array.from({ length: repeats * length * length }, (_, at) => {
    const row = Math.floor(at / length) % length;
    return at % length > row ? masked : 0;
  });
  return b.constant('float32', [repeats * length, length], values);
};

/** Token embeddings of ids [...]: the ids' shape with D appended. */
export const embed = (b: GraphBuilder, p: ParameterValues, ids: Value): Value =>
  gather(b, parameter(p, 'model.embed_tokens.weight'), ids, 0);

/** Logits [N, V] of hidden states [N, D]. */
export const head = (b: GraphBuilder, p: ParameterValues, shape: ModelShape, hidden: Value): Value =>
  gemm(b, hidden, parameter(p, shape.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'), false, true);

/** Logits [B·T, V] of full rows of token ids [B, T], position 0 first, padding on the right. */
export const forward = (
  b: GraphBuilder,
  p: ParameterValues,
  shape: ModelShape,
  ids: Value,
  batch: number,
  length: number,
): Value => {
  const { cos, sin } = rotaryTables(shape, length);
  const rows: Rows = {
    batch,
    length,
    cos: b.constant('float32', [length, shape.headDim], cos),
    sin: b.constant('float32', [length, shape.headDim], sin),
  };
  const mask = causalMask(b, length, shape.heads / shape.kvHeads);
  const x = reshape(b, embed(b, p, ids), [batch * length, shape.hiddenSize]);
  return head(
    b,
    p,
    shape,
    decoderStack(b, p, shape, x, rows, (_, heads) => attention(b, shape, heads, rows, mask)),
  );
};

/** A cache grown by the keys or values of one more step, along the sequence axis. */
export const growCache = (b: GraphBuilder, past: Value, now: Value): Value => concat(b, [past, now], 2);
