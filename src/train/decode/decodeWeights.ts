import type { GraphBuilder, Value } from '../../onnx/graph';
import type { Tensor } from '../../ports/tensorRuntime';
import type { ModelShape, Weights } from '../modelShape';
import { rotaryHalves } from '../rotary';
import { unshared } from '../vectorBlocks';

/** What the decoding graphs compute with, by a name of their own; linear weights are [in, out]. */
export interface DecodeWeights {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /**
   * Constants of the graph, or inputs `weight:<name>` of every run. As constants the runtime packs them once: faster,
   * and a row's sums are the same in every batch and on every number of threads (test/train/decode/bits.test.ts).
   */
  readonly as: 'constants' | 'inputs';
}

interface Part {
  readonly weight: Float32Array;
  readonly factor: number;
}

export const float32 = (dims: readonly number[], data: Float32Array): Tensor => ({ dtype: 'float32', dims, data });

/** Matrices [out, in] side by side as one [in, Σ out], each times its factor. */
const sideBySide = (inner: number, parts: readonly Part[]): Tensor => {
  const width = parts.reduce((sum, { weight }) => sum + weight.length / inner, 0);
  const data = new Float32Array(inner * width);
  let column = 0;
  for (const { weight, factor } of parts)
    for (let from = 0; from < weight.length; from += inner, column++)
      for (let i = 0; i < inner; i++) data[i * width + column] = (weight[from + i] ?? 0) * factor;
  return float32([inner, width], data);
};

const oneAfterAnother = (parts: readonly Part[]): Tensor => {
  const data = new Float32Array(parts.reduce((sum, { weight }) => sum + weight.length, 0));
  let at = 0;
  for (const { weight, factor } of parts) for (const value of weight) data[at++] = value * factor;
  return float32([data.length], data);
};

/**
 * A student's weights laid out for decoding up to so many positions: queries, keys and values are one matrix, and the
 * 1/√d of attention is in the queries' weights (in those of their norm where they have one).
 */
export const decodeTensors = (shape: ModelShape, weights: Weights, positions: number): ReadonlyMap<string, Tensor> => {
  const { hiddenSize, intermediateSize, vocabSize, heads, headDim } = shape;
  const tensors = new Map<string, Tensor>(
    Object.entries(rotaryHalves(shape, positions)).map(([name, table]) => [
      name,
      float32([positions, headDim / 2], Float32Array.from(table)),
    ]),
  );
  const find = (name: string): Float32Array => {
    const weight = weights.get(name);
    if (weight === undefined) throw new Error(`no weights for "${name}"`);
    return weight;
  };
  const factor = 1 / Math.sqrt(headDim);
  const vector = (as: string, name: string, times = 1): void =>
    void tensors.set(as, oneAfterAnother([{ weight: find(name), factor: times }]));
  const linear = (as: string, inner: number, names: readonly string[], factors: readonly number[] = []): void => {
    const parts = (kind: 'weight' | 'bias'): readonly Part[] =>
      names.map((name, i) => ({ weight: find(`${name}.${kind}`), factor: factors[i] ?? 1 }));
    tensors.set(as, sideBySide(inner, parts('weight')));
    if (names.every((name) => weights.has(`${name}.bias`))) tensors.set(`${as}.bias`, oneAfterAnother(parts('bias')));
  };
  tensors.set('embed', float32([vocabSize, hiddenSize], find('model.embed_tokens.weight')));
  if (!shape.tiedEmbeddings) tensors.set('head', float32([vocabSize, hiddenSize], find('lm_head.weight')));
  vector('norm', 'model.norm.weight');
  for (let i = 0; i < shape.layers; i++) {
    const at = `model.layers.${i}`;
    const isNormed = weights.has(`${at}.self_attn.q_norm.weight`);
    const projections = ['q_proj', 'k_proj', 'v_proj'].map((name) => `${at}.self_attn.${name}`);
    vector(`${i}.norm1`, `${at}.input_layernorm.weight`);
    linear(`${i}.qkv`, hiddenSize, projections, isNormed ? [] : [factor]);
    if (isNormed) vector(`${i}.qNorm`, `${at}.self_attn.q_norm.weight`, factor);
    if (isNormed) vector(`${i}.kNorm`, `${at}.self_attn.k_norm.weight`);
    linear(`${i}.o`, heads * headDim, [`${at}.self_attn.o_proj`]);
    vector(`${i}.norm2`, `${at}.post_attention_layernorm.weight`);
    linear(`${i}.gate`, hiddenSize, [`${at}.mlp.gate_proj`]);
    linear(`${i}.up`, hiddenSize, [`${at}.mlp.up_proj`]);
    linear(`${i}.down`, intermediateSize, [`${at}.mlp.down_proj`]);
  }
  return tensors;
};

const inputName = (name: string): string => `weight:${name}`;

/** The weights as values of a graph, by name. */
export const weightValues = (b: GraphBuilder, { tensors, as }: DecodeWeights): ReadonlyMap<string, Value> =>
  new Map(
    [...tensors].map(([name, tensor]) => {
      const { dtype, dims } = tensor;
      if (as === 'inputs') return [name, b.input(inputName(name), dtype, dims)];
      // Not `constant`, which would compare all their numbers.
      const value: Value = { name: inputName(name), dtype, shape: dims, constant: tensor };
      b.constants.push(value);
      return [name, value];
    }),
  );

/** What every run of a graph is fed for its weights. */
export const weightFeeds = ({ tensors, as }: DecodeWeights): Readonly<Record<string, Tensor>> =>
  as === 'constants'
    ? {}
    : Object.fromEntries(
        [...tensors].map(([name, tensor]) => [inputName(name), { ...tensor, data: unshared(tensor.data) }]),
      );
