import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { assemble } from '../../bench/assembleKernel';
import { draws } from '../../projections/random';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../../src/onnx/graph';
import type { Tensor } from '../../src/ports/tensorRuntime';
import {
  adamWScalars,
  clipFactor,
  clipNodes,
  decays,
  normOf,
  stepScalars,
  type AdamW,
  type AdamWScalars,
} from '../../src/train/adamW';
import { adamWStep, addVectors, kernelBytes } from '../../src/train/vectorKernel';
import { layoutOf } from '../../src/train/layout';
import { momentInput, newState, varianceInput } from '../../src/train/loopGraph';
import { gradientOutput, squaresGraph } from '../../src/train/trainGraph';
import { parameterInput } from '../../src/train/transformer';
import { optimizerGraph } from '../support/optimizerGraph';
import { float, loadOrThrow, numbersOf, runGraph, runOrThrow } from '../support/running';

const config: AdamW = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 };
const runtime = ortRuntime({ device: 'cpu', threads: 2, spin: false });

interface Vectors {
  readonly p: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly g: Float32Array;
}

/** Bits of every number; all NaN are one, since IEEE leaves open which it is. */
const bitsOf = (data: Float32Array): Uint32Array =>
  new Uint32Array(data.slice().buffer).map((bits, i) => (Number.isNaN(data[i]) ? 0x7fc00000 : bits));

const f = Math.fround;

/** One step by JavaScript's own numbers, every operation rounded to float32. */
const plainStep = ({ p, m, v, g }: Vectors, at: AdamWScalars): Omit<Vectors, 'g'> => {
  const next = { p: p.slice(), m: m.slice(), v: v.slice() };
  for (let i = 0; i < p.length; i++) {
    const [x, value] = [g[i] ?? 0, p[i] ?? 0];
    const newM = f(f(f(m[i] ?? 0) * at.beta1) + f(x * at.gain));
    const newV = f(f(f(v[i] ?? 0) * at.beta2) + f(f(x * at.power) * x));
    const denominator = f(f(f(Math.sqrt(newV)) * at.spread) + at.epsilon);
    next.m[i] = newM;
    next.v[i] = newV;
    next.p[i] = f(f(value * at.decay) - f(f(newM * at.rate) / denominator));
  }
  return next;
};

const kernelStep = ({ p, m, v, g }: Vectors, at: AdamWScalars): Omit<Vectors, 'g'> => {
  const next = { p: p.slice(), m: m.slice(), v: v.slice() };
  adamWStep(next.p, next.m, next.v, g, at);
  return next;
};

/** Draws are slow: a long vector repeats so many of them, a prime number. */
const distinct = 1999;

/** Numbers of every size that float32 has, zeros and denormals too, from a seed. */
const scattered = (seed: number, name: string, size: number, allowNegative = true): Float32Array => {
  const stream = draws([seed, name]);
  const drawn = Float32Array.from({ length: Math.min(size, distinct) }, (_, i) => {
    const [kind, sign] = [stream.integer(4 * i, 8), allowNegative && stream.uniform(4 * i + 1) < 0.5 ? -1 : 1];
    if (kind === 0) return sign * 0;
    if (kind === 1) return sign * stream.integer(4 * i + 2, 2 ** 23) * 2 ** -149;
    if (kind < 4) return sign * stream.uniform(4 * i + 2);
    return sign * (1 + stream.uniform(4 * i + 2)) * 2 ** (stream.integer(4 * i + 3, 250) - 126);
  });
  return Float32Array.from({ length: size }, (_, i) => drawn[i % distinct] ?? 0);
};

const vectors = (seed: number, size: number): Vectors => ({
  p: scattered(seed, 'p', size),
  m: scattered(seed, 'm', size),
  v: scattered(seed, 'v', size, false),
  g: scattered(seed, 'g', size),
});

