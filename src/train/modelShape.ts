/** Rotary frequencies that are lowered for rows longer than the model was pretrained on; src/train/rotary.ts. */
export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalMaxPositions: number;
    };

/**
 * The shape of a Llama-family decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU.
 * Field names follow this code; src/train/checkpointConfig.ts maps them to a Hugging Face config.json and back.
 *
 * The optional fields say where a model is other than plain Llama. They are absent where it is not, and have no value
 * that would say the same: shapes are hashed into training ids and written to ledgers, so each model has one spelling,
 * and that of a plain Llama is the one it had before there were other families.
 */
export interface ModelShape {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly rmsNormEps: number;
  /** The output head is the embedding matrix. */
  readonly tiedEmbeddings: boolean;
  /** Longest row, in tokens. */
  readonly maxPositions: number;
  /** Absent: Llama. Qwen2 has biases on queries, keys and values; Qwen3 norms each head of queries and keys. */
  readonly family?: 'mistral' | 'qwen2' | 'qwen3';
  /** Biases on the four projections of attention (Llama and Qwen3). */
  readonly attentionBias?: true;
  /** Biases on the three projections of the MLP (Llama). */
  readonly mlpBias?: true;
  /** A token attends to itself and to the tokens before it, this many in all. Absent: to all of them. */
  readonly slidingWindow?: number;
  readonly ropeScaling?: RopeScaling;
}

export interface Parameter {
  /** Hugging Face's name, for example `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** Linear weights are [out, in], as PyTorch keeps them. */
  readonly dims: readonly number[];
  /** Weight decay leaves norms and biases alone. */
  readonly kind: 'embedding' | 'linear' | 'norm' | 'bias';
}

/** Every parameter of a shape, in the one order that digests and optimizer state use. */
export const parametersOf = (shape: ModelShape): readonly Parameter[] => {
  const { vocabSize, hiddenSize: d, intermediateSize: f, headDim } = shape;
  const q = shape.heads * headDim;
  const kv = shape.kvHeads * headDim;
  const attentionBias = shape.attentionBias === true;
  const qkvBias = attentionBias || shape.family === 'qwen2';
  const mlpBias = shape.mlpBias === true;
  const linear = (name: string, out: number, from: number, hasBias = false): readonly Parameter[] => [
    { name: `${name}.weight`, dims: [out, from], kind: 'linear' },
    ...(hasBias ? [{ name: `${name}.bias`, dims: [out], kind: 'bias' } as const] : []),
  ];
  const norm = (name: string, size = d): Parameter => ({ name: `${name}.weight`, dims: [size], kind: 'norm' });
  const layer = (i: number): readonly Parameter[] => {
    const at = `model.layers.${i}`;
    return [
      norm(`${at}.input_layernorm`),
      ...linear(`${at}.self_attn.q_proj`, q, d, qkvBias),
      ...linear(`${at}.self_attn.k_proj`, kv, d, qkvBias),
      ...linear(`${at}.self_attn.v_proj`, kv, d, qkvBias),
      ...linear(`${at}.self_attn.o_proj`, d, q, attentionBias),
      ...(shape.family === 'qwen3' ? ['q_norm', 'k_norm'].map((name) => norm(`${at}.self_attn.${name}`, headDim)) : []),
      norm(`${at}.post_attention_layernorm`),
      ...linear(`${at}.mlp.gate_proj`, f, d, mlpBias),
      ...linear(`${at}.mlp.up_proj`, f, d, mlpBias),
      ...linear(`${at}.mlp.down_proj`, d, f, mlpBias),
    ];
  };
  return [
    { name: 'model.embed_tokens.weight', dims: [vocabSize, d], kind: 'embedding' },
    ...Array.from({ length: shape.layers }, (_, i) => layer(i)).flat(),
    norm('model.norm'),
    ...(shape.tiedEmbeddings ? [] : linear('lm_head', vocabSize, d)),
  ];
};

/** How many numbers parameters have. */
export const numbersOf = (parameters: readonly Parameter[]): number =>
  parameters.reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0);

/** Row-major float32 weights by parameter name. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** How many numbers weights have. */
export const sizeOfWeights = (weights: Weights): number => {
  let numbers = 0;
  for (const { length } of weights.values()) numbers += length;
  return numbers;
};
