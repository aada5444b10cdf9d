import { digestOf } from '../../events/digest';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { small } from './checkpointFolders';

const listed = (shape: ModelShape): readonly string[] =>
  parametersOf(shape).map(({ name, dims, kind }) => `${kind} ${name} [${dims.join(', ')}]`);

const layer1 = (shape: ModelShape): readonly string[] =>
  listed(shape)
    .filter((line) => line.includes('layers.1.'))
    .map((line) => line.replace('model.layers.1.', ''));

const plainLayer = [
  'norm input_layernorm.weight [8]',
  'linear self_attn.q_proj.weight [16, 8]',
  'linear self_attn.k_proj.weight [8, 8]',
  'linear self_attn.v_proj.weight [8, 8]',
  'linear self_attn.o_proj.weight [8, 16]',
  'norm post_attention_layernorm.weight [8]',
  'linear mlp.gate_proj.weight [12, 8]',
  'linear mlp.up_proj.weight [12, 8]',
  'linear mlp.down_proj.weight [8, 12]',
];

test('the parameters of Llama and Mistral, in their order', () => {
  expect(listed(small)).toHaveLength(1 + 2 * 9 + 1);
  expect(listed(small)[0]).toBe('embedding model.embed_tokens.weight [257, 8]');
  expect(listed({ ...small, tiedEmbeddings: false }).slice(-2)).toEqual([
    'norm model.norm.weight [8]',
    'linear lm_head.weight [257, 8]',
  ]);
  expect(layer1(small)).toEqual(plainLayer);
  expect(listed({ ...small, family: 'mistral', slidingWindow: 3 })).toEqual(listed(small));
});

test('biases behind their weights, of a kind that does not decay', () => {
  const qkv = ['bias self_attn.q_proj.bias [16]', 'bias self_attn.k_proj.bias [8]', 'bias self_attn.v_proj.bias [8]'];
  const [norm = '', q = '', k = '', v = '', o = '', ...rest] = plainLayer;
  const [qb = '', kb = '', vb = ''] = qkv;
  expect(layer1({ ...small, family: 'qwen2' })).toEqual([norm, q, qb, k, kb, v, vb, o, ...rest]);
  const attention = [norm, q, qb, k, kb, v, vb, o, 'bias self_attn.o_proj.bias [8]', ...rest];
  expect(layer1({ ...small, attentionBias: true })).toEqual(attention);
  expect(layer1({ ...small, mlpBias: true }).filter((line) => line.startsWith('bias'))).toEqual([
    'bias mlp.gate_proj.bias [12]',
    'bias mlp.up_proj.bias [12]',
    'bias mlp.down_proj.bias [8]',
  ]);
});

test('the head norms of Qwen3, with and without biases', () => {
  const norms = ['norm self_attn.q_norm.weight [4]', 'norm self_attn.k_norm.weight [4]'];
  expect(layer1({ ...small, family: 'qwen3' })).toEqual(plainLayer.toSpliced(5, 0, ...norms));
  const biased = layer1({ ...small, family: 'qwen3', attentionBias: true });
  expect(biased.filter((line) => line.startsWith('bias'))).toHaveLength(4);
  expect(biased.filter((line) => line.includes('_norm'))).toEqual(norms);
});

test('a plain Llama is spelled as it was before there were other families', () => {
  const written = { seed: 2, shape: { ...small }, kind: 'scratch' };
  expect(digestOf(written)).toBe('4da607681a6ecd919bd6a7922dee3ededaeb519532de1dafc18db82f4b9de347');
});
