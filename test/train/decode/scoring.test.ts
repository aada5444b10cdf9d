import * as E from 'fp-ts/Either';
import { ortRuntime } from '../../../src/adapters/onnxruntime/tensorRuntime';
import { DecodePrograms } from '../../../src/train/decode/decodePrograms';
import { scoreRows, type ScoreRow } from '../../../src/train/decode/scoring';
import type { ModelShape, Weights } from '../../../src/train/modelShape';
import { decode, goldenWeights, logSoftmax, sharpWeights } from '../../support/decoding';
import { must, the } from '../../support/events';
import { decodeFloats, goldenNames, readGoldenModel } from '../../support/goldenModel';

jest.setTimeout(60_000);

const programs = new DecodePrograms(ortRuntime({ device: 'cpu', threads: 2, spin: false }));
afterAll(() => programs.release());

const score = (shape: ModelShape, weights: Weights, rows: readonly ScoreRow[]) =>
  programs.use(shape, weights, async ({ load }) => the(must(await scoreRows(shape, must(await load('score')), rows))));

it.each(goldenNames)('gives the log-probabilities of transformers, %s', async (name) => {
  const golden = readGoldenModel(name);
  const { shape, batch, length } = golden;
  const logits = decodeFloats(golden.logits);
  const ids = the(golden.batches[0]).ids;
  const lines = Array.from({ length: batch }, (_, i) => ids.slice(i * length, (i + 1) * length));
  // Every place of a line as the border between prompt and continuation.
  const rows = lines.flatMap((line) =>
    line.slice(1).map((_, at) => ({ prompt: line.slice(0, at + 1), continuation: line.slice(at + 1) })),
  );
  const expected = lines.flatMap((line, i) => {
    const logprobs = line.slice(1).map((id, at) => {
      const start = (i * length + at) * shape.vocabSize;
      return the(logSoftmax(Array.from(logits.slice(start, start + shape.vocabSize)))[id]);
    });
    return logprobs.map((_, at) => logprobs.slice(at));
  });
  const got = await score(shape, goldenWeights(golden), rows);
  expect(got.map((logprobs) => logprobs.length)).toEqual(expected.map((logprobs) => logprobs.length));
  const gaps = got.flatMap((logprobs, i) => logprobs.map((value, j) => Math.abs(value - the(expected[i]?.[j]))));
  expect(Math.max(...gaps)).toBeLessThan(1e-5);
});

describe('scoring', () => {
  const shape: ModelShape = { ...readGoldenModel('untied').shape, maxPositions: 256 };
  const weights = sharpWeights(shape, 2);

  it('gives a generated text the log-probabilities that it was generated with', async () => {
    const prompts = [[1, 2, 3], [4], Array.from({ length: 60 }, (_, i) => i % 19)];
    const made = await decode(
      programs,
      shape,
      weights,
      prompts.map((ids, i) => ({ ids, maxTokens: 50, temperature: 1, uniform: (step) => ((step + i) * 0.377) % 1 })),
      { places: 2 },
    );
    const got = await score(
      shape,
      weights,
      made.map(({ tokenIds }, i) => ({ prompt: the(prompts[i]), continuation: tokenIds })),
    );
    made.forEach(({ logprobs }, i) => logprobs.forEach((value, j) => expect(got[i]?.[j]).toBeCloseTo(value, 4)));
  });

  it('gives nothing for nothing', async () => {
    expect(await score(shape, weights, [])).toEqual([]);
    expect(await score(shape, weights, [{ prompt: [1], continuation: [] }])).toEqual([[]]);
  });

  it('stops between runs when the signal aborts', async () => {
    const stop = new AbortController();
    stop.abort();
    const rows = [{ prompt: [1], continuation: [2] }];
    const got = await programs.use(shape, weights, async ({ load }) =>
      scoreRows(shape, must(await load('score')), rows, stop.signal),
    );
    expect(got).toEqual(E.right(undefined));
  });
});
