import type { Either } from 'fp-ts/Either';
import { isLeft, right } from 'fp-ts/Either';
import type { CheckpointError } from './checkpointError';
import { wrongConfig } from './checkpointError';
import { ropeOf, scalingConfig } from './checkpointRope';
import type { JsonObject } from './jsonShape';
import { isCount, isRecordOf, quoted } from './jsonShape';
import type { WrittenType } from './floatBytes';
import type { ModelShape } from './modelShape';

type FamilyName = NonNullable<ModelShape['family']> | 'llama';

/** What transformers has for a `model_type`: its class, and what it takes where config.json has no such key. */
interface Family {
  readonly architecture: string;
  readonly maxPositions: number;
  /** Null: as many as there are heads. */
  readonly kvHeads: number | null;
  /** Null: hidden_size / num_attention_heads. */
  readonly headDim: number | null;
  /** Keys that say whether there are biases; elsewhere they may only say that there are none. */
  readonly biases: readonly ('attention_bias' | 'mlp_bias')[];
}

const families: Readonly<Record<FamilyName, Family>> = {
  llama: {
    architecture: 'LlamaForCausalLM',
    maxPositions: 2048,
    kvHeads: null,
    headDim: null,
    biases: ['attention_bias', 'mlp_bias'],
  },
  mistral: { architecture: 'MistralForCausalLM', maxPositions: 131_072, kvHeads: 8, headDim: null, biases: [] },
  qwen2: { architecture: 'Qwen2ForCausalLM', maxPositions: 32_768, kvHeads: 32, headDim: null, biases: [] },
  qwen3: {
    architecture: 'Qwen3ForCausalLM',
    maxPositions: 32_768,
    kvHeads: 32,
    headDim: 128,
    biases: ['attention_bias'],
  },
};

const isFamily = (name: unknown): name is FamilyName => typeof name === 'string' && Object.hasOwn(families, name);

/** The special ids of a config.json. */
export interface SpecialIds {
  readonly bos: number | null;
  /** At least one; rows end with the first. */
  readonly eos: readonly number[];
  readonly pad: number | null;
}

/** The sliding window's keys: Mistral has one for all layers, Qwen one for the layers from max_window_layers on. */
const windowConfig = (shape: ModelShape): JsonObject => {
  const window = shape.slidingWindow ?? null;
  if (shape.family === 'mistral') return { sliding_window: window };
  if (shape.family === undefined) return {};
  const from = window === null ? shape.layers : 0;
  return { max_window_layers: from, sliding_window: window, use_sliding_window: window !== null };
};

/**
 * config.json of a shape, with the keys that transformers 4 writes, in their order; transformers 5 reads them too. The
 * form that 5 writes (`rope_parameters`, `dtype`) would be read by 4 as if its values were absent.
 */
