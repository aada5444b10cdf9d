/**
 * The shape of a Llama-family decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU, no biases.
 * Field names follow this code; src/train/checkpoint.ts maps them to a Hugging Face config.json and back.
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
}

export interface Parameter {
  /** Hugging Face's name, for example `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** Linear weights are [out, in], as PyTorch keeps them. */
  readonly dims: readonly number[];
  /** Weight decay leaves norms alone. */
  readonly kind: 'embedding' | 'linear' | 'norm';
}

/** Every parameter of a shape, in the one order that digests and optimizer state use. */
export const parametersOf = (shape: ModelShape): readonly Parameter[] => {
  const { vocabSize, hiddenSize: d, intermediateSize: f, headDim } = shape;
  const q = shape.heads * headDim;
  const kv = shape.kvHeads * headDim;
  const linear = (name: string, out: number, from: number): Parameter => ({ name, dims: [out, from], kind: 'linear' });
  const norm = (name: string): Parameter => ({ name, dims: [d], kind: 'norm' });
  const layer = (i: number): readonly Parameter[] => {
    const at = `model.layers.${i}`;
    return [
      norm(`${at}.input_layernorm.weight`),
      linear(`${at}.self_attn.q_proj.weight`, q, d),
      linear(`${at}.self_attn.k_proj.weight`, kv, d),
      linear(`${at}.self_attn.v_proj.weight`, kv, d),
      linear(`${at}.self_attn.o_proj.weight`, d, q),
      norm(`${at}.post_attention_layernorm.weight`),
      linear(`${at}.mlp.gate_proj.weight`, f, d),
      linear(`${at}.mlp.up_proj.weight`, f, d),
      linear(`${at}.mlp.down_proj.weight`, d, f),
    ];
  };
  return [
    { name: 'model.embed_tokens.weight', dims: [vocabSize, d], kind: 'embedding' },
    ...Array.from({ length: shape.layers }, (_, i) => layer(i)).flat(),
    norm('model.norm.weight'),
    ...(shape.tiedEmbeddings ? [] : [linear('lm_head.weight', vocabSize, d)]),
  ];
};

/** Row-major float32 weights by parameter name. */
export type Weights = ReadonlyMap<string, Float32Array>;
