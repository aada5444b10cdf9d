import * as E from 'fp-ts/Either';
import { draws } from '../../../projections/random';
import { ortRuntime } from '../../../src/adapters/onnxruntime/tensorRuntime';
import type { Program } from '../../../src/ports/tensorRuntime';
import { DecodePrograms } from '../../../src/train/decode/decodePrograms';
import { Generator, type GeneratedRow, type GeneratorPrograms } from '../../../src/train/decode/generator';
import type { ModelShape, Weights } from '../../../src/train/modelShape';
import {
  decode,
  decodeSlowly,
  fullForward,
  generationRow,
  goldenWeights,
  sharpWeights,
  type DecodeRow,
} from '../../support/decoding';
import { must, the } from '../../support/events';
import { goldenNames, readGoldenModel } from '../../support/goldenModel';
import { referenceRuntime } from '../../support/referenceRuntime';

jest.setTimeout(60_000);

const runtime = ortRuntime({ device: 'cpu', threads: 2, spin: false });
const programs = new DecodePrograms(runtime);
afterAll(() => programs.release());

const prompts: readonly (readonly number[])[] = [[3, 1, 4, 1, 5, 9, 2], [6], [5, 3, 5, 8], [9, 7]];
const settings: readonly Partial<DecodeRow>[] = [
  { temperature: 1 },
  { temperature: 0.7, topK: 4 },
  { temperature: 1.5, topP: 0.8 },
  { temperature: 2, topK: 9, topP: 0.6 },
];
const greedy = (maxTokens: number): readonly DecodeRow[] => prompts.map((ids) => ({ ids, maxTokens }));
const sampled = (seed: number, maxTokens: number): readonly DecodeRow[] =>
  prompts.map((ids, i) => ({ ids, maxTokens, ...settings[i], uniform: draws([seed, 'row', i]).uniform }));

const idsOf = (rows: readonly Pick<GeneratedRow, 'tokenIds'>[]) => rows.map(({ tokenIds }) => tokenIds);

const expectSame = (
  got: readonly Pick<GeneratedRow, 'tokenIds' | 'logprobs'>[],
  expected: readonly Pick<GeneratedRow, 'tokenIds' | 'logprobs'>[],
): void => {
  expect(idsOf(got)).toEqual(idsOf(expected));
  const gaps = got.flatMap(({ logprobs }, i) =>
    logprobs.map((value, j) => Math.abs(value - (expected[i]?.logprobs[j] ?? Number.NaN))),
  );
  expect(Math.max(...gaps)).toBeLessThan(1e-4);
};

/** A window that a run outgrows, groups, and everything that a family may have. */
const several: readonly (readonly [string, ModelShape, Weights])[] = [
  ...goldenNames.map((name): readonly [string, ModelShape, Weights] => {
    const golden = readGoldenModel(name);
    return [name, { ...golden.shape, maxPositions: 128 }, goldenWeights(golden)];
  }),
  ...[3, 20].map((slidingWindow): readonly [string, ModelShape, Weights] => {
    const shape: ModelShape = {
      ...readGoldenModel('gqa-tied').shape,
      maxPositions: 128,
      slidingWindow,
      attentionBias: true,
      vocabSize: 90,
    };
    return [`a window of ${slidingWindow}`, shape, sharpWeights(shape, 5)];
  }),
];

describe.each(several)('generation by %s', (_, shape, weights) => {
  const run = (rows: readonly DecodeRow[], ends: readonly number[] = []) =>
    decode(programs, shape, weights, rows, { places: 3, ends });
  const slowly = async (rows: readonly DecodeRow[], ends: readonly number[] = []) => {
    const next = await fullForward(runtime, shape, weights, 64);
    const results = [];
    for (const row of rows) results.push(await decodeSlowly(next, row, ends));
    return results;
  };

  it('gives what repeated full passes of the training form give, over several runs', async () => {
    const got = await run(greedy(40));
    expectSame(got, await slowly(greedy(40)));
    expect(got.map(({ finish }) => finish)).toEqual(prompts.map(() => 'length'));
  });

  it.each([1, 2])('samples as the sampler is described, draws %i', async (seed) => {
    const got = await run(sampled(seed, 40));
    expectSame(got, await slowly(sampled(seed, 40)));
    expect(new Set(idsOf(got).flat()).size).toBeGreaterThan(3);
  });

  it('ends a row at its end token and at no other', async () => {
    const free = await run(sampled(2, 40));
    const ends = [the(free[0]?.tokenIds[17]), the(free[1]?.tokenIds[2])];
    const got = await run(sampled(2, 40), ends);
    expectSame(got, await slowly(sampled(2, 40), ends));
    for (const { finish, tokenIds } of got) expect(finish).toBe(ends.includes(the(tokenIds.at(-1))) ? 'eos' : 'length');
    expect(got.some(({ finish }) => finish === 'eos')).toBe(true);
  });

  it('gives the same on the reference runtime, in double', async () => {
    const double = new DecodePrograms(referenceRuntime);
    const expected = await decode(double, shape, weights, sampled(1, 19), { places: 4 });
    expect(expected).toHaveLength(prompts.length);
    expectSame(await run(sampled(1, 19)), expected);
  });
});

