import { draws, shuffledById } from '../../../projections/random';
import { ortRuntime } from '../../../src/adapters/onnxruntime/tensorRuntime';
import { DecodePrograms } from '../../../src/train/decode/decodePrograms';
import type { GeneratedRow } from '../../../src/train/decode/generator';
import type { ModelShape } from '../../../src/train/modelShape';
import { readingGroups } from '../../../src/train/decode/reading';
import { stepsPerRun } from '../../../src/train/decode/stepGraph';
import { decode, sharpWeights, type DecodeRow } from '../../support/decoding';
import { must, the } from '../../support/events';
import { scoreRows, type ScoreRow } from '../../../src/train/decode/scoring';

jest.setTimeout(120_000);

const common = { ropeTheta: 10000, rmsNormEps: 1e-5, tiedEmbeddings: true, maxPositions: 512 };

/** Sizes that are no multiple of a vector, groups, a window, biases, head norms, and products that threads would divide. */
const shapes: Readonly<Record<string, ModelShape>> = {
  'the demo’s proportions': {
    ...common,
    vocabSize: 420,
    hiddenSize: 96,
    intermediateSize: 192,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 24,
  },
  'odd sizes, head norms': {
    ...common,
    vocabSize: 71,
    hiddenSize: 37,
    intermediateSize: 53,
    layers: 2,
    heads: 3,
    kvHeads: 3,
    headDim: 10,
    family: 'qwen3',
    tiedEmbeddings: false,
  },
  'a short window and biases': {
    ...common,
    vocabSize: 130,
    hiddenSize: 64,
    intermediateSize: 300,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 64,
    slidingWindow: 9,
    attentionBias: true,
    mlpBias: true,
  },
};

const settings: readonly Partial<DecodeRow>[] = [
  { temperature: 1 },
  { temperature: 0.7, topK: 4 },
  { temperature: 1.5, topP: 0.8 },
  { temperature: 3 },
  {},
  { temperature: 1, topK: 100, topP: 0.9 },
];

const rowsFor = ({ vocabSize }: ModelShape, count: number, longest: number): readonly DecodeRow[] =>
  Array.from({ length: count }, (_, i) => {
    const stream = draws(['bits', i]);
    const ids = Array.from({ length: 1 + stream.integer(0, longest) }, (__, at) => stream.integer(at + 2, vocabSize));
    return {
      ids,
      maxTokens: 1 + stream.integer(1, 40),
      ...settings[i % settings.length],
      uniform: draws(['row', i]).uniform,
    };
  });

/** 40 million numbers: runs of fewer steps. */
const large: ModelShape = {
  ...common,
  vocabSize: 300,
  hiddenSize: 512,
  intermediateSize: 2048,
  layers: 10,
  heads: 8,
  kvHeads: 4,
  headDim: 64,
};

it('runs are shorter where a model is large, and a row has equal bits in any company all the same', async () => {
  const [small] = Object.values(shapes);
  expect([stepsPerRun(the(small)), stepsPerRun(large)]).toEqual([16, 8]);
  const million = (millions: number): ModelShape => ({ ...the(small), vocabSize: (millions * 1e6) / 96, layers: 1 });
  expect([100, 135, 500, 2000].map((millions) => stepsPerRun(million(millions)))).toEqual([4, 4, 1, 1]);
  const weights = sharpWeights(large, 3);
  const programs = new DecodePrograms(ortRuntime({ device: 'cpu', threads: 2, spin: false }));
  const rows = rowsFor(large, 3, 40).map((row, i) => ({ ...row, maxTokens: 3 + 5 * i }));
  const alone = await decode(programs, large, weights, rows, { places: 1, ends: [] });
  expect(alone.map(({ tokenIds }) => tokenIds.length)).toEqual([3, 8, 13]);
  expect(await decode(programs, large, weights, rows, { places: 3, ends: [] })).toEqual(alone);
  await programs.release();
});

it('prompts are read in runs that do not last long: fewer rows at once where a model is large', () => {
  const rows = Array.from({ length: 64 }, () => ({ ids: Array.from({ length: 60 }, () => 1) }));
  const sizes = (shape: ModelShape): readonly number[] => readingGroups(rows, shape).map((group) => group.rows.length);
  expect(sizes(large)).toEqual([6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 4]);
  expect(sizes(the(Object.values(shapes)[0]))).toEqual([64]);
});

describe.each(Object.entries(shapes))('%s', (_, shape) => {
  const weights = sharpWeights(shape, 3);
  const ends = [7, 11];
  const programs = [1, 2].map((threads) => new DecodePrograms(ortRuntime({ device: 'cpu', threads, spin: false })));
  afterAll(() => Promise.all(programs.map((one) => one.release())));

  const rows = rowsFor(shape, 64, 40);
  const [alone] = [decode(the(programs[0]), shape, weights, rows, { places: 1, ends })];

  it('has rows that end in every way, among them long ones', async () => {
    const made = await alone;
    expect(new Set(made.map(({ finish }) => finish))).toEqual(new Set(['eos', 'length']));
    expect(Math.max(...made.map(({ tokenIds }) => tokenIds.length))).toBeGreaterThan(32);
    expect(made.every(({ logprobs }) => logprobs.every((value) => value <= 0 && Number.isFinite(value)))).toBe(true);
  });

  const order = shuffledById([...rows.keys()], String, ['order']);
  const inOrder = rows.map((_row, i) => i);
  it.each([
    { places: 3, threads: 1, order: inOrder },
    { places: 16, threads: 2, order: inOrder },
    { places: 64, threads: 1, order: inOrder },
    { places: 64, threads: 2, order },
    { places: 7, threads: 2, order },
    { places: 1, threads: 2, order },
  ])('gives equal bits for $places rows at a time on $threads threads', async ({ places, threads, order: given }) => {
    const asked = given.map((i) => the(rows[i]));
    const made = await decode(the(programs[threads - 1]), shape, weights, asked, { places, ends });
    const expected: readonly GeneratedRow[] = await alone;
    expect(made).toEqual(given.map((i) => expected[i]));
  });

  it('gives equal bits when a row is among longer ones, whose cache is longer', async () => {
    const short = rows.slice(0, 5);
    const long = rowsFor(shape, 3, 400).map((row) => ({
      ...row,
      ids: [
        ...row.ids,
        ...the(row.ids.at(0) === undefined ? undefined : Array.from({ length: 300 }, (__, i) => i % shape.vocabSize)),
      ].slice(0, 400),
    }));
    const made = await decode(the(programs[1]), shape, weights, [...long, ...short], { places: 8, ends });
    expect(made.slice(3)).toEqual((await alone).slice(0, 5));
    const longAlone = await decode(the(programs[0]), shape, weights, long, { places: 1, ends });
    expect(made.slice(0, 3)).toEqual(longAlone);
  });

  it('scores with equal bits, whatever else is scored', async () => {
    const texts: readonly ScoreRow[] = rows.map(({ ids }, i) => ({
      prompt: ids,
      continuation: Array.from({ length: i % 30 }, (__, at) => (i * 31 + at * 7) % shape.vocabSize),
    }));
    const score = (threads: number, asked: readonly ScoreRow[]) =>
      the(programs[threads - 1]).use(shape, weights, async ({ load }) =>
        the(must(await scoreRows(shape, must(await load('score')), asked))),
      );
    const together = await score(2, texts);
    const apart: (readonly number[])[] = [];
    for (const text of texts) apart.push(...(await score(1, [text])));
    expect(together).toEqual(apart);
    expect(together.map((logprobs) => logprobs.length)).toEqual(texts.map(({ continuation }) => continuation.length));
  });
});
