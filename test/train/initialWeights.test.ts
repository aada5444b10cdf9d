import { sha256 } from '../../events/digest';
import { draws, normals, philox4x32 } from '../../projections/random';
import { initialWeights } from '../../src/train/initialWeights';
import type { ModelShape } from '../../src/train/modelShape';
import { parametersOf } from '../../src/train/modelShape';

const shape: ModelShape = {
  vocabSize: 300,
  hiddenSize: 64,
  intermediateSize: 160,
  layers: 8,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tiedEmbeddings: false,
  maxPositions: 64,
};
const digestOfNumbers = (data: Float64Array | Float32Array): string =>
  sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
const mean = (data: Iterable<number>, of: (x: number) => number): number => {
  const all = [...data];
  return all.reduce((sum, x) => sum + of(x), 0) / all.length;
};

describe('normals', () => {
  const many = normals(['many'], 400_000);

  test('the same numbers for ever', () => {
    expect(digestOfNumbers(normals([42, 'init', 'golden'], 1001))).toBe(
      '59ac80cccd5064e68e0f44b5fb87bad023bf8db89a83027e92886e4ffaa54f52',
    );
  });

  test('four of each Philox block, by Box and Muller', () => {
    const hex = sha256(JSON.stringify(['normals', 9, 'by hand']));
    const [k0 = 0, k1 = 0, c2 = 0, c3 = 0] = [0, 8, 16, 24].map((at) => parseInt(hex.slice(at, at + 8), 16));
    const [a, b, c, d] = philox4x32([5, 0, c2, c3], [k0, k1]);
    const radius = (word: number): number => Math.sqrt(-2 * Math.log((word + 0.5) / 2 ** 32));
    const angle = (word: number): number => (2 * Math.PI * word) / 2 ** 32;
    expect(Array.from(normals([9, 'by hand'], 24).subarray(20))).toEqual([
      radius(a) * Math.cos(angle(b)),
      radius(a) * Math.sin(angle(b)),
      radius(c) * Math.cos(angle(d)),
      radius(c) * Math.sin(angle(d)),
    ]);
  });

  test('a longer run begins with the shorter one', () => {
    const long = normals([1, 'x'], 103);
    for (const n of [0, 1, 2, 3, 4, 5, 102]) expect(normals([1, 'x'], n)).toEqual(long.slice(0, n));
  });

  test('has the moments of a standard normal', () => {
    expect(Math.abs(mean(many, (x) => x))).toBeLessThan(0.005);
    expect(mean(many, (x) => x * x)).toBeCloseTo(1, 2);
    expect(Math.abs(mean(many, (x) => x ** 3))).toBeLessThan(0.02);
    expect(mean(many, (x) => x ** 4)).toBeCloseTo(3, 1);
    expect(mean(many, (x) => (Math.abs(x) < 1 ? 1 : 0))).toBeCloseTo(0.6827, 2);
    expect(many.every(Number.isFinite)).toBe(true);
  });

  test('neighbours, and runs under other keys, are unrelated', () => {
    const product = (a: Float64Array, b: Float64Array): number => mean(a.keys(), (i) => (a[i] ?? 0) * (b[i] ?? 0));
    for (const lag of [1, 2, 3, 4]) expect(Math.abs(product(many.slice(0, -lag), many.slice(lag)))).toBeLessThan(0.01);
    expect(Math.abs(product(many, normals(['more'], 400_000)))).toBeLessThan(0.01);
    expect(normals(['many'], 1)[0]).not.toBe(draws(['many']).normal(0));
  });

  test('two million in less than two seconds', () => {
    const began = performance.now();
    normals(['fast'], 2_000_000);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe('initial weights', () => {
  const weights = initialWeights(shape, 7);
  const numbers = (name: string): Float32Array => weights.get(name) ?? new Float32Array(0);
  const deviation = (name: string): number => Math.sqrt(mean(numbers(name), (x) => x * x));

  test('every parameter of the shape, in its order and size', () => {
    expect([...weights].map(([name, data]) => [name, data.length])).toEqual(
      parametersOf(shape).map(({ name, dims }) => [name, dims.reduce((a, b) => a * b, 1)]),
    );
  });

  test('norms are 1, the rest has deviation 0.02, output projections less by 1/sqrt(2 · layers)', () => {
    expect(new Set(numbers('model.layers.3.input_layernorm.weight'))).toEqual(new Set([1]));
    for (const name of ['model.embed_tokens.weight', 'lm_head.weight', 'model.layers.0.mlp.gate_proj.weight']) {
      expect(deviation(name)).toBeCloseTo(0.02, 3);
    }
    for (const name of ['self_attn.o_proj', 'mlp.down_proj']) {
      expect(deviation(`model.layers.5.${name}.weight`)).toBeCloseTo(0.02 / 4, 3);
    }
  });

  test('the same numbers for ever', () => {
    const all = Buffer.concat(
      [...weights.values()].map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    );
    expect(sha256(all)).toBe('0203af97f6046bba5637fc35ff67852c502a61c8ac86a9865641d82dd5fbb7c1');
  });

  test('a parameter depends on seed and name alone', () => {
    const wider = initialWeights({ ...shape, vocabSize: 310 }, 7);
    const name = 'model.layers.2.self_attn.q_proj.weight';
    expect(wider.get(name)).toEqual(numbers(name));
    expect(wider.get('model.embed_tokens.weight')?.slice(0, 300 * 64)).toEqual(numbers('model.embed_tokens.weight'));
    expect(initialWeights(shape, 8).get(name)).not.toEqual(numbers(name));
    expect(numbers('model.layers.1.self_attn.q_proj.weight')).not.toEqual(numbers(name));
  });
});
