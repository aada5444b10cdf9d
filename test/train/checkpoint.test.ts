import * as fc from 'fast-check';
import { isLeft } from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import type { Checkpoint, CheckpointError } from '../../src/train/checkpoint';
import { checkpointDigest, decodeCheckpoint, encodeCheckpoint } from '../../src/train/checkpoint';
import { initialWeights } from '../../src/train/initialWeights';
import type { ModelShape } from '../../src/train/modelShape';
import { parametersOf } from '../../src/train/modelShape';
import type { Tensor } from '../../src/train/safetensors';
import { readSafetensors, writeSafetensors } from '../../src/train/safetensors';
import { byteLevelTokenizer } from '../../src/train/trainTokenizer';

const small: ModelShape = {
  vocabSize: 257,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tiedEmbeddings: true,
  maxPositions: 64,
};
const checkpointOf = (shape: ModelShape, seed = 1): Checkpoint => ({
  shape,
  weights: initialWeights(shape, seed),
  tokenizerJson: byteLevelTokenizer(),
  endId: 256,
});
const decode = (files: ReadonlyMap<string, Uint8Array>): Checkpoint => {
  const decoded = decodeCheckpoint(files);
  if (isLeft(decoded)) throw new Error(JSON.stringify(decoded.left));
  return decoded.right;
};
const refusal = (files: ReadonlyMap<string, Uint8Array>): CheckpointError | undefined => {
  const decoded = decodeCheckpoint(files);
  return isLeft(decoded) ? decoded.left : undefined;
};
const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const withConfig = (change: { readonly [field: string]: unknown }, shape = small): Map<string, Uint8Array> => {
  const files = encodeCheckpoint(checkpointOf(shape));
  const before: object = JSON.parse(textOf(files.get('config.json')));
  const config = { ...before, ...change };
  return files.set('config.json', new TextEncoder().encode(JSON.stringify(config)));
};
const withTensors = (change: (tensors: Tensor[]) => Tensor[], shape = small): Map<string, Uint8Array> => {
  const files = encodeCheckpoint(checkpointOf(shape));
  const tensors = parametersOf(shape).map(({ name, dims }): Tensor => {
    return { name, dims, data: checkpointOf(shape).weights.get(name) ?? new Float32Array(0) };
  });
  return files.set('model.safetensors', writeSafetensors(change(tensors)));
};

const shapes = fc
  .record({
    vocabSize: fc.integer({ min: 257, max: 300 }),
    hiddenSize: fc.integer({ min: 1, max: 12 }),
    intermediateSize: fc.integer({ min: 1, max: 12 }),
    layers: fc.integer({ min: 1, max: 3 }),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 3 }),
    headDim: fc.integer({ min: 1, max: 4 }).map((half) => half * 2),
    ropeTheta: fc.double({ min: 1, max: 1e6, noNaN: true }),
    rmsNormEps: fc.double({ min: 1e-12, max: 1e-2, noNaN: true }),
    tiedEmbeddings: fc.boolean(),
    maxPositions: fc.integer({ min: 1, max: 5000 }),
  })
  .map(({ groups, ...shape }): ModelShape => ({ ...shape, heads: shape.kvHeads * groups }));

test('a round trip keeps the shape, every weight, tokenizer and end; the same input gives the same bytes', () => {
  fc.assert(
    fc.property(shapes, fc.nat(), (shape, seed) => {
      const checkpoint = checkpointOf(shape, seed);
      const files = encodeCheckpoint(checkpoint);
      const back = decode(files);
      expect({ ...back, weights: null }).toEqual({ ...checkpoint, weights: null });
      expect([...back.weights.keys()]).toEqual(parametersOf(shape).map(({ name }) => name));
      for (const [name, data] of checkpoint.weights) {
        expect(Buffer.from(back.weights.get(name)?.buffer ?? new ArrayBuffer(0)).equals(Buffer.from(data.buffer))).toBe(
          true,
        );
      }
      const digest = (each: ReadonlyMap<string, Uint8Array>): string =>
        checkpointDigest(new Map([...each].map(([file, bytes]) => [file, sha256(bytes)])));
      expect(digest(encodeCheckpoint(back))).toBe(digest(files));
    }),
    { numRuns: 40 },
  );
});

