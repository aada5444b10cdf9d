import { encodeCheckpoint } from '../../src/train/checkpoint';
import type { ModelShape } from '../../src/train/modelShape';
import { checkpointOf, decode, refusal, small, textOf, withConfig } from './checkpointFolders';

const readConfig = (files: ReadonlyMap<string, Uint8Array>): Readonly<Record<string, unknown>> =>
  JSON.parse(textOf(files.get('config.json')));
const mistral: ModelShape = { ...small, family: 'mistral' };
const qwen2: ModelShape = { ...small, family: 'qwen2' };
const qwen3: ModelShape = { ...small, family: 'qwen3' };
const llama3 = {
  rope_type: 'llama3',
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 16,
};

describe('absent keys have the defaults of transformers', () => {
  test('Llama', () => {
    const files = withConfig(
      { head_dim: undefined, num_key_value_heads: undefined, rope_theta: undefined, rms_norm_eps: undefined },
      { ...small, heads: 2, kvHeads: 2, headDim: 4 },
    );
    expect(decode(files).shape).toMatchObject({ headDim: 4, kvHeads: 2, ropeTheta: 10_000, rmsNormEps: 1e-6 });
    expect(decode(withConfig({ max_position_embeddings: undefined })).shape.maxPositions).toBe(2048);
  });

  test('Mistral, whose window is 4096 unless it is null', () => {
    expect(decode(withConfig({ sliding_window: undefined }, mistral)).shape.slidingWindow).toBe(4096);
    expect(decode(withConfig({ sliding_window: null }, mistral)).shape).toEqual(mistral);
    expect(decode(withConfig({ max_position_embeddings: undefined }, mistral)).shape.maxPositions).toBe(131_072);
    const eight = { ...mistral, heads: 8, kvHeads: 8, headDim: 2 };
    expect(decode(withConfig({ num_key_value_heads: undefined }, eight)).shape.kvHeads).toBe(8);
  });

  test('Qwen3, whose heads are 128 wide', () => {
    const wide = { ...qwen3, heads: 2, kvHeads: 1, headDim: 128, layers: 1 };
    expect(decode(withConfig({ head_dim: undefined }, wide)).shape).toEqual(wide);
    expect(decode(withConfig({ max_position_embeddings: undefined }, qwen3)).shape.maxPositions).toBe(32_768);
  });

  test('Qwen2, whose heads share the hidden size', () => {
    const even = { ...qwen2, headDim: 2 };
    expect(decode(withConfig({ head_dim: undefined }, even)).shape).toEqual(even);
  });
});

describe('both forms of config.json are read', () => {
  const scaled: ModelShape = {
    ...small,
    ropeTheta: 5e5,
    ropeScaling: {
      type: 'llama3',
      factor: 32,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 16,
    },
  };
  const later = (parameters: object) => ({
    rope_parameters: parameters,
    rope_theta: undefined,
    rope_scaling: undefined,
    dtype: 'bfloat16',
    torch_dtype: undefined,
  });
  const shapeOf = (change: { readonly [field: string]: unknown }): ModelShape => decode(withConfig(change)).shape;

  test('positions that are not scaled', () => {
    expect(shapeOf(later({ rope_type: 'default', rope_theta: 5e5 }))).toEqual({ ...small, ropeTheta: 5e5 });
    expect(shapeOf({ rope_theta: 5e5, rope_scaling: null })).toEqual({ ...small, ropeTheta: 5e5 });
    expect(shapeOf({ rope_parameters: null, rope_theta: 5e5 })).toEqual({ ...small, ropeTheta: 5e5 });
    expect(shapeOf({ rope_parameters: { rope_theta: 7, partial_rotary_factor: 1 } }).ropeTheta).toBe(7);
  });

  test('positions scaled as in Llama 3', () => {
    expect(shapeOf(later({ ...llama3, rope_theta: 5e5 }))).toEqual(scaled);
    expect(shapeOf({ rope_theta: 5e5, rope_scaling: llama3 })).toEqual(scaled);
    const { original_max_position_embeddings: _, ...short } = llama3;
    const { ropeScaling } = shapeOf({ rope_theta: 5e5, rope_scaling: short });
    expect(ropeScaling).toMatchObject({ originalMaxPositions: small.maxPositions });
  });

  test('positions scaled in proportion', () => {
    const linear = { ...small, ropeScaling: { type: 'linear', factor: 2.5 } };
    expect(shapeOf({ rope_scaling: { type: 'linear', factor: 2.5 } })).toEqual(linear);
    expect(shapeOf({ rope_scaling: { rope_type: 'linear', factor: 2.5 } })).toEqual(linear);
    expect(shapeOf(later({ rope_type: 'linear', factor: 2.5, rope_theta: 10_000 }))).toEqual(linear);
  });

  test('what is written is the form of transformers 4, which 5 reads too', () => {
    const written = encodeCheckpoint(checkpointOf(scaled)).get('config.json');
    expect(JSON.parse(textOf(written))).toMatchObject({
      rope_theta: 5e5,
      rope_scaling: llama3,
      torch_dtype: 'float32',
    });
    expect(textOf(written)).toContain('"factor": 32.0,\n');
    expect(textOf(written)).not.toContain('rope_parameters');
  });
});

