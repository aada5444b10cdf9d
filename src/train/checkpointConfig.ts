import type { Either } from 'fp-ts/Either';
import { isLeft, left, right } from 'fp-ts/Either';
import type { JsonObject } from './jsonShape';
import { isCount, isObject, isRecordOf, quoted } from './jsonShape';
import type { ModelShape } from './modelShape';

/** `field` is a key of config.json or a tensor's name; empty where the file as a whole is meant. */
export interface CheckpointError {
  readonly tag:
    | 'FileMissing'
    | 'FileDamaged'
    /** A model that this code does not have, such as one with biases or scaled positions. */
    | 'ConfigUnsupported'
    | 'ConfigDamaged'
    | 'TensorMissing'
    | 'TensorExtra'
    | 'TensorShape';
  readonly file: string;
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

/** config.json of a shape, with the keys and the order that transformers writes. */
export const configOf = (shape: ModelShape, endId: number): JsonObject => ({
  architectures: ['LlamaForCausalLM'],
  attention_bias: false,
  attention_dropout: 0,
  bos_token_id: endId,
  eos_token_id: endId,
  head_dim: shape.headDim,
  hidden_act: 'silu',
  hidden_size: shape.hiddenSize,
  initializer_range: 0.02,
  intermediate_size: shape.intermediateSize,
  max_position_embeddings: shape.maxPositions,
  mlp_bias: false,
  model_type: 'llama',
  num_attention_heads: shape.heads,
  num_hidden_layers: shape.layers,
  num_key_value_heads: shape.kvHeads,
  pad_token_id: endId,
  pretraining_tp: 1,
  rms_norm_eps: shape.rmsNormEps,
  rope_scaling: null,
  rope_theta: shape.ropeTheta,
  tie_word_embeddings: shape.tiedEmbeddings,
  torch_dtype: 'float32',
  use_cache: true,
  vocab_size: shape.vocabSize,
});

/** Keys that may be absent or have exactly one of these values; any other is a model that a shape cannot express. */
const required: { readonly [field: string]: readonly unknown[] } = {
  hidden_act: ['silu', 'swish'],
  attention_bias: [false, null],
  mlp_bias: [false, null],
  attention_dropout: [0, null],
  rope_scaling: [null],
  partial_rotary_factor: [1, null],
  sliding_window: [null],
  quantization_config: [null],
};

/** What transformers takes where config.json has no such key. */
const defaults = { rms_norm_eps: 1e-6, rope_theta: 10_000, max_position_embeddings: 2048 };

type Read<T> = Either<CheckpointError, T>;

const wrong = (tag: CheckpointError['tag'], field: string, expected: string, got: unknown) =>
  left<CheckpointError>({ tag, file: 'config.json', field, expected, got: quoted(got) });

const unsupportedField = (config: JsonObject): Read<null> => {
  const { architectures, model_type: type, rope_parameters: rope } = config;
  if (!Array.isArray(architectures) || architectures.length !== 1 || architectures[0] !== 'LlamaForCausalLM') {
    return wrong('ConfigUnsupported', 'architectures', '["LlamaForCausalLM"]', architectures);
  }
  if (type !== 'llama') return wrong('ConfigUnsupported', 'model_type', '"llama"', type);
  for (const [field, values] of Object.entries(required)) {
    const value = config[field] ?? (values.includes(null) ? null : values[0]);
    if (!values.includes(value)) return wrong('ConfigUnsupported', field, quoted(values[0]), value);
  }
  if (isObject(rope) && (rope['rope_type'] ?? 'default') !== 'default') {
    return wrong('ConfigUnsupported', 'rope_parameters.rope_type', '"default"', rope['rope_type']);
  }
  return right(null);
};

const isSize = (value: unknown): value is number => isCount(value) && value > 0;
const isPositive = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0;

/** The shape and the end token's id of a config.json, with transformers' defaults for absent keys. */
export const shapeOfConfig = (config: JsonObject): Read<{ readonly shape: ModelShape; readonly endId: number }> => {
  const refused = unsupportedField(config);
  if (isLeft(refused)) return refused;
  const { rope_parameters: rope, eos_token_id: eos } = config;
  const heads = config['num_attention_heads'];
  const hiddenSize = config['hidden_size'];
  const perHead = isSize(heads) && isSize(hiddenSize) ? hiddenSize / heads : undefined;
  const sizes = {
    vocab_size: config['vocab_size'],
    hidden_size: hiddenSize,
    intermediate_size: config['intermediate_size'],
    num_hidden_layers: config['num_hidden_layers'],
    num_attention_heads: heads,
    num_key_value_heads: config['num_key_value_heads'] ?? heads,
    head_dim: config['head_dim'] ?? perHead,
    max_position_embeddings: config['max_position_embeddings'] ?? defaults.max_position_embeddings,
  };
  if (!isRecordOf(sizes, isSize)) {
    const [field = '', value] = Object.entries(sizes).find(([, each]) => !isSize(each)) ?? [];
    return wrong('ConfigDamaged', field, 'a positive integer', value);
  }
  const ropeTheta = (isObject(rope) ? rope['rope_theta'] : undefined) ?? config['rope_theta'] ?? defaults.rope_theta;
  const rmsNormEps = config['rms_norm_eps'] ?? defaults.rms_norm_eps;
  const tiedEmbeddings = config['tie_word_embeddings'] ?? false;
  const endId: unknown = Array.isArray(eos) ? eos[0] : eos;
  if (!isPositive(ropeTheta)) return wrong('ConfigDamaged', 'rope_theta', 'a positive number', ropeTheta);
  if (!isPositive(rmsNormEps)) return wrong('ConfigDamaged', 'rms_norm_eps', 'a positive number', rmsNormEps);
  if (typeof tiedEmbeddings !== 'boolean') {
    return wrong('ConfigDamaged', 'tie_word_embeddings', 'true or false', tiedEmbeddings);
  }
  if (sizes.num_attention_heads % sizes.num_key_value_heads !== 0) {
    const expected = `a divisor of num_attention_heads, ${sizes.num_attention_heads}`;
    return wrong('ConfigDamaged', 'num_key_value_heads', expected, sizes.num_key_value_heads);
  }
  if (sizes.head_dim % 2 !== 0) return wrong('ConfigDamaged', 'head_dim', 'an even number', sizes.head_dim);
  if (!isCount(endId) || endId >= sizes.vocab_size) {
    return wrong('ConfigDamaged', 'eos_token_id', `an id below vocab_size, ${sizes.vocab_size}`, eos);
  }
  const shape: ModelShape = {
    vocabSize: sizes.vocab_size,
    hiddenSize: sizes.hidden_size,
    intermediateSize: sizes.intermediate_size,
    layers: sizes.num_hidden_layers,
    heads: sizes.num_attention_heads,
    kvHeads: sizes.num_key_value_heads,
    headDim: sizes.head_dim,
    ropeTheta,
    rmsNormEps,
    tiedEmbeddings,
    maxPositions: sizes.max_position_embeddings,
  };
  return right({ shape, endId });
};