describe('places', () => {
  const golden = readGoldenModel('gqa-tied');
  const shape = { ...golden.shape, maxPositions: 128 };
  const weights = goldenWeights(golden);

  /** How many rows each run had. */
  const counting = (program: Program, counts: number[]): Program => ({
    run: (feeds, into) => {
      counts.push(the(feeds['ids'] ?? feeds['logits']).dims[0] ?? 0);
      return program.run(feeds, into);
    },
    release: () => program.release(),
  });

  const watched = (rows: readonly DecodeRow[], places: number) =>
    programs.use(shape, weights, async ({ load }) => {
      const [prefills, steps]: [number[], number[]] = [[], []];
      const loaded: GeneratorPrograms = {
        prefill: counting(must(await load('prefill')), prefills),
        step: counting(must(await load('step')), steps),
      };
      const generator = new Generator(shape, loaded, [], rows.map(generationRow), places);
      return { made: the(must(await generator.all())), prefills, steps };
    });

  it('are filled again as soon as a row ends, and given up when nobody waits', async () => {
    const lengths = [40, 3, 20, 5, 40, 2, 30];
    const rows = lengths.map((maxTokens, i) => ({ ids: the(prompts[i % prompts.length]), maxTokens }));
    const { made, prefills, steps } = await watched(rows, 3);
    expect(made.map(({ tokenIds }) => tokenIds.length)).toEqual(lengths);
    // Runs of 16: rows 0 to 2; 1 gives way to 3; 2 and 3 to 4 and 5; 0 and 5 to 6; then 4 and 6 alone.
    expect(steps).toEqual([3, 3, 3, 2, 2]);
    expect(prefills.reduce((sum, count) => sum + count, 0)).toBe(rows.length);
  });

  it('are at most as many as asked for, however many rows there are', async () => {
    const rows = Array.from({ length: 11 }, (_, i) => ({ ids: [i % 7], maxTokens: 1 + (i % 4) }));
    const { steps } = await watched(rows, 4);
    expect(steps).toEqual([4, 4, 3]);
  });

  it('are not needed where there are no rows', async () => {
    expect(await watched([], 4)).toEqual({ made: [], prefills: [], steps: [] });
  });

  it('are left when the signal aborts', async () => {
    const stop = new AbortController();
    const made = await programs.use(shape, weights, async ({ load }) => {
      const loaded = { prefill: must(await load('prefill')), step: must(await load('step')) };
      const step: Program = {
        ...loaded.step,
        run: (feeds) => {
          stop.abort();
          return loaded.step.run(feeds);
        },
      };
      return new Generator(shape, { ...loaded, step }, [], greedy(40).map(generationRow), 4).all(stop.signal);
    });
    expect(made).toEqual(E.right(undefined));
  });

  it('hand on what the runtime says when a run fails', async () => {
    const failing: Program = {
      run: () => () => Promise.resolve(E.left({ tag: 'RunFailed', message: 'no memory' })),
      release: () => Promise.resolve(),
    };
    const generator = new Generator(
      shape,
      { prefill: failing, step: failing },
      [],
      [generationRow(the(greedy(1)[0]))],
      1,
    );
    expect(await generator.all()).toEqual(E.left({ tag: 'RunFailed', message: 'no memory' }));
  });

  it('stop a row where it has made enough', async () => {
    const [free] = await decode(programs, shape, weights, [{ ids: [6], maxTokens: 30 }], { places: 1 });
    const enough = (tokenIds: readonly number[]) => (tokenIds.length >= 5 ? 5 : undefined);
    const rows = [
      { ids: [6], maxTokens: 30, enough },
      { ids: [6], maxTokens: 5, enough },
    ];
    for (const stopped of await decode(programs, shape, weights, rows, { places: 2 }))
      expect(stopped).toEqual({
        tokenIds: free?.tokenIds.slice(0, 5),
        logprobs: free?.logprobs.slice(0, 5),
        finish: 'stop',
      });
  });
});