describe('sliding windows', () => {
  const both: readonly ModelShape[] = [qwen2, qwen3];

  test.each(both)('Qwen has one for all layers or for none, %#', (shape) => {
    const windowOf = (change: { readonly [field: string]: unknown }) => {
      const files = withConfig({ sliding_window: 7, ...change }, shape);
      return refusal(files)?.field ?? decode(files).shape.slidingWindow ?? 'none';
    };
    expect(windowOf({ use_sliding_window: false, max_window_layers: 0 })).toBe('none');
    expect(windowOf({ use_sliding_window: undefined, max_window_layers: 0 })).toBe('none');
    expect(windowOf({ use_sliding_window: true, max_window_layers: 0 })).toBe(7);
    expect(windowOf({ use_sliding_window: true, max_window_layers: 2 })).toBe('none');
    expect(windowOf({ use_sliding_window: true, max_window_layers: undefined })).toBe('none');
    expect(windowOf({ use_sliding_window: true, max_window_layers: 0, sliding_window: undefined })).toBe(4096);
    expect(windowOf({ use_sliding_window: true, max_window_layers: 0, sliding_window: null })).toBe('none');
    expect(windowOf({ use_sliding_window: true, max_window_layers: 1 })).toBe('max_window_layers');
    const [full, sliding] = ['full_attention', 'sliding_attention'];
    const used = { use_sliding_window: true, max_window_layers: 1 };
    expect(windowOf({ ...used, layer_types: [sliding, sliding] })).toBe(7);
    expect(windowOf({ ...used, layer_types: [full, full] })).toBe('none');
    expect(windowOf({ ...used, layer_types: [full, sliding] })).toBe('layer_types');
    expect(windowOf({ layer_types: [sliding, sliding] })).toBe('layer_types');
  });

  test('are written as each family has them', () => {
    const written = (shape: ModelShape) => readConfig(encodeCheckpoint(checkpointOf(shape)));
    expect(written(small)).not.toHaveProperty('sliding_window');
    expect(written({ ...mistral, slidingWindow: 9 })).toMatchObject({ sliding_window: 9, model_type: 'mistral' });
    expect(written(mistral)).toMatchObject({ sliding_window: null, architectures: ['MistralForCausalLM'] });
    const used = { use_sliding_window: true, sliding_window: 9, max_window_layers: 0 };
    expect(written({ ...qwen2, slidingWindow: 9 })).toMatchObject(used);
    expect(written(qwen3)).toMatchObject({ use_sliding_window: false, sliding_window: null, max_window_layers: 2 });
  });
});

test('special ids are written back as they were', () => {
  const ids = { bos_token_id: 1, eos_token_id: [256, 1], pad_token_id: -1 };
  const read = decode(withConfig(ids));
  expect(read).toMatchObject({ endId: 256, kept: { stopIds: [256, 1] } });
  expect(readConfig(encodeCheckpoint(read))).toMatchObject(ids);
  const none = readConfig(encodeCheckpoint(decode(withConfig({ bos_token_id: undefined, pad_token_id: null }))));
  expect(none).toMatchObject({ bos_token_id: null, eos_token_id: 256, pad_token_id: null });
});

test('options that mean nothing to the model are left alone', () => {
  const change = { is_llama_config: true, rope_interleaved: false, transformers_version: '4.42.3', use_mrope: false };
  expect(decode(withConfig(change)).shape).toEqual(small);
});

