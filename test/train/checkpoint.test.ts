import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import { checkpointDigest, encodeCheckpoint, isCheckpointFile } from '../../src/train/checkpoint';
import { parametersOf } from '../../src/train/modelShape';
import { readSafetensors } from '../../src/train/safetensors';
import { byteLevelTokenizer } from '../../src/train/trainTokenizer';
import { bytesOf, checkpointOf, decode, refusal, shapes, small, textOf } from './checkpointFolders';

test('a round trip keeps the shape of every family, every weight, tokenizer and end; the same input gives the same bytes', () => {
  fc.assert(
    fc.property(shapes, fc.nat(), (shape, seed) => {
      const checkpoint = checkpointOf(shape, seed);
      const files = encodeCheckpoint(checkpoint);
      const back = decode(files);
      const specials = { bos: 256, eos: [256], pad: 256 };
      const kept = { specials, stopIds: [256], files: expect.anything() };
      expect({ ...back, weights: null }).toEqual({ ...checkpoint, weights: null, kept });
      expect(decode(encodeCheckpoint(back))).toEqual(back);
      expect([...back.weights.keys()]).toEqual(parametersOf(shape).map(({ name }) => name));
      for (const [name, data] of checkpoint.weights) {
        expect(back.weights.get(name)).toEqual(data);
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

test('a folder that was written before there were families is written to the same bytes, from its values alone', () => {
  const student = join(__dirname, '..', '..', 'fixtures', 'demo', 'student');
  const names = readdirSync(student).filter(isCheckpointFile);
  const files = new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(student, name)))]));
  expect(names).toHaveLength(6);
  const { kept, ...values } = decode(files);
  for (const written of [encodeCheckpoint({ ...values, kept }), encodeCheckpoint(values)]) {
    expect([...written.keys()].sort()).toEqual([...names].sort());
    expect(
      names.filter((name) => !Buffer.from(files.get(name) ?? []).equals(written.get(name) ?? new Uint8Array())),
    ).toEqual([]);
  }
});

describe('what a base has beside shape and weights', () => {
  const others: readonly (readonly [string, string])[] = [
    ['chat_template.jinja', '{{ messages }}\n'],
    ['generation_config.json', '{"eos_token_id": [5, 256], "temperature": 0.6}'],
    ['tokenizer_config.json', '{ "tokenizer_class": "Qwen2Tokenizer" }'],
    ['merges.txt', 'a b\n'],
    ['tokenizer.model', '\u0000binary'],
  ];
  const base = encodeCheckpoint(checkpointOf(small));
  for (const [name, text] of others) base.set(name, bytesOf(text));
  base.delete('special_tokens_map.json');
  base.set('README.md', bytesOf('not the model'));

  test('is written unchanged with what is trained from it, and what it has not is not made up', () => {
    const { kept } = decode(base);
    const trained = encodeCheckpoint({ ...checkpointOf(small, 2), kept });
    expect(others.map(([name]) => [name, textOf(trained.get(name))])).toEqual(others);
    expect([...trained.keys()].sort()).toEqual([...base.keys()].filter((name) => name !== 'README.md').sort());
    expect(trained.get('model.safetensors')).not.toEqual(base.get('model.safetensors'));
  });

  test('says which ids end a text: config.json first, then generation_config.json', () => {
    expect(decode(base)).toMatchObject({ endId: 256, kept: { stopIds: [256, 5] } });
    for (const [text, field] of [
      ['[]', ''],
      ['{"eos_token_id": 257}', 'eos_token_id'],
      ['{"eos_token_id": [256, "end"]}', 'eos_token_id'],
    ] as const) {
      const files = new Map(base).set('generation_config.json', bytesOf(text));
      expect(refusal(files)).toMatchObject({ tag: 'FileDamaged', file: 'generation_config.json', field });
    }
    const silent = new Map(base).set('generation_config.json', bytesOf('{}'));
    expect(decode(silent).kept?.stopIds).toEqual([256]);
  });
});

test('the digest of a folder is over its files by name, whatever their order', () => {
  const digests: [string, string][] = [
    ['b', sha256('1')],
    ['a', sha256('2')],
  ];
  expect(checkpointDigest(new Map(digests))).toBe(checkpointDigest(new Map([...digests].reverse())));
  expect(checkpointDigest(new Map(digests))).toBe(sha256(`{"a":"${sha256('2')}","b":"${sha256('1')}"}`));
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