/** Bits of a whole step, to be compared. */
const allBits = ({ p, m, v }: Omit<Vectors, 'g'>): readonly Uint32Array[] => [m, v, p].map(bitsOf);

const someScalars = fc
  .record({
    step: fc.integer({ min: 1, max: 10000 }),
    rate: fc.double({ min: 1e-7, max: 0.1, noNaN: true }),
    clip: fc.double({ min: 1e-6, max: 1, noNaN: true }).map(f),
    decaying: fc.boolean(),
  })
  .map(({ step, rate, clip, decaying }) => adamWScalars(config, stepScalars(config, rate, step), clip, decaying));

describe('the kernel', () => {
  it('is the assembly of its text', async () => {
    const text = readFileSync(join(__dirname, '..', '..', 'src', 'train', 'vectorKernel.wat'), 'utf8');
    expect(Buffer.from(kernelBytes()).toString('base64')).toBe(await assemble(text));
  });

  it('gives the bits of plain arithmetic, whatever the numbers', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 50 }), someScalars, (seed, size, at) => {
        const start = vectors(seed, size);
        expect(allBits(kernelStep(start, at))).toEqual(allBits(plainStep(start, at)));
      }),
      { numRuns: 300 },
    );
  });

  const [usual] = fc.sample(someScalars, { seed: 1, numRuns: 1 });
  if (usual === undefined) throw new Error('no sample');

  it.each([0, 1, 3, 4, 5, 16383, 16384, 16385, 40001])('gives them at length %i, around its chunk too', (size) => {
    const start = vectors(7, size);
    expect(allBits(kernelStep(start, usual))).toEqual(allBits(plainStep(start, usual)));
  });

  it('changes values and moments alone, and nothing beside a view', () => {
    const whole = vectors(3, 30);
    const before = { p: whole.p.slice(), g: whole.g.slice() };
    const view = (vector: Float32Array): Float32Array => vector.subarray(5, 12);
    adamWStep(view(whole.p), view(whole.m), view(whole.v), view(whole.g), usual);
    expect(bitsOf(whole.g)).toEqual(bitsOf(before.g));
    expect(bitsOf(whole.p.subarray(0, 5))).toEqual(bitsOf(before.p.subarray(0, 5)));
    expect(bitsOf(whole.p.subarray(12))).toEqual(bitsOf(before.p.subarray(12)));
    expect(bitsOf(view(whole.p))).not.toEqual(bitsOf(view(before.p)));
  });

  it('leaves no trace of what went before', () => {
    kernelStep(vectors(1, 16384), usual);
    const start = vectors(2, 6);
    expect(allBits(kernelStep(start, usual))).toEqual(allBits(plainStep(start, usual)));
  });
});

describe('the sum of vectors', () => {
  it.each([0, 1, 3, 4, 5, 16383, 16384, 16385, 40001])(
    'has the bits of one addition after the other at length %i',
    (size) => {
      const [sum, ...terms] = ['sum', 'a', 'b', 'c'].map((name) => scattered(11, name, size));
      if (sum === undefined) throw new Error('no sum');
      const wanted = terms.reduce((total, term) => total.map((value, i) => f(value + (term[i] ?? 0))), sum);
      const got = sum.slice();
      addVectors(got, terms);
      expect(bitsOf(got)).toEqual(bitsOf(wanted));
    },
  );

  it('depends on the order of its terms, and changes nothing but the sum', () => {
    const [a, b] = [Float32Array.of(1e8, 1e8, 7, 7), Float32Array.of(-1e8, -1e8, 7, 7)];
    const whole = new Float32Array(9).fill(0.5);
    const view = whole.subarray(2, 6);
    addVectors(view, [a, b]);
    expect(Array.from(whole)).toEqual([0.5, 0.5, 0, 0, 14.5, 14.5, 0.5, 0.5, 0.5]);
    const other = new Float32Array(4);
    addVectors(other, [a, b, Float32Array.of(0.5, 0.5, 0.5, 0.5)]);
    expect(Array.from(other)).toEqual([0.5, 0.5, 14.5, 14.5]);
    addVectors(other, []);
    expect(Array.from(other)).toEqual([0.5, 0.5, 14.5, 14.5]);
    expect(Array.from(a)).toEqual([1e8, 1e8, 7, 7]);
  });
});

