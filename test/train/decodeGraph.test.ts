import { draws } from '../../projections/random';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import type { Tensor } from '../../src/ports/tensorRuntime';
import { parameterInput } from '../../src/train/transformer';
import { decode, decodeSlowly, fullForward, type DecodeRow } from '../support/decoding';
import { goldenNames, parameterFeeds, readGoldenModel } from '../support/goldenModel';
import { referenceRuntime } from '../support/referenceRuntime';
import { float } from '../support/running';

jest.setTimeout(60_000);

const runtime = ortRuntime({ device: 'cpu', threads: 2, spin: false });
const [length, steps, never] = [7, 9, 999];

const prompts: readonly (readonly number[])[] = [[3, 1, 4, 1, 5, 9, 2], [6], [5, 3, 5, 8], [9, 7]];
const greedy: readonly DecodeRow[] = prompts.map((prompt) => ({ prompt }));

/** Rows with every kind of setting, and draws of their own. */
const sampled = (seed: number): readonly DecodeRow[] => {
  const settings = [
    { temperature: 1, topK: 1000 },
    { temperature: 0.7, topK: 4 },
    { temperature: 1.5, topK: 1000, topP: 0.8 },
    { temperature: 2, topK: 9, topP: 0.6 },
  ];
  return settings.map((setting, i) => {
    const stream = draws([seed, 'row', i]);
    return {
      ...setting,
      prompt: prompts[i] ?? [0],
      uniforms: Array.from({ length: steps }, (_, step) => Math.fround(stream.uniform(step))),
    };
  });
};

describe.each(goldenNames)('decoding with a cache, %s', (name) => {
  const { shape, weights } = readGoldenModel(name);
  const parameters: Readonly<Record<string, Tensor>> = parameterFeeds(shape, weights);
  const run = (rows: readonly DecodeRow[], end = never, padded = length) =>
    decode(runtime, shape, parameters, rows, { length: padded, steps, end });
  const slowly = async (rows: readonly DecodeRow[], end = never) => {
    const next = await fullForward(runtime, shape, parameters, length + steps);
    const results = [];
    for (const row of rows) results.push(await decodeSlowly(next, row, steps, end));
    return { tokens: results.map(({ tokens }) => tokens), logprobs: results.map(({ logprobs }) => logprobs) };
  };

  const expectSame = (got: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void => {
    expect(got.map((row) => row.length)).toEqual(expected.map((row) => row.length));
    const gaps = got.flatMap((row, i) => row.map((value, j) => Math.abs(value - (expected[i]?.[j] ?? Number.NaN))));
    expect(Math.max(...gaps)).toBeLessThan(1e-5);
  };

  it('gives what repeated full forward passes give, on prompts of unequal length', async () => {
    const [got, expected] = [await run(greedy), await slowly(greedy)];
    expect(got.tokens).toEqual(expected.tokens);
    expectSame(got.logprobs, expected.logprobs);
    expect(new Set(got.tokens.flat()).size).toBeGreaterThan(3);
  });

  it.each([1, 2, 3])('samples as the sampler is described, draws %i', async (seed) => {
    const [got, expected] = [await run(sampled(seed)), await slowly(sampled(seed))];
    expect(got.tokens).toEqual(expected.tokens);
    expectSame(got.logprobs, expected.logprobs);
  });

  it('gives the same on the reference runtime, in double', async () => {
    const got = await run(sampled(1));
    const double = await decode(referenceRuntime, shape, parameters, sampled(1), { length, steps, end: never });
    expect(got.tokens).toEqual(double.tokens);
    expectSame(got.logprobs, double.logprobs);
  });

  it('pads a row that has ended with end tokens, and stops when all have', async () => {
    const free = await run(sampled(2));
    // The end token is one that some row makes while another goes on.
    const end = free.tokens[0]?.[2] ?? -1;
    const [got, expected] = [await run(sampled(2), end), await slowly(sampled(2), end)];
    const made = Math.max(...expected.tokens.map((row) => row.length));
    const padded = expected.tokens.map((row) => [...row, ...Array.from({ length: made - row.length }, () => end)]);
    expect(expected.tokens[0]?.length).toBeLessThan(steps);
    expect(got.tokens).toEqual(padded);
    expectSame(
      got.logprobs.map((row, i) => row.slice(0, expected.logprobs[i]?.length)),
      expected.logprobs,
    );
  });

  it('stops at once when every row ends', async () => {
    const [first = -1] = (await run(greedy)).tokens[1] ?? [];
    const got = await run([{ prompt: [6] }, { prompt: [6] }], first);
    expect(got.tokens).toEqual([[first], [first]]);
  });

  it('gives a row the same tokens alone, at every place of a batch and under more padding', async () => {
    for (const row of sampled(3).slice(0, 3)) {
      const alone = await run([row]);
      const others = sampled(4).slice(0, 3);
      const inBatch: (readonly number[] | undefined)[] = [];
      for (let place = 0; place < 4; place++) {
        const got = await run(others.toSpliced(place, 0, row));
        expect(got.tokens[place]).toEqual(alone.tokens[0]);
        inBatch.push(got.logprobs[place]);
      }
      // In batches of one size, to the last bit; alone, other kernels add in another order.
      expect(inBatch).toEqual(inBatch.map(() => inBatch[0]));
      expectSame([inBatch[0] ?? []], [alone.logprobs[0] ?? []]);
      const wide = await run([row], never, length + 5);
      expect(wide.tokens).toEqual(alone.tokens);
      expectSame(wide.logprobs, alone.logprobs);
    }
  });
});

describe('sampling among equals', () => {
  const { shape, weights } = readGoldenModel('untied');
  const zero = float([shape.vocabSize, shape.hiddenSize], new Float32Array(shape.vocabSize * shape.hiddenSize));
  const parameters = { ...parameterFeeds(shape, weights), [parameterInput('lm_head.weight')]: zero };
  const first = async (row: Omit<DecodeRow, 'prompt' | 'uniforms'>, u: number): Promise<number | undefined> => {
    const rows = [{ ...row, prompt: [1], uniforms: [u] }];
    const got = await decode(runtime, shape, parameters, rows, { length: 1, steps: 1, end: never });
    expect(got.logprobs[0]?.[0]).toBeCloseTo(-Math.log(shape.vocabSize), 5);
    return got.tokens[0]?.[0];
  };

  it('takes the lowest id greedily', async () => expect(await first({}, 0.99)).toBe(0));

  it('orders by id', async () => {
    expect(await first({ topK: 1000 }, 0)).toBe(0);
    expect(await first({ topK: 1000 }, 0.5)).toBe(Math.floor(shape.vocabSize / 2));
    expect(await first({ topK: 1000 }, 1 - 2 ** -24)).toBe(shape.vocabSize - 1);
  });

  it('never leaves the vocabulary, even for a draw that rounds to 1', async () => {
    expect(await first({ topK: 1000 }, 1)).toBe(shape.vocabSize - 1);
    expect(await first({ topK: 5 }, 1)).toBe(4);
  });

  it('keeps topK tokens', async () => {
    expect(await first({ topK: 4 }, 0.74)).toBe(2);
    expect(await first({ topK: 4 }, 0.76)).toBe(3);
  });

  it('keeps tokens until their mass has reached topP', async () => {
    const p = 1 / shape.vocabSize;
    expect(await first({ topK: 1000, topP: 2.5 * p }, 0.999)).toBe(2);
    expect(await first({ topK: 1000, topP: 0.5 * p }, 0.999)).toBe(0);
    expect(await first({ topK: 2, topP: 2.5 * p }, 0.999)).toBe(1);
  });
});
