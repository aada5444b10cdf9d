import { valueNamed, type GraphBuilder, type Value } from '../../onnx/graph';
import { add, gather, gemm, matMul, mul, rmsNorm, rotary } from '../../onnx/ops';
import type { ModelShape } from '../modelShape';

/** Weights and rotary tables as values of a graph, by the names of decodeWeights.ts. */
export type DecodeValues = ReadonlyMap<string, Value>;

/** Queries [B, H, T, d], keys and values [B, KV, T, d] of one layer: positions are in, and 1/√d is in the queries. */
export interface LayerHeads {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/** Parts of x along an axis, in the given sizes. */
export const split = (b: GraphBuilder, x: Value, sizes: Value, axis: number): readonly [Value, Value, ...Value[]] => {
  const [first, second, ...more] = b.emit('Split', [x, sizes], { axis });
  if (first === undefined || second === undefined) throw new Error('a split has two parts at least');
  return [first, second, ...more];
};

const linear = (b: GraphBuilder, w: DecodeValues, x: Value, name: string): Value => {
  const product = matMul(b, x, valueNamed(w, name));
  const bias = w.get(`${name}.bias`);
  return bias === undefined ? product : add(b, product, bias);
};

/** Token embeddings [B, T, D] of ids [B, T]. */
export const embedded = (b: GraphBuilder, w: DecodeValues, ids: Value): Value =>
  gather(b, valueNamed(w, 'embed'), ids, 0);

/** Logits [N, V] of hidden states [N, D]. */
export const logitsOf = (b: GraphBuilder, w: DecodeValues, hidden: Value): Value =>
  gemm(b, hidden, w.get('head') ?? valueNamed(w, 'embed'), false, true);

/** Queries, keys and values of layer `i` from qkv [B, H + 2 KV, T, d]. */
const headsOf = (
  b: GraphBuilder,
  w: DecodeValues,
  { heads, kvHeads, rmsNormEps }: ModelShape,
  i: number,
  qkv: Value,
  positions: Value,
): LayerHeads => {
  const tables = { positions, cos: valueNamed(w, 'cos'), sin: valueNamed(w, 'sin') };
  const rotated = (x: Value, count: number): Value => rotary(b, x, tables, count);
  // Queries and keys turn together: one operator less.
  const [qk, v] = split(b, qkv, b.ints([heads + kvHeads, kvHeads]), 1);
  const apart = (x: Value) => split(b, x, b.ints([heads, kvHeads]), 1);
  const [qNorm, kNorm] = [w.get(`${i}.qNorm`), w.get(`${i}.kNorm`)];
  if (qNorm === undefined || kNorm === undefined) {
    const [q, k] = apart(rotated(qk, heads + kvHeads));
    return { q, k, v };
  }
  const [q, k] = apart(qk);
  const normed = (x: Value, weight: Value): Value => rmsNorm(b, x, weight, rmsNormEps);
  return { q: rotated(normed(q, qNorm), heads), k: rotated(normed(k, kNorm), kvHeads), v };
};

/**
 * The decoder's layers on hidden states x [B, T, D] at positions [B, T]: the mathematics of transformer.ts in operators
 * that suit small batches. `byHead` turns [B, T, heads · d] into [B, heads, T, d]; `attend` turns a layer's heads into a
 * context [B, T, H·d]. Returns the normed hidden states.
 */
export const decoderLayers = (
  b: GraphBuilder,
  w: DecodeValues,
  shape: ModelShape,
  start: Value,
  positions: Value,
  byHead: (x: Value) => Value,
  attend: (layer: number, heads: LayerHeads) => Value,
): Value => {
  const norm = (x: Value, name: string): Value => rmsNorm(b, x, valueNamed(w, name), shape.rmsNormEps);
  /** The sum, and its norm. */
  const addAndNorm = (x: Value, y: Value, name: string): readonly [Value, Value] => {
    const [normed, sum] = b.emit('SkipSimplifiedLayerNormalization', [x, y, valueNamed(w, name)], {
      epsilon: { float: shape.rmsNormEps },
    });
    if (normed === undefined || sum === undefined) throw new Error('a norm of a sum has two outputs');
    return [sum, normed];
  };
  let [x, normed] = [start, norm(start, '0.norm1')];
  for (let i = 0; i < shape.layers; i++)
    b.scope(`layer${i}`, () => {
      const heads = headsOf(b, w, shape, i, byHead(linear(b, w, normed, `${i}.qkv`)), positions);
      [x, normed] = addAndNorm(x, linear(b, w, attend(i, heads), `${i}.o`), `${i}.norm2`);
      const gate = linear(b, w, normed, `${i}.gate`);
      const silu = mul(b, gate, b.one('Sigmoid', [gate]));
      const forward = linear(b, w, mul(b, silu, linear(b, w, normed, `${i}.up`)), `${i}.down`);
      [x, normed] = addAndNorm(x, forward, i + 1 < shape.layers ? `${i + 1}.norm1` : 'norm');
    });
  return normed;
};