/** Parameters of every kind, none of a size that four divides. */
const layout = layoutOf([
  { name: 'embedding', dims: [5, 3], kind: 'embedding' },
  { name: 'linear', dims: [37, 29], kind: 'linear' },
  { name: 'norm', dims: [7], kind: 'norm' },
  { name: 'bias', dims: [9], kind: 'bias' },
]);

const partsOf = (prefix: (name: string) => string, vector: Float32Array): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(
    layout.slots.map(({ name, dims, offset, size }) => [
      prefix(name),
      float(dims, vector.subarray(offset, offset + size)),
    ]),
  );

const joined = (tensors: Readonly<Record<string, Tensor>>, prefix: (name: string) => string): Float32Array =>
  Float32Array.from(layout.slots.flatMap(({ name }) => numbersOf(tensors, newState(prefix(name)))));

/** Vectors as they are in a training, scaled: squares of gradients neither vanish nor overflow. */
const usualVectors = (seed: number, scale: number): Vectors => {
  const drawn = (name: string, from: number, to: number): Float32Array => {
    const stream = draws([seed, name]);
    return Float32Array.from({ length: layout.size }, (_, i) => from + (to - from) * stream.uniform(i));
  };
  return {
    p: drawn('p', -1, 1),
    m: drawn('m', -scale, scale),
    v: drawn('v', 0, scale * scale),
    g: drawn('g', -scale, scale),
  };
};

describe('the optimizer as a graph', () => {
  const graph = optimizerGraph(config, layout.slots);

  /** A step by the graph, and one by the engine's way: sums by their graph, factors by JavaScript, updates by the kernel. */
  const bothWays = async ({ p, m, v, g }: Vectors, rate: number, step: number) => {
    const scalars = stepScalars(config, rate, step);
    const fetched = await runGraph(runtime, graph, {
      ...partsOf(parameterInput, p),
      ...partsOf(momentInput, m),
      ...partsOf(varianceInput, v),
      ...partsOf(gradientOutput, g),
      ...Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, float([], [value])])),
    });
    const flat = Object.entries(partsOf(gradientOutput, g)).map(([name, tensor]) => [
      name,
      { ...tensor, dims: [tensor.data.length] },
    ]);
    const squares = numbersOf(await runGraph(runtime, squaresGraph(layout.slots), Object.fromEntries(flat)), 'squares');
    const norm = normOf(squares);
    const clip = clipFactor(norm, config.clipNorm);
    const next = { p: p.slice(), m: m.slice(), v: v.slice() };
    for (const { offset, size, kind } of layout.slots) {
      const of = (vector: Float32Array): Float32Array => vector.subarray(offset, offset + size);
      adamWStep(of(next.p), of(next.m), of(next.v), of(g), adamWScalars(config, scalars, clip, decays(kind)));
    }
    const byGraph = {
      p: joined(fetched, parameterInput),
      m: joined(fetched, momentInput),
      v: joined(fetched, varianceInput),
    };
    return {
      byGraph,
      next,
      norms: [numbersOf(fetched, 'gradNorm')[0], norm],
      clips: [numbersOf(fetched, 'clip')[0], clip],
    };
  };

  it.each([
    ['as gradients are, clipped', 0.5],
    ['small and not clipped', 1e-4],
    ['so small that their squares are denormal', 1e-21],
    ['large', 1e15],
  ])('gives the bits of the kernel where gradients are %s', async (_, scale) => {
    for (const [seed, step] of [
      [1, 1],
      [2, 2],
      [3, 500],
    ] as const) {
      const { byGraph, next, norms, clips } = await bothWays(usualVectors(seed, scale), 1e-3, step);
      expect(norms[0]).toBe(norms[1]);
      expect(clips[0]).toBe(clips[1]);
      expect(clips[0] === 1).toBe(scale < 1e-3);
      expect(allBits(byGraph)).toEqual(allBits(next));
    }
  });

  it('gives them where numbers are of every size', async () => {
    const { byGraph, next } = await bothWays({ ...vectors(5, layout.size), g: usualVectors(5, 1).g }, 1e-3, 3);
    expect(allBits(byGraph)).toEqual(allBits(next));
  });

  it('gives them where all gradients are 0: the norm is 0, the factor 1', async () => {
    const start = { ...usualVectors(9, 1), g: new Float32Array(layout.size) };
    const { byGraph, next, norms, clips } = await bothWays(start, 1e-3, 1);
    expect([...norms, ...clips]).toEqual([0, 0, 1, 1]);
    expect(allBits(byGraph)).toEqual(allBits(next));
  });
});

