import { valueNamed, type GraphBuilder, type Value } from '../onnx/graph';
import { add, concat, gather, gemm, mul, reshape, rmsNorm, rotary, scale, transpose } from '../onnx/ops';
import { silu } from './activation';
import { scaledDotProduct } from './attention';
import { parametersOf, type ModelShape, type Parameter } from './modelShape';
import { rotaryHalves } from './rotary';

/** Parameters as graph values, by Hugging Face name; of low-rank factors too, where a linear is adapted by them. */
export type ParameterValues = ReadonlyMap<string, Value>;

export const parameterInput = (name: string): string => `param:${name}`;

/** Declares parameters as float32 graph inputs under `param:<name>`, so that weights can change between runs. */
export const parameterInputs = (
  b: GraphBuilder,
  shape: ModelShape,
  besides: readonly Parameter[] = [],
): ParameterValues =>
  new Map(
    [...parametersOf(shape), ...besides].map(({ name, dims }) => [
      name,
      b.input(parameterInput(name), 'float32', dims),
    ]),
  );

/** How a batch is laid out and computed. */
export interface Form {
  readonly batch: number;
  readonly length: number;
  /** Keep no activations inside a layer: compute them again for its gradient. */
  readonly recompute: boolean;
  /** alpha / rank of low-rank factors, where there are any. */
  readonly loraScale: number;
}

/** Token ids [B, T] int64, and for packed rows each token's position in its row (int64) and row number in its line (float32). */
export interface Tokens {
  readonly ids: Value;
  readonly packed?: { readonly positions: Value; readonly segments: Value };
}

/** x Wᵀ (+ bias) (+ scale · (x Aᵀ) Bᵀ) for x [N, in]. */
const linear = (b: GraphBuilder, p: ParameterValues, { loraScale }: Form, x: Value, name: string): Value => {
  let y = gemm(b, x, valueNamed(p, `${name}.weight`), false, true);
  const [bias, factorA, factorB] = ['bias', 'lora_A.weight', 'lora_B.weight'].map((part) => p.get(`${name}.${part}`));
  if (bias !== undefined) y = add(b, y, bias);
  if (factorA === undefined || factorB === undefined) return y;
  return add(b, y, gemm(b, scale(b, gemm(b, x, factorA, false, true), loraScale), factorB, false, true));
};

/** What every layer of a batch is given. */
interface Shared {
  readonly positions: Value;
  /** [positions, d / 2]. */
  readonly cos: Value;
  readonly sin: Value;
  /** Additive, broadcastable against [B, KV, rep·T, T]. */
  readonly mask: Value;
}

/** Rotary positions on x [B·T, heads·d]. Su et al. 2021. */
const rotate = (b: GraphBuilder, x: Value, heads: number, { batch, length }: Form, shared: Shared): Value => {
  const dims = x.shape.map(Number);
  const rows = reshape(b, x, [batch, length, dims[1] ?? 1]);
  return reshape(b, rotary(b, rows, shared, heads), dims);
};

/** Qwen3's norm of each head, where there are parameters for it; x [B·T, heads·d]. */
const headNorm = (b: GraphBuilder, p: ParameterValues, shape: ModelShape, x: Value, name: string): Value => {
  const weight = p.get(`${name}.weight`);
  if (weight === undefined) return x;
  const [rows = 1, width = 1] = x.shape.map(Number);
  const heads = reshape(b, x, [(rows * width) / shape.headDim, shape.headDim]);
  return reshape(b, rmsNorm(b, heads, weight, shape.rmsNormEps), [rows, width]);
};

/**
 * Causal attention of one layer on x [B·T, D]. Queries of one group are viewed as rep·T rows of its key head, so keys
 * are never copied. Ainslie et al. 2023.
 */
const selfAttention = (
  b: GraphBuilder,
  p: ParameterValues,
  shape: ModelShape,
  form: Form,
  shared: Shared,
  x: Value,
  at: string,
): Value => {
  const { heads, kvHeads, headDim } = shape;
  const { batch, length } = form;
  const split = (y: Value, count: number): Value =>
    transpose(b, reshape(b, y, [batch, length, count, headDim]), [0, 2, 1, 3]);
  const turned = (name: 'q' | 'k', count: number): Value => {
    const y = linear(b, p, form, x, `${at}.${name}_proj`);
    return split(rotate(b, headNorm(b, p, shape, y, `${at}.${name}_norm`), count, form, shared), count);
  };
  const q = reshape(b, turned('q', heads), [batch, kvHeads, (heads / kvHeads) * length, headDim]);
  const k = turned('k', kvHeads);
  const v = split(linear(b, p, form, x, `${at}.v_proj`), kvHeads);
  const context = reshape(b, scaledDotProduct(b, q, k, v, shared.mask), [batch, heads, length, headDim]);
  const merged = reshape(b, transpose(b, context, [0, 2, 1, 3]), [batch * length, heads * headDim]);
  return linear(b, p, form, merged, `${at}.o_proj`);
};