const configOf = (shape: ModelShape, { bos, eos, pad }: SpecialIds, dtype: WrittenType): JsonObject => {
  const family = shape.family ?? 'llama';
  const { architecture, biases } = families[family];
  const has = { attention_bias: shape.attentionBias === true, mlp_bias: shape.mlpBias === true };
  const config: JsonObject = {
    architectures: [architecture],
    ...Object.fromEntries(biases.map((key) => [key, has[key]])),
    ...(family === 'llama' ? { pretraining_tp: 1 } : {}),
    ...windowConfig(shape),
    attention_dropout: 0,
    bos_token_id: bos,
    eos_token_id: eos.length === 1 ? eos[0] : eos,
    head_dim: shape.headDim,
    hidden_act: 'silu',
    hidden_size: shape.hiddenSize,
    initializer_range: 0.02,
    intermediate_size: shape.intermediateSize,
    max_position_embeddings: shape.maxPositions,
    model_type: family,
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    num_key_value_heads: shape.kvHeads,
    pad_token_id: pad,
    rms_norm_eps: shape.rmsNormEps,
    rope_scaling: scalingConfig(shape.ropeScaling),
    rope_theta: shape.ropeTheta,
    tie_word_embeddings: shape.tiedEmbeddings,
    torch_dtype: dtype === 'F32' ? 'float32' : 'bfloat16',
    use_cache: true,
    vocab_size: shape.vocabSize,
  };
  return Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** config.json's text. Factors of scaled positions are written as `8.0`: transformers 4 warns of an integer there. */
export const configText = (shape: ModelShape, specials: SpecialIds, dtype: WrittenType): string => {
  const text = JSON.stringify(configOf(shape, specials, dtype), null, 2);
  return `${text.replaceAll(/("(?:(?:low|high)_freq_)?factor": \d+)(?=,?\n)/g, '$1.0')}\n`;
};

/** Keys that may be absent or have exactly one of these values; any other is a model that a shape cannot express. */
const required: { readonly [field: string]: readonly unknown[] } = {
  hidden_act: ['silu', 'swish'],
  attention_dropout: [0, null],
  partial_rotary_factor: [1, null],
  rope_interleaved: [false, null],
  use_mrope: [false, null],
  original_max_position_embeddings: [null],
  quantization_config: [null],
};

type Read<T> = Either<CheckpointError, T>;

const familyOf = (config: JsonObject): Read<FamilyName> => {
  const { architectures, model_type: name } = config;
  if (!isFamily(name)) {
    const known = Object.keys(families).map((each) => quoted(each));
    return wrongConfig('ConfigUnsupported', 'model_type', known.join(', '), name);
  }
  const { architecture, biases } = families[name];
  if (!Array.isArray(architectures) || architectures.length !== 1 || architectures[0] !== architecture) {
    return wrongConfig('ConfigUnsupported', 'architectures', quoted([architecture]), architectures);
  }
  const allowed: typeof required = {
    ...required,
    ...(biases.includes('attention_bias') ? {} : { attention_bias: [false, null] }),
    ...(biases.includes('mlp_bias') ? {} : { mlp_bias: [false, null] }),
    ...(name === 'llama' ? { sliding_window: [null] } : {}),
  };
  for (const [field, values] of Object.entries(allowed)) {
    const value = config[field] ?? (values.includes(null) ? null : values[0]);
    if (!values.includes(value)) return wrongConfig('ConfigUnsupported', field, quoted(values[0]), value);
  }
  return right(name);
};

const isSize = (value: unknown): value is number => isCount(value) && value > 0;
const isPositive = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0;
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';

/** A key's value; transformers' default where there is no such key, which is not the same as null. */
const orDefault = (config: JsonObject, field: string, absent: unknown): unknown =>
  config[field] === undefined ? absent : config[field];

const kindsOfLayers = (config: JsonObject, layers: number, isSliding: boolean): Read<readonly unknown[]> => {
  const listed = config['layer_types'] ?? null;
  if (Array.isArray(listed) && listed.length === layers) return right(listed);
  if (listed !== null) return wrongConfig('ConfigDamaged', 'layer_types', `null or a list of ${layers}`, listed);
  const from = orDefault(config, 'max_window_layers', 28);
  if (!isCount(from)) return wrongConfig('ConfigDamaged', 'max_window_layers', 'a whole number from 0', from);
  if (isSliding && from > 0 && from < layers) {
    const expected = `0, or num_hidden_layers (${layers}) or more`;
    return wrongConfig('ConfigUnsupported', 'max_window_layers', expected, from);
  }
  const kind = isSliding && from === 0 ? 'sliding_attention' : 'full_attention';
  return right(Array.from({ length: layers }, () => kind));
};

/** The sliding window of every layer, or null. Models that mix layers with and without are refused. */
const windowOf = (config: JsonObject, family: FamilyName, layers: number): Read<number | null> => {
  const isQwen = family === 'qwen2' || family === 'qwen3';
  const isUsed = isQwen ? orDefault(config, 'use_sliding_window', false) : family === 'mistral';
  if (!isFlag(isUsed)) return wrongConfig('ConfigDamaged', 'use_sliding_window', 'true or false', isUsed);
  const window = isUsed ? orDefault(config, 'sliding_window', 4096) : null;
  if (window !== null && !isSize(window)) {
    return wrongConfig('ConfigDamaged', 'sliding_window', 'a positive integer or null', window);
  }
  if (family === 'mistral') return right(window);
  const kinds = kindsOfLayers(config, layers, window !== null);
  if (isLeft(kinds)) return kinds;
  const [first] = kinds.right;
  const isKnown = first === 'full_attention' || (first === 'sliding_attention' && window !== null);
  if (!isKnown || kinds.right.some((kind) => kind !== first)) {
    const sliding = window === null ? '' : ' or all "sliding_attention"';
    return wrongConfig('ConfigUnsupported', 'layer_types', `all "full_attention"${sliding}`, kinds.right);
  }
  return right(first === 'full_attention' ? null : window);
};

const isId = (value: unknown): value is number | null => value === null || Number.isSafeInteger(value);

const idsOf = (config: JsonObject, vocabSize: number): Read<SpecialIds> => {
  const { eos_token_id: end, bos_token_id: bos = null, pad_token_id: pad = null } = config;
  const eos: readonly unknown[] = Array.isArray(end) ? end : [end];
  const isEnd = (id: unknown): id is number => isCount(id) && id < vocabSize;
  if (eos.length === 0 || !eos.every(isEnd)) {
    return wrongConfig('ConfigDamaged', 'eos_token_id', `an id below vocab_size, ${vocabSize}`, end);
  }
  if (!isId(bos)) return wrongConfig('ConfigDamaged', 'bos_token_id', 'an id or null', bos);
  if (!isId(pad)) return wrongConfig('ConfigDamaged', 'pad_token_id', 'an id or null', pad);
  return right({ bos, eos, pad });
};

/** The shape and the special ids of a config.json of transformers 4 or 5, with their defaults for absent keys. */
export const shapeOfConfig = (
  config: JsonObject,
): Read<{ readonly shape: ModelShape; readonly specials: SpecialIds }> => {
  const known = familyOf(config);
  if (isLeft(known)) return known;
  const name = known.right;
  const family = families[name];
  const heads = config['num_attention_heads'];
  const hiddenSize = config['hidden_size'];
  const perHead = isSize(heads) && isSize(hiddenSize) ? hiddenSize / heads : undefined;
  const sizes = {
    vocab_size: config['vocab_size'],
    hidden_size: hiddenSize,
    intermediate_size: config['intermediate_size'],
    num_hidden_layers: config['num_hidden_layers'],
    num_attention_heads: heads,
    num_key_value_heads: orDefault(config, 'num_key_value_heads', family.kvHeads) ?? heads,
    head_dim: orDefault(config, 'head_dim', family.headDim) ?? perHead,
    max_position_embeddings: config['max_position_embeddings'] ?? family.maxPositions,
  };
  if (!isRecordOf(sizes, isSize)) {
    const [field = '', value] = Object.entries(sizes).find(([, each]) => !isSize(each)) ?? [];
    return wrongConfig('ConfigDamaged', field, 'a positive integer', value);
  }
  const flags = {
    attention_bias: config['attention_bias'] ?? false,
    mlp_bias: config['mlp_bias'] ?? false,
    tie_word_embeddings: config['tie_word_embeddings'] ?? false,
  };
  if (!isRecordOf(flags, isFlag)) {
    const [field = '', value] = Object.entries(flags).find(([, each]) => !isFlag(each)) ?? [];
    return wrongConfig('ConfigDamaged', field, 'true or false', value);
  }
  const rmsNormEps = config['rms_norm_eps'] ?? 1e-6;
  if (!isPositive(rmsNormEps)) return wrongConfig('ConfigDamaged', 'rms_norm_eps', 'a positive number', rmsNormEps);
  if (sizes.num_attention_heads % sizes.num_key_value_heads !== 0) {
    const expected = `a divisor of num_attention_heads, ${sizes.num_attention_heads}`;
    return wrongConfig('ConfigDamaged', 'num_key_value_heads', expected, sizes.num_key_value_heads);
  }
  if (sizes.head_dim % 2 !== 0) return wrongConfig('ConfigDamaged', 'head_dim', 'an even number', sizes.head_dim);
  const rope = ropeOf(config, sizes.max_position_embeddings);
  if (isLeft(rope)) return rope;
  const window = windowOf(config, name, sizes.num_hidden_layers);
  if (isLeft(window)) return window;
  const specials = idsOf(config, sizes.vocab_size);
  if (isLeft(specials)) return specials;
  const shape: ModelShape = {
    vocabSize: sizes.vocab_size,
    hiddenSize: sizes.hidden_size,
    intermediateSize: sizes.intermediate_size,
    layers: sizes.num_hidden_layers,
    heads: sizes.num_attention_heads,
    kvHeads: sizes.num_key_value_heads,
    headDim: sizes.head_dim,
    ropeTheta: rope.right.theta,
    rmsNormEps,
    tiedEmbeddings: flags.tie_word_embeddings,
    maxPositions: sizes.max_position_embeddings,
    ...(name === 'llama' ? {} : { family: name }),
    ...(flags.attention_bias ? { attentionBias: true } : {}),
    ...(flags.mlp_bias ? { mlpBias: true } : {}),
    ...(window.right === null ? {} : { slidingWindow: window.right }),
    ...(rope.right.scaling === null ? {} : { ropeScaling: rope.right.scaling }),
  };
  return right({ shape, specials: specials.right });
};