test('the files of a folder, and its config as transformers writes it', () => {
  const files = encodeCheckpoint(checkpointOf(small));
  expect([...files.keys()]).toEqual([
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'special_tokens_map.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  expect(JSON.parse(textOf(files.get('config.json')))).toMatchObject({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 8,
    head_dim: 4,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
    torch_dtype: 'float32',
    eos_token_id: 256,
  });
  expect(JSON.parse(textOf(files.get('special_tokens_map.json')))).toMatchObject({ eos_token: '<|endoftext|>' });
  expect(textOf(files.get('tokenizer.json'))).toBe(byteLevelTokenizer());
  const weights = readSafetensors(files.get('model.safetensors') ?? new Uint8Array(0));
  expect(weights).toMatchObject({ right: { metadata: { format: 'pt' } } });
});

test('the digest of a folder is over its files by name, whatever their order', () => {
  const digests: [string, string][] = [
    ['b', sha256('1')],
    ['a', sha256('2')],
  ];
  expect(checkpointDigest(new Map(digests))).toBe(checkpointDigest(new Map([...digests].reverse())));
  expect(checkpointDigest(new Map(digests))).toBe(sha256(`{"a":"${sha256('2')}","b":"${sha256('1')}"}`));
});

test('absent fields have the defaults of transformers', () => {
  const files = withConfig(
    { head_dim: undefined, num_key_value_heads: undefined, rope_theta: undefined, rms_norm_eps: undefined },
    { ...small, heads: 2, kvHeads: 2, headDim: 4 },
  );
  expect(decode(files).shape).toMatchObject({ headDim: 4, kvHeads: 2, ropeTheta: 10_000, rmsNormEps: 1e-6 });
  const later = { rope_parameters: { rope_type: 'default', rope_theta: 5e5 }, rope_theta: undefined, dtype: 'float32' };
  expect(decode(withConfig(later)).shape.ropeTheta).toBe(5e5);
  expect(decode(withConfig({ eos_token_id: [256, 1] })).endId).toBe(256);
});

test.each([
  ['architectures', ['MistralForCausalLM'], 'ConfigUnsupported', '["LlamaForCausalLM"]'],
  ['architectures', undefined, 'ConfigUnsupported', '["LlamaForCausalLM"]'],
  ['model_type', 'qwen3', 'ConfigUnsupported', '"llama"'],
  ['hidden_act', 'gelu', 'ConfigUnsupported', '"silu"'],
  ['attention_bias', true, 'ConfigUnsupported', 'false'],
  ['mlp_bias', true, 'ConfigUnsupported', 'false'],
  ['attention_dropout', 0.1, 'ConfigUnsupported', '0'],
  ['rope_scaling', { rope_type: 'llama3', factor: 32 }, 'ConfigUnsupported', 'null'],
  ['partial_rotary_factor', 0.5, 'ConfigUnsupported', '1'],
  ['sliding_window', 4096, 'ConfigUnsupported', 'null'],
  ['quantization_config', { bits: 4 }, 'ConfigUnsupported', 'null'],
  ['hidden_size', '8', 'ConfigDamaged', 'a positive integer'],
  ['num_hidden_layers', 0, 'ConfigDamaged', 'a positive integer'],
  ['vocab_size', undefined, 'ConfigDamaged', 'a positive integer'],
  ['head_dim', 3, 'ConfigDamaged', 'an even number'],
  ['num_key_value_heads', 3, 'ConfigDamaged', 'a divisor of num_attention_heads, 4'],
  ['rope_theta', -1, 'ConfigDamaged', 'a positive number'],
  ['rms_norm_eps', 'small', 'ConfigDamaged', 'a positive number'],
  ['tie_word_embeddings', 'yes', 'ConfigDamaged', 'true or false'],
  ['eos_token_id', 257, 'ConfigDamaged', 'an id below vocab_size, 257'],
  ['eos_token_id', null, 'ConfigDamaged', 'an id below vocab_size, 257'],
])('refuses a config whose %s is %j', (field, value, tag, expected) => {
  const got = value === undefined ? 'nothing' : JSON.stringify(value);
  expect(refusal(withConfig({ [field]: value }))).toEqual({ tag, file: 'config.json', field, expected, got });
});

test('refuses scaled positions in the later spelling', () => {
  const scaled = withConfig({ rope_parameters: { rope_type: 'yarn', rope_theta: 1e4 } });
  expect(refusal(scaled)).toMatchObject({ tag: 'ConfigUnsupported', field: 'rope_parameters.rope_type' });
});

