import * as fc from 'fast-check';
import { ortRuntime } from '../../../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../../../src/onnx/graph';
import { reshape } from '../../../src/onnx/ops';
import type { Program } from '../../../src/ports/tensorRuntime';
import { sampleToken } from '../../../src/train/decode/sampling';
import { logSoftmax, sample } from '../../support/decoding';
import { the } from '../../support/events';
import { float, loadOrThrow, numbersOf, runOrThrow } from '../../support/running';

jest.setTimeout(60_000);

interface Draw {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly u: number;
}

/** A graph that samples one token per row. */
const samplerOf = (vocabulary: number): Promise<Program> => {
  const b = new GraphBuilder('sampler');
  const column = (name: string) => b.input(name, 'float32', ['batch', 1]);
  const logits = b.input('logits', 'float32', ['batch', vocabulary]);
  const [temperature, topK, topP, u] = [column('temperature'), column('topK'), column('topP'), column('u')];
  const { ids, logprobs } = sampleToken(b, logits, vocabulary, { temperature, topK, topP, u });
  b.output('ids', reshape(b, ids, [-1]));
  b.output('logprobs', logprobs);
  return loadOrThrow(ortRuntime({ device: 'cpu', threads: 2, spin: false }), b.build());
};

const vocabulary = 200;
const sampler = samplerOf(vocabulary);
const small = samplerOf(10);

const run = async (program: Promise<Program>, logits: readonly (readonly number[])[], rows: readonly Draw[]) => {
  const column = (of: (draw: Draw) => number) => float([rows.length, 1], rows.map(of));
  const got = await runOrThrow(await program, {
    logits: float([logits.length, logits[0]?.length ?? 0], logits.flat()),
    temperature: column(({ temperature }) => temperature),
    topK: column(({ topK }) => topK),
    topP: column(({ topP }) => topP),
    u: column(({ u }) => u),
  });
  return { ids: numbersOf(got, 'ids'), logprobs: numbersOf(got, 'logprobs') };
};

const whole = { temperature: 1, topK: vocabulary, topP: 2 };

/** Logits of any sharpness, in steps that float32 holds exactly, with ties among them. */
const logitRow = fc
  .tuple(
    fc.array(fc.integer({ min: -40, max: 40 }), { minLength: vocabulary, maxLength: vocabulary }),
    fc.constantFrom(0, 1, 8, 32),
  )
  .map(([values, sharpness]) => values.map((value) => (value * sharpness) / 64));

const draw = fc.record<Draw>({
  temperature: fc.constantFrom(0.5, 1, 2),
  topK: fc.constantFrom(1, 5, 64, 65, 66, 150, vocabulary),
  topP: fc.constantFrom(0.1, 0.5, 0.9, 0.99, 2),
  u: fc.integer({ min: 0, max: 2 ** 20 - 1 }).map((n) => n / 2 ** 20),
});

const rows = fc.array(fc.tuple(logitRow, draw), { minLength: 1, maxLength: 9 });

describe('sampling', () => {
  it('finds the token that the description names, but for rounding at a border', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const got = await run(
          sampler,
          given.map(([logits]) => logits),
          given.map(([, one]) => one),
        );
        given.forEach(([logits, one], i) => {
          const at = (u: number) => sample(logits, one, Math.min(Math.max(u, 0), 1 - 2 ** -24));
          const near = [at(one.u - 1e-5), at(one.u), at(one.u + 1e-5)];
          // What is kept may differ by one token where the mass meets topP within rounding.
          const byMass = [one.topP - 1e-5, one.topP + 1e-5].map((topP) => sample(logits, { ...one, topP }, one.u));
          expect([...near, ...byMass]).toContain(got.ids[i]);
          expect(got.logprobs[i]).toBeCloseTo(the(logSoftmax(logits)[the(got.ids[i])]), 4);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('gives a row the same bits alone and beside rows that need a full sort', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const together = await run(
          sampler,
          given.map(([logits]) => logits),
          given.map(([, one]) => one),
        );
        const apart = { ids: [] as number[], logprobs: [] as number[] };
        for (const [logits, one] of given) {
          const alone = await run(sampler, [logits], [one]);
          apart.ids.push(...alone.ids);
          apart.logprobs.push(...alone.logprobs);
        }
        expect(together).toEqual(apart);
      }),
      { numRuns: 40 },
    );
  });

  it('draws each token as often as it is likely', async () => {
    const logits = Array.from({ length: vocabulary }, (_, i) => Math.sin(i) * 2);
    const draws = 4096;
    const all = Array.from({ length: draws }, (_, i) => ({ ...whole, u: (i + 0.5) / draws }));
    const { ids } = await run(
      sampler,
      all.map(() => logits),
      all,
    );
    const counts = Array.from({ length: vocabulary }, (_, id) => ids.filter((one) => one === id).length);
    logSoftmax(logits).forEach((logprob, id) =>
      expect(Math.abs(the(counts[id]) - Math.exp(logprob) * draws)).toBeLessThanOrEqual(1.01),
    );
  });
});

describe.each([
  { size: 10, program: small },
  { size: vocabulary, program: sampler },
])('sampling among $size equals', ({ size, program }) => {
  const first = async (changed: Partial<Draw>): Promise<number | undefined> => {
    const one = { temperature: 1, topK: size, topP: 2, u: 0, ...changed };
    const { ids, logprobs } = await run(program, [Array.from({ length: size }, () => 0.25)], [one]);
    expect(logprobs[0]).toBeCloseTo(-Math.log(size), 5);
    return ids[0];
  };

  it('takes the lowest id greedily', async () => expect(await first({ topK: 1, u: 0.99 })).toBe(0));

  it('orders by id', async () => {
    expect(await first({ u: 0 })).toBe(0);
    expect(await first({ u: 0.501 })).toBe(size / 2);
    expect(await first({ u: 1 - 2 ** -24 })).toBe(size - 1);
  });

  it('never leaves the vocabulary, even for a draw that rounds to 1', async () => {
    expect(await first({ u: 1 })).toBe(size - 1);
    expect(await first({ topK: 5, u: 1 })).toBe(4);
  });

  it('keeps topK tokens', async () => {
    expect(await first({ topK: 4, u: 0.74 })).toBe(2);
    expect(await first({ topK: 4, u: 0.76 })).toBe(3);
  });

  it('keeps tokens until their mass has reached topP', async () => {
    expect(await first({ topP: 2.5 / size, u: 0.999 })).toBe(2);
    expect(await first({ topP: 0.5 / size, u: 0.999 })).toBe(0);
    expect(await first({ topK: 2, topP: 2.5 / size, u: 0.999 })).toBe(1);
  });
});
