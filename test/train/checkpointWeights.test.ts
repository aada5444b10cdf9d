import { encodeCheckpoint } from '../../src/train/checkpoint';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { writeSafetensors, type Tensor } from '../../src/train/safetensors';
import { bytesOf, checkpointOf, decode, refusal, small } from './checkpointFolders';

const tensorsOf = (shape: ModelShape): Tensor[] => {
  const { weights } = checkpointOf(shape);
  return parametersOf(shape).map(({ name, dims }) => ({ name, dims, data: weights.get(name) ?? new Float32Array(0) }));
};

const withTensors = (change: (tensors: Tensor[]) => Tensor[], shape = small): Map<string, Uint8Array> =>
  encodeCheckpoint(checkpointOf(shape)).set('model.safetensors', writeSafetensors(change(tensorsOf(shape))));

describe('weights in one file', () => {
  test('missing, extra and wrong-shaped tensors are refused by name', () => {
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

  test.each([
    [{ attentionBias: true, mlpBias: true }, 'model.layers.1.self_attn.o_proj.bias'],
    [{ attentionBias: true, mlpBias: true }, 'model.layers.0.mlp.down_proj.bias'],
    [{ family: 'qwen2' }, 'model.layers.0.self_attn.k_proj.bias'],
    [{ family: 'qwen3' }, 'model.layers.1.self_attn.q_norm.weight'],
  ] as const)('%# biases and head norms are the same as other parameters', (variation, name) => {
    const shape = { ...small, ...variation };
    const lacking = withTensors((all) => all.filter((each) => each.name !== name), shape);
    expect(refusal(lacking)).toMatchObject({ tag: 'TensorMissing', field: name });
    expect(refusal(withTensors((all) => all, shape))).toBeUndefined();
  });

  test.each([
    ['model.layers.0.mlp.up_proj.weight', 8 * 3 + 5, Number.NaN, '[3, 5]', 'NaN'],
    ['model.norm.weight', 7, Number.NEGATIVE_INFINITY, '[7]', '-Infinity'],
    ['model.embed_tokens.weight', 0, Number.POSITIVE_INFINITY, '[0, 0]', 'Infinity'],
  ])('a number in %s that is not finite is refused by its place', (name, place, value, index, got) => {
    const files = withTensors((all) =>
      all.map((each) => (each.name === name ? { ...each, data: each.data.with(place, value) } : each)),
    );
    expect(refusal(files)).toEqual({
      tag: 'TensorNotFinite',
      file: 'model.safetensors',
      field: `${name}${index}`,
      expected: 'finite numbers',
      got,
    });
  });

  test('a type that is no float is refused by name', () => {
    const header = bytesOf('{"model.norm.weight":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}  ');
    const bytes = new Uint8Array(8 + header.length + 8);
    bytes.set([header.length]);
    bytes.set(header, 8);
    const files = encodeCheckpoint(checkpointOf(small)).set('model.safetensors', bytes);
    expect(refusal(files)).toEqual({
      tag: 'FileDamaged',
      file: 'model.safetensors',
      field: 'model.norm.weight.dtype',
      expected: 'F64, F32, F16, BF16',
      got: '"I64"',
    });
  });

  test('what says nothing new is taken: rotary tables, a tied head that is the embedding', () => {
    const table = { name: 'model.layers.0.self_attn.rotary_emb.inv_freq', dims: [2], data: new Float32Array(2) };
    expect(refusal(withTensors((all) => [...all, table]))).toBeUndefined();
    const head = (all: Tensor[]): Tensor[] =>
      all.flatMap((each) => (each.name.includes('embed') ? [{ ...each, name: 'lm_head.weight' }] : []));
    expect(refusal(withTensors((all) => [...all, ...head(all)]))).toBeUndefined();
    const other = (all: Tensor[]): Tensor[] =>
      head(all).map((each) => ({ ...each, data: each.data.map((x) => x + 1) }));
    expect(refusal(withTensors((all) => [...all, ...other(all)]))).toMatchObject({
      tag: 'TensorExtra',
      field: 'lm_head.weight',
    });
  });
});

describe('weights in shards', () => {
  const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const index = 'model.safetensors.index.json';
  const tensors = tensorsOf(small);
  const mapOf = (cut: number) => tensors.map(({ name }, i) => [name, i < cut ? first : second] as const);

  /** Tensors before `cut` in the first shard, those from `from` on in the second; the index is as if both were 5. */
  const sharded = (cut = 5, from = cut, map: Iterable<readonly [string, unknown]> | null = mapOf(5)) => {
    const files = encodeCheckpoint(checkpointOf(small));
    files.delete('model.safetensors');
    files.set(first, writeSafetensors(tensors.slice(0, cut)));
    files.set(second, writeSafetensors(tensors.slice(from)));
    if (map !== null) files.set(index, bytesOf(JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(map) })));
    return files;
  };

  test('are read with an index and without', () => {
    expect(decode(sharded()).weights).toEqual(checkpointOf(small).weights);
    expect(decode(sharded(5, 5, null)).weights).toEqual(checkpointOf(small).weights);
  });

  test('are not looked at beside a whole file', () => {
    const files = sharded(3, 9).set('model.safetensors', writeSafetensors(tensors));
    expect(decode(files).weights).toEqual(checkpointOf(small).weights);
  });

  test('are written as one file', () => {
    const names = [...encodeCheckpoint(decode(sharded())).keys()];
    expect(names.filter((name) => name.startsWith('model'))).toEqual(['model.safetensors']);
  });

  test('a missing shard is named, whether the index or the other shards ask for it', () => {
    for (const map of [mapOf(5), null])
      for (const lost of [first, second]) {
        const files = sharded(5, 5, map);
        files.delete(lost);
        expect(refusal(files)).toEqual({
          tag: 'FileMissing',
          file: lost,
          field: '',
          expected: 'the shard',
          got: 'none',
        });
      }
  });

  test('a tensor that is not where the index says is named, and where it is', () => {
    const name = tensors[5]?.name;
    const expected = `it here, as ${index} says`;
    const wanted = { tag: 'TensorMissing', file: second, field: name, expected };
    expect(refusal(sharded(5, 6))).toEqual({ ...wanted, got: 'none' });
    expect(refusal(sharded(6, 6))).toEqual({ ...wanted, got: `it in ${first}` });
  });

  test('a tensor that the index does not list is named', () => {
    const map = mapOf(5).filter(([name]) => name !== 'model.norm.weight');
    expect(refusal(sharded(5, 5, map))).toEqual({
      tag: 'TensorExtra',
      file: second,
      field: 'model.norm.weight',
      expected: `only what ${index} lists`,
      got: 'a tensor',
    });
  });

  test('a tensor in two shards is named', () => {
    const twice = { tag: 'TensorExtra', file: second, field: tensors[5]?.name, expected: `it only in ${first}` };
    expect(refusal(sharded(6, 5))).toMatchObject(twice);
    expect(refusal(sharded(6, 5, null))).toMatchObject(twice);
  });

  test('a damaged index is refused', () => {
    const refused = (text: string) => refusal(sharded().set(index, bytesOf(text)));
    expect(refused('{')).toMatchObject({ tag: 'FileDamaged', file: index, field: 'weight_map' });
    expect(refused('{"weight_map":[]}')).toMatchObject({ tag: 'FileDamaged', file: index, field: 'weight_map' });
    expect(refusal(sharded(5, 5, [['model.norm.weight', 2]]))).toEqual({
      tag: 'FileDamaged',
      file: index,
      field: 'weight_map.model.norm.weight',
      expected: 'the name of a shard',
      got: '2',
    });
  });
});
