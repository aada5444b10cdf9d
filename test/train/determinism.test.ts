import { createHash } from 'node:crypto';
import { draws } from '../../projections/random';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import type { Tensor } from '../../src/ports/tensorRuntime';
import { stepScalars, type AdamW } from '../../src/train/adamW';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { momentInput, newState, trainStepGraph, varianceInput } from '../../src/train/trainGraph';
import { parameterInput } from '../../src/train/transformer';
import { float, int64, loadOrThrow, runOrThrow } from '../support/running';

const shape: ModelShape = {
  vocabSize: 256,
  hiddenSize: 64,
  intermediateSize: 128,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tiedEmbeddings: true,
  maxPositions: 64,
};
const config: AdamW = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01, clipNorm: 1 };
const [batch, length, steps] = [8, 32, 5];

const parameters = parametersOf(shape);
const sizeOf = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);

const untrained = (): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(
    parameters.flatMap(({ name, dims, kind }) => {
      const stream = draws(['determinism', name]);
      const weights = Float32Array.from({ length: sizeOf(dims) }, (_, i) =>
        kind === 'norm' ? 1 : 0.05 * (stream.uniform(i) - 0.5),
      );
      const zeros = (): Tensor => float(dims, new Float32Array(sizeOf(dims)));
      return [
        [parameterInput(name), float(dims, weights)],
        [momentInput(name), zeros()],
        [varianceInput(name), zeros()],
      ] as const;
    }),
  );

const batchAt = (step: number): Record<string, Tensor> => {
  const stream = draws(['batch', step]);
  // Ids repeat a lot: the embedding gradient sums many rows into one.
  const ids = Array.from({ length: batch * length }, (_, i) => stream.integer(i, 20));
  return {
    ids: int64([batch, length], ids),
    targets: int64(
      [batch * length],
      ids.map((id, i) => (id * 3 + (i % 2)) % shape.vocabSize),
    ),
    weights: float(
      [batch * length],
      ids.map((id) => (id % 4) / 2),
    ),
    scale: float([], [1 / (batch * length)]),
  };
};

const startState = untrained();

/** SHA-256 of all weights behind five steps, and the losses on the way. */
const train = async (threads: number): Promise<{ digest: string; losses: readonly number[] }> => {
  const program = await loadOrThrow(
    ortRuntime({ device: 'cpu', threads, spin: false }),
    trainStepGraph(shape, config, batch, length),
  );
  let state = startState;
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const scalars = Object.entries(stepScalars(config, 1e-2, step)).map(([name, value]) => [name, float([], [value])]);
    const got = await runOrThrow(program, { ...state, ...batchAt(step), ...Object.fromEntries(scalars) });
    losses.push(Number(got['loss']?.data[0]));
    state = Object.fromEntries(Object.keys(state).map((name) => [name, got[newState(name)] ?? float([], [])]));
  }
  await program.release();
  const hash = createHash('sha256');
  for (const { name } of parameters) {
    const data = state[parameterInput(name)]?.data;
    if (data === undefined) throw new Error(`no weights for "${name}"`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return { digest: hash.digest('hex'), losses };
};

describe('training', () => {
  it('gives the same weights, bit for bit, again and on one or two threads', async () => {
    const first = await train(2);
    expect(first.losses.at(-1)).toBeLessThan(0.95 * (first.losses[0] ?? 0));
    expect(await train(2)).toEqual(first);
    expect(await train(1)).toEqual(first);
    expect(await train(4)).toEqual(first);
  }, 60_000);
});