test('refuses missing, extra and wrong-shaped tensors by name', () => {
  const bias = { name: 'model.layers.0.self_attn.q_proj.bias', dims: [16], data: new Float32Array(16) };
  expect(refusal(withTensors((all) => [...all, bias]))).toEqual({
    tag: 'TensorExtra',
    file: 'model.safetensors',
    field: bias.name,
    expected: "only the shape's parameters",
    got: '[16]',
  });
  expect(refusal(withTensors((all) => all.slice(0, -1)))).toEqual({
    tag: 'TensorMissing',
    file: 'model.safetensors',
    field: 'model.norm.weight',
    expected: '[8]',
    got: 'none',
  });
  const turned = (each: Tensor): Tensor => (each.name.includes('1.mlp.up') ? { ...each, dims: [8, 12] } : each);
  expect(refusal(withTensors((all) => all.map(turned)))).toEqual({
    tag: 'TensorShape',
    file: 'model.safetensors',
    field: 'model.layers.1.mlp.up_proj.weight',
    expected: '[12, 8]',
    got: '[8, 12]',
  });
});

test('takes what says nothing new: rotary tables, a tied head that is the embedding', () => {
  const table = { name: 'model.layers.0.self_attn.rotary_emb.inv_freq', dims: [2], data: new Float32Array(2) };
  expect(refusal(withTensors((all) => [...all, table]))).toBeUndefined();
  const head = (all: Tensor[]): Tensor[] =>
    all.flatMap((each) => (each.name.includes('embed') ? [{ ...each, name: 'lm_head.weight' }] : []));
  expect(refusal(withTensors((all) => [...all, ...head(all)]))).toBeUndefined();
  const other = (all: Tensor[]): Tensor[] => head(all).map((each) => ({ ...each, data: each.data.map((x) => x + 1) }));
  expect(refusal(withTensors((all) => [...all, ...other(all)]))).toMatchObject({
    tag: 'TensorExtra',
    field: 'lm_head.weight',
  });
});

test('reads weights in shards, refuses a tensor in two of them', () => {
  const whole = encodeCheckpoint(checkpointOf(small));
  const tensors = [...checkpointOf(small).weights].map(([name, data]): Tensor => {
    return { name, dims: parametersOf(small).find((each) => each.name === name)?.dims ?? [], data };
  });
  const sharded = (cut: number, from: number): Map<string, Uint8Array> => {
    const files = new Map(whole);
    files.delete('model.safetensors');
    files.set('model-00001-of-00002.safetensors', writeSafetensors(tensors.slice(0, cut)));
    return files.set('model-00002-of-00002.safetensors', writeSafetensors(tensors.slice(from)));
  };
  expect(decode(sharded(5, 5)).weights).toEqual(checkpointOf(small).weights);
  expect(refusal(sharded(6, 5))).toMatchObject({ tag: 'TensorExtra', file: 'model-00002-of-00002.safetensors' });
});

test('refuses missing and damaged files', () => {
  for (const file of ['config.json', 'tokenizer.json', 'model.safetensors']) {
    const files = encodeCheckpoint(checkpointOf(small));
    files.delete(file);
    expect(refusal(files)).toEqual({ tag: 'FileMissing', file, field: '', expected: 'the file', got: 'none' });
    files.set(file, Uint8Array.of(0xff, 0xff));
    expect(refusal(files)).toMatchObject({ tag: 'FileDamaged', file });
  }
  const files = encodeCheckpoint(checkpointOf(small));
  files.set('config.json', new TextEncoder().encode('[]'));
  expect(refusal(files)).toMatchObject({
    tag: 'FileDamaged',
    file: 'config.json',
    expected: 'a JSON object',
    got: '"[]"',
  });
  const cut = encodeCheckpoint(checkpointOf(small));
  cut.set('model.safetensors', (cut.get('model.safetensors') ?? new Uint8Array(0)).subarray(0, -4));
  expect(refusal(cut)).toMatchObject({
    tag: 'FileDamaged',
    file: 'model.safetensors',
    field: expect.stringContaining('data_offsets'),
  });
});

test('encoding refuses weights that are not of the shape', () => {
  const checkpoint = checkpointOf(small);
  expect(() => encodeCheckpoint({ ...checkpoint, endId: 5 })).toThrow('endId');
  expect(() => encodeCheckpoint({ ...checkpoint, weights: new Map() })).toThrow('expected model.embed_tokens.weight');
  const more = new Map([...checkpoint.weights, ['lm_head.weight', new Float32Array(1)]]);
  expect(() => encodeCheckpoint({ ...checkpoint, weights: more })).toThrow('lm_head.weight');
  expect(() => encodeCheckpoint({ ...checkpoint, shape: { ...small, hiddenSize: 9 } })).toThrow(
    'expected 2313 numbers',
  );
});