describe('the global norm and its factor', () => {
  it('are in JavaScript what they are as nodes, to the bit', async () => {
    const count = 5;
    const b = new GraphBuilder('clip');
    const squares = Array.from({ length: count }, (_, i) => b.input(`square${i}`, 'float32', []));
    const { norm, factor } = clipNodes(b, squares, 0.7);
    b.output('norm', norm);
    b.output('factor', factor);
    const program = await loadOrThrow(runtime, b.build());
    const square = fc.oneof(
      fc.constant(0),
      fc.float({ min: 0, max: f(1e38), noNaN: true }),
      fc.float({ min: 0, max: 2, noNaN: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(square, { minLength: count, maxLength: count }), async (drawn) => {
        const feeds = Object.fromEntries(drawn.map((value, i) => [`square${i}`, float([], [value])]));
        const got = await runOrThrow(program, feeds);
        const byHand = normOf(drawn);
        expect(numbersOf(got, 'norm')).toEqual([byHand]);
        expect(numbersOf(got, 'factor')).toEqual([clipFactor(byHand, 0.7)]);
      }),
    );
    await program.release();
  });

  it('leave gradients alone up to the limit, and scale them down to it above', () => {
    expect(normOf([9, 16])).toBe(5);
    expect(clipFactor(0.999, 1)).toBe(1);
    expect(clipFactor(5, 1)).toBeCloseTo(0.2, 6);
    // Each square is a float32, their sum is not: it has all bits of all of them.
    expect(normOf([1, f(1e-12)]) ** 2).not.toBe(1 + 1e-12);
    expect(normOf([f(3e38), f(3e38)])).toBe(f(Math.sqrt(2 * f(3e38))));
  });
});

describe('the factors of a step', () => {
  it('are those of torch.optim.AdamW', () => {
    const { spread, rate, decay } = stepScalars(config, 0.01, 3);
    expect(spread).toBeCloseTo(1 / Math.sqrt(1 - 0.95 ** 3), 12);
    expect(rate).toBeCloseTo(0.01 / (1 - 0.9 ** 3), 12);
    expect(decay).toBeCloseTo(1 - 0.01 * 0.1, 12);
  });

  it('decay linears and embeddings alone', () => {
    expect((['embedding', 'linear', 'norm', 'bias'] as const).map(decays)).toEqual([true, true, false, false]);
    const scalars = stepScalars(config, 0.5, 1);
    expect(adamWScalars(config, scalars, 1, true).decay).toBe(f(0.95));
    expect(adamWScalars(config, scalars, 1, false).decay).toBe(1);
  });

  it('are float32, all of them', () => {
    const scalars = adamWScalars(config, stepScalars(config, 1 / 3, 7), f(1 / 7), true);
    for (const value of Object.values(scalars)) expect(value).toBe(f(value));
  });
});
