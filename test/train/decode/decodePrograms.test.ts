import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import { ortRuntime } from '../../../src/adapters/onnxruntime/tensorRuntime';
import type { Program, TensorRuntime } from '../../../src/ports/tensorRuntime';
import { DecodePrograms } from '../../../src/train/decode/decodePrograms';
import { initialWeights } from '../../../src/train/initialWeights';
import type { ModelShape, Weights } from '../../../src/train/modelShape';
import { decode, goldenWeights, sharpWeights } from '../../support/decoding';
import { must } from '../../support/events';
import { readGoldenModel } from '../../support/goldenModel';

const runtime = ortRuntime({ device: 'cpu', threads: 1, spin: false });
const golden = readGoldenModel('gqa-tied');
const { shape } = golden;

/** A runtime that counts what is loaded and what is released. */
const counting = (inner: TensorRuntime = runtime) => {
  const counts = { loaded: 0, released: 0 };
  const counted: TensorRuntime = {
    ...inner,
    load: (model) =>
      TE.map((program: Program) => {
        counts.loaded++;
        const release = (): Promise<void> => {
          counts.released++;
          return program.release();
        };
        return { ...program, release };
      })(inner.load(model)),
  };
  return { counts, counted };
};

const students = [1, 2, 3, 4].map((seed): Weights => initialWeights(shape, seed));
const rows = [{ ids: [1, 2, 3], maxTokens: 5 }];
const generate = (programs: DecodePrograms, weights: Weights, of: ModelShape = shape) =>
  decode(programs, of, weights, rows, { places: 1 });

describe('decoding programs', () => {
  it('are loaded once per student, and only those of the last students are kept', async () => {
    const { counts, counted } = counting();
    const programs = new DecodePrograms(counted);
    const [a = new Map(), b = new Map(), c = new Map()] = students;
    await generate(programs, a);
    await generate(programs, a);
    expect(counts).toEqual({ loaded: 2, released: 0 });
    await generate(programs, b);
    await generate(programs, a);
    expect(counts).toEqual({ loaded: 4, released: 0 });
    await generate(programs, c);
    expect(counts).toEqual({ loaded: 6, released: 2 });
    await generate(programs, a);
    expect(counts).toEqual({ loaded: 6, released: 2 });
    await programs.release();
    expect(counts).toEqual({ loaded: 6, released: 6 });
    expect(await generate(programs, a)).toHaveLength(1);
    await programs.release();
    expect(counts).toEqual({ loaded: 8, released: 8 });
  });

  it('are not released while somebody uses them', async () => {
    const { counts, counted } = counting();
    const programs = new DecodePrograms(counted);
    const [first = new Map(), ...others] = students;
    await programs.use(shape, first, async ({ load }) => {
      must(await load('step'));
      for (const other of others) await generate(programs, other);
      expect(counts).toEqual({ loaded: 7, released: 4 });
    });
    await programs.release();
    expect(counts).toEqual({ loaded: 7, released: 7 });
  });

  it('say the same with weights that are fed, as those are that no file can hold', async () => {
    const wide: ModelShape = { ...shape, vocabSize: 97, family: 'qwen3', attentionBias: true, tiedEmbeddings: false };
    const weights = sharpWeights(wide, 4);
    const [held, fed] = [new DecodePrograms(runtime), new DecodePrograms(runtime, { constantBytes: 1 })];
    const [expected] = await generate(held, weights, wide);
    const [got] = await generate(fed, weights, wide);
    expect(got?.tokenIds).toEqual(expected?.tokenIds);
    got?.logprobs.forEach((value, i) => expect(value).toBeCloseTo(expected?.logprobs[i] ?? Number.NaN, 5));
    await held.release();
    await fed.release();
  });

  it('hand on what the runtime says when it refuses a graph', async () => {
    const refusing: TensorRuntime = {
      ...runtime,
      load: () => () => Promise.resolve(E.left({ tag: 'GraphRefused', message: 'no such operator' })),
    };
    const programs = new DecodePrograms(refusing);
    await programs.use(shape, goldenWeights(golden), async ({ load }) =>
      expect(await load('score')).toEqual(E.left({ tag: 'GraphRefused', message: 'no such operator' })),
    );
    await programs.release();
  });
});