describe('refuses, by the name of the field', () => {
  const refused = (field: string, value: unknown, shape: ModelShape) => {
    const got = value === undefined ? 'nothing' : JSON.stringify(value);
    return { got, refusal: refusal(withConfig({ [field]: value }, shape)) };
  };

  test.each([
    ['architectures', ['MistralForCausalLM'], '["LlamaForCausalLM"]'],
    ['architectures', undefined, '["LlamaForCausalLM"]'],
    ['model_type', 'gemma3', '"llama", "mistral", "qwen2", "qwen3"'],
    ['model_type', undefined, '"llama", "mistral", "qwen2", "qwen3"'],
    ['hidden_act', 'gelu', '"silu"'],
    ['attention_dropout', 0.1, '0'],
    ['partial_rotary_factor', 0.5, '1'],
    ['rope_interleaved', true, 'false'],
    ['use_mrope', true, 'false'],
    ['original_max_position_embeddings', 16, 'null'],
    ['sliding_window', 4096, 'null'],
    ['quantization_config', { bits: 4 }, 'null'],
  ])('a Llama whose %s is %j', (field, value, expected) => {
    const { got, refusal: left } = refused(field, value, small);
    expect(left).toEqual({ tag: 'ConfigUnsupported', file: 'config.json', field, expected, got });
  });

  test.each([
    [mistral, 'architectures', ['LlamaForCausalLM'], '["MistralForCausalLM"]'],
    [mistral, 'attention_bias', true, 'false'],
    [mistral, 'mlp_bias', true, 'false'],
    [qwen2, 'attention_bias', true, 'false'],
    [qwen3, 'mlp_bias', true, 'false'],
  ])('%# another family', (shape, field, value, expected) => {
    const { got, refusal: left } = refused(field, value, shape);
    expect(left).toEqual({ tag: 'ConfigUnsupported', file: 'config.json', field, expected, got });
  });

  test.each([
    ['hidden_size', '8', 'a positive integer'],
    ['num_hidden_layers', 0, 'a positive integer'],
    ['vocab_size', undefined, 'a positive integer'],
    ['head_dim', 3, 'an even number'],
    ['num_key_value_heads', 3, 'a divisor of num_attention_heads, 4'],
    ['rope_theta', -1, 'a positive number'],
    ['rms_norm_eps', 'small', 'a positive number'],
    ['tie_word_embeddings', 'yes', 'true or false'],
    ['attention_bias', 1, 'true or false'],
    ['mlp_bias', 'no', 'true or false'],
    ['rope_scaling', 'llama3', 'an object or null'],
    ['layer_types', ['full_attention'], 'null or a list of 2'],
    ['eos_token_id', 257, 'an id below vocab_size, 257'],
    ['eos_token_id', null, 'an id below vocab_size, 257'],
    ['eos_token_id', [256, 300], 'an id below vocab_size, 257'],
    ['eos_token_id', [], 'an id below vocab_size, 257'],
    ['bos_token_id', '<s>', 'an id or null'],
    ['pad_token_id', 0.5, 'an id or null'],
  ])('a damaged %s, %j', (field, value, expected) => {
    const { got, refusal: left } = refused(field, value, small);
    expect(left).toEqual({ tag: 'ConfigDamaged', file: 'config.json', field, expected, got });
  });

  test.each([
    [mistral, 'sliding_window', 0, 'a positive integer or null'],
    [qwen2, 'use_sliding_window', 'yes', 'true or false'],
    [qwen3, 'max_window_layers', -1, 'a whole number from 0'],
  ])('%# a damaged window', (shape, field, value, expected) => {
    const { got, refusal: left } = refused(field, value, shape);
    expect(left).toEqual({ tag: 'ConfigDamaged', file: 'config.json', field, expected, got });
  });

  const types = '"default", "linear", "llama3"';
  test.each([
    [{ rope_type: 'dynamic', factor: 2 }, 'rope_type', types, '"dynamic"'],
    [{ rope_type: 'yarn', factor: 2 }, 'rope_type', types, '"yarn"'],
    [{ rope_type: 'longrope', short_factor: [1] }, 'rope_type', types, '"longrope"'],
    [{ type: 'su' }, 'type', types, '"su"'],
    [{ rope_type: 'default', partial_rotary_factor: 0.5 }, 'partial_rotary_factor', '1', '0.5'],
    [{ ...llama3, attention_factor: 1.2 }, 'attention_factor', 'nothing', '1.2'],
    [{ full_attention: { rope_type: 'default' } }, 'full_attention', 'nothing', '{"rope_type":"default"}'],
  ])('positions scaled in other ways, %j', (scaling, key, expected, got) => {
    for (const name of ['rope_scaling', 'rope_parameters']) {
      const left = refusal(withConfig({ rope_scaling: null, [name]: scaling }));
      expect(left).toEqual({ tag: 'ConfigUnsupported', file: 'config.json', field: `${name}.${key}`, expected, got });
    }
  });

  test.each([
    [{ rope_type: 'linear' }, 'factor', 'a positive number'],
    [{ rope_type: 'linear', factor: '2' }, 'factor', 'a positive number'],
    [{ ...llama3, low_freq_factor: null }, 'low_freq_factor', 'a positive number'],
    [{ ...llama3, high_freq_factor: 1 }, 'high_freq_factor', 'a number above low_freq_factor, 1'],
    [{ ...llama3, original_max_position_embeddings: 0.5 }, 'original_max_position_embeddings', 'a positive integer'],
    [{ ...llama3, rope_theta: 0 }, 'rope_theta', 'a positive number'],
  ])('scaled positions with a damaged value, %j', (scaling, key, expected) => {
    const left = refusal(withConfig({ rope_scaling: scaling }));
    expect(left).toMatchObject({ tag: 'ConfigDamaged', field: `rope_scaling.${key}`, expected });
  });
});