/** SwiGLU on x [B·T, D]. Shazeer 2020. */
const feedForward = (b: GraphBuilder, p: ParameterValues, form: Form, x: Value, at: string): Value => {
  const gate = silu(b, linear(b, p, form, x, `${at}.gate_proj`));
  return linear(b, p, form, mul(b, gate, linear(b, p, form, x, `${at}.up_proj`)), `${at}.down_proj`);
};

const layer = (
  b: GraphBuilder,
  p: ParameterValues,
  shape: ModelShape,
  form: Form,
  shared: Shared,
  start: Value,
  at: string,
): Value => {
  const norm = (x: Value, name: string): Value =>
    rmsNorm(b, x, valueNamed(p, `${at}.${name}.weight`), shape.rmsNormEps);
  const x = add(b, start, selfAttention(b, p, shape, form, shared, norm(start, 'input_layernorm'), `${at}.self_attn`));
  return add(b, x, feedForward(b, p, form, norm(x, 'post_attention_layernorm'), `${at}.mlp`));
};

/** Stands for minus infinity in additive masks: exp underflows to exactly 0, and no NaN can arise. */
export const masked = -1e9;

/** Additive causal mask [T, T]; with a sliding window, what is too far back is masked too. */
const causal = ({ slidingWindow = Number.POSITIVE_INFINITY }: ModelShape, length: number): number[] =>
  Array.from({ length: length * length }, (_, at) => {
    const [row, column] = [Math.floor(at / length), at % length];
    return column > row || column <= row - slidingWindow ? masked : 0;
  });

/**
 * The mask of a batch: causal, [rep·T, T]; for packed rows block-diagonal as well, [B, 1, rep·T, T], for which a token's
 * distance within its line is what it is within its row.
 */
const maskOf = (b: GraphBuilder, shape: ModelShape, { batch, length }: Form, { packed }: Tokens): Value => {
  const repeats = shape.heads / shape.kvHeads;
  const values = causal(shape, length);
  if (packed === undefined)
    return b.constant('float32', [repeats * length, length], Array.from({ length: repeats }, () => values).flat());
  const { segments } = packed;
  const rows = reshape(b, segments, [batch, length, 1]);
  const isOwn = b.one('Equal', [rows, reshape(b, segments, [batch, 1, length])]);
  const mask = b.one('Where', [isOwn, b.constant('float32', [length, length], values), b.scalar('float32', masked)]);
  const [once] = [reshape(b, mask, [batch, 1, length, length])];
  return repeats === 1
    ? once
    : concat(
        b,
        Array.from({ length: repeats }, () => once),
        2,
      );
};

const sharedOf = (b: GraphBuilder, shape: ModelShape, form: Form, tokens: Tokens): Shared => {
  const { batch, length } = form;
  const half = shape.headDim / 2;
  const { cos, sin } = rotaryHalves(shape, length);
  const inOrder = Array.from({ length: batch * length }, (_, i) => i % length);
  return {
    positions: tokens.packed?.positions ?? b.constant('int64', [batch, length], inOrder),
    cos: b.constant('float32', [length, half], cos),
    sin: b.constant('float32', [length, half], sin),
    mask: maskOf(b, shape, form, tokens),
  };
};

/** Logits [B·T, V] of lines of tokens, padding on the right. */
export const forward = (b: GraphBuilder, p: ParameterValues, shape: ModelShape, tokens: Tokens, form: Form): Value => {
  const { batch, length } = form;
  const shared = sharedOf(b, shape, form, tokens);
  const embedding = valueNamed(p, 'model.embed_tokens.weight');
  let x = gather(b, embedding, reshape(b, tokens.ids, [batch * length]), 0);
  for (let i = 0; i < shape.layers; i++)
    b.scope(`layer${i}`, () => {
      const body = (start: Value): Value => layer(b, p, shape, form, shared, start, `model.layers.${i}`);
      const [next] = form.recompute
        ? b.region(
            [x],
            () => [body(x)],
            () => ({ rebuild: ([again = x]) => [body(again)] }),
          )
        : [body(x)];
      x = next ?? x;
    });
  const normed = rmsNorm(b, x, valueNamed(p, 'model.norm.weight'), shape.rmsNormEps);
  return gemm(b, normed, shape.tiedEmbeddings ? embedding : valueNamed(p, 'lm_head.weight'), false, true);
};
