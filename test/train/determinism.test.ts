import * as fc from 'fast-check';
import { draws } from '../../projections/random';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { layoutOf } from '../../src/train/layout';
import { ShardedEngine, shardSetups, type ShardClient, type StartEngine } from '../../src/train/engine';
import { localEngine } from '../../src/train/localEngine';
import { loopEngine } from '../../src/train/loopEngine';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { Shard, type FlatState } from '../../src/train/shard';
import { gradientOutput, squaresGraph } from '../../src/train/trainGraph';
import type { TrainConfig } from '../../src/train/trainConfig';
import * as E from 'fp-ts/Either';
import { must, the } from '../support/events';
import { float, numbersOf, runGraph } from '../support/running';
import { engineFor, makeStep, runTraining, smallShape, stateDigest, tokenRows, trainingOf } from '../support/training';

jest.setTimeout(60_000);

const onThreads = (threads: number) => ortRuntime({ device: 'cpu', threads, spin: false });
const runtime = onThreads(1);

/**
 * Large enough that the runtime divides its operators among threads. No matrix is wider than a micro-batch has tokens: the
 * bits of wide products depend on the number of threads (test/adapters/onnxruntime.test.ts).
 */
const large: ModelShape = { ...smallShape, vocabSize: 256, hiddenSize: 64, intermediateSize: 128, headDim: 16 };

/** Seven rows of a step: of micro-batches of two the last is not full, and of one there are more than two shards hold. */
const rows = tokenRows([9, 14, 25, 17, 30, 12, 21, 8, 19, 28]);
const config: Partial<TrainConfig> = { batchSize: 7, steps: 3 };

describe('training gives the same bits', () => {
  it('again, and on 1, 2 or 4 threads', async () => {
    const long = tokenRows([33, 30, 28, 33, 31, 33, 29, 33], large.vocabSize);
    const training = trainingOf(long, { batchSize: 8, microBatch: 8, steps: 5, lengthMultiple: 32 }, large);
    const first = await runTraining(training, localEngine(onThreads(2)));
    expect(first.losses.at(-1)).toBeLessThan(0.95 * (first.losses[0] ?? 0));
    for (const threads of [2, 1, 4])
      expect(await runTraining(training, localEngine(onThreads(threads)))).toEqual(first);
  });

  it.each([1, 2, 3])('on 1, 2 or 3 shards, of micro-batches of %i', async (microBatch) => {
    const training = trainingOf(rows, { ...config, microBatch });
    const first = await runTraining(training, localEngine(runtime));
    expect(first.losses.at(-1)).toBeLessThan(first.losses[0] ?? 0);
    for (const shards of [2, 3]) expect(await runTraining(training, localEngine(runtime, shards))).toEqual(first);
  });

  it('on shards where rows are packed, and where low-rank factors are trained', async () => {
    const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'] } as const;
    for (const changed of [{ packing: true }, { lora: { ...lora, targets: [...lora.targets] } }]) {
      const training = trainingOf(rows, { ...config, ...changed });
      const first = await runTraining(training, localEngine(runtime));
      expect(await runTraining(training, localEngine(runtime, 3))).toEqual(first);
    }
  });

  it('where layers are computed again for their gradients', async () => {
    for (const changed of [{}, { packing: true }]) {
      const plain = await runTraining(trainingOf(rows, { ...config, ...changed }), localEngine(runtime));
      const again = trainingOf(rows, { ...config, ...changed, recompute: true });
      expect(await runTraining(again, localEngine(runtime))).toEqual(plain);
    }
  });

  it('in one Loop of many steps', async () => {
    for (const changed of [{}, { packing: true, recompute: true }]) {
      const training = trainingOf(rows, { ...config, ...changed });
      const plain = await runTraining(training, localEngine(runtime));
      expect(await runTraining(training, loopEngine(runtime, 3))).toEqual(plain);
    }
  });

  it('but not the bits of another seed of weights, of other rows or of other micro-batches', async () => {
    const digests = [{}, { microBatch: 3 }, { packing: true }, { batchSize: 6 }].map((changed) =>
      runTraining(trainingOf(rows, { ...config, ...changed }), localEngine(runtime)).then(({ state }) => state),
    );
    expect(new Set(await Promise.all(digests)).size).toBe(digests.length);
  });
});

describe('a training that goes on from a state', () => {
  it.each([1, 2])('ends as if it had not been stopped, behind whichever step, on %i shards', async (shards) => {
    const training = trainingOf(rows, config);
    const start = localEngine(runtime, shards);
    const engine = await engineFor(training, start);
    const states: FlatState[] = [must(await engine.state())];
    for (let step = 1; step <= 3; step++) {
      await makeStep(training, engine, step);
      states.push(must(await engine.state()));
    }
    await engine.release();
    const digests = states.map(stateDigest);
    expect(new Set(digests).size).toBe(4);
    for (const stopped of [0, 1, 2]) {
      const resumed = await engineFor(training, start, the(states[stopped]));
      for (let step = stopped + 1; step <= 3; step++) await makeStep(training, resumed, step);
      expect(stateDigest(must(await resumed.state()))).toBe(digests[3]);
      await resumed.release();
    }
  });
});

/** A shard whose gradients take as many turns of the event loop as are drawn: which shard is free is left to chance. */
const slow = (shard: Shard, turns: () => number, took: () => void): ShardClient => ({
  gradient: async (...args) => {
    took();
    for (let left = turns(); left > 0; left--) await new Promise((next) => setImmediate(next));
    return shard.gradient(...args);
  },
  losses: (...args) => shard.losses(...args),
  collect: (...args) => shard.collect(...args),
  squares: () => shard.squares(),
  update: (...args) => shard.update(...args),
  refresh: () => shard.refresh(),
  snapshot: () => shard.snapshot(),
  release: () => shard.release(),
});

describe('who computes what', () => {
  it('changes nothing: micro-batches go to whichever shard is free', async () => {
    const training = trainingOf(rows, { ...config, microBatch: 1, steps: 2 });
    const wanted = await runTraining(training, localEngine(runtime));
    const shares = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const stream = draws(['turns', seed]);
        const took = [0, 0, 0];
        const start: StartEngine = async (setup) => {
          const setups = shardSetups(setup, 3, (size) => new Float32Array(size));
          let asked = 0;
          const clients = setups.map((each, i) =>
            slow(
              new Shard(runtime, each),
              () => stream.integer(asked++, 30),
              () => (took[i] = (took[i] ?? 0) + 1),
            ),
          );
          return E.right(new ShardedEngine(clients, setups[0]?.exchange?.slots.length ?? 0, setup.config.clipNorm));
        };
        expect(await runTraining(training, start)).toEqual(wanted);
        expect(took.reduce((sum, count) => sum + count, 0)).toBe(14);
        shares.add(took.join());
      }),
      { numRuns: 4, seed: 5 },
    );
    expect(shares.size).toBeGreaterThan(1);
  });
});

describe('sums of squares', () => {
  it('have the same bits on 1, 2 and 4 threads, and are right', async () => {
    const { slots } = layoutOf(parametersOf({ ...large, vocabSize: 4099, layers: 1 }));
    const stream = draws(['squares']);
    const drawn = Array.from({ length: 1021 }, (_, i) => stream.uniform(i) - 0.3);
    const feeds = Object.fromEntries(
      slots.map(({ name, size }) => [
        gradientOutput(name),
        float(
          [size],
          Array.from({ length: size }, (_, i) => drawn[i % 1021] ?? 0),
        ),
      ]),
    );
    const graph = squaresGraph(slots);
    const first = numbersOf(await runGraph(onThreads(1), graph, feeds), 'squares');
    for (const threads of [2, 4])
      expect(numbersOf(await runGraph(onThreads(threads), graph, feeds), 'squares')).toEqual(first);
    slots.forEach(({ name }, i) => {
      const exact = Array.from(the(feeds[gradientOutput(name)]).data, Number).reduce((sum, x) => sum + x * x, 0);
      expect(Math.abs((first[i] ?? 0) - exact) / exact).toBeLessThan(1e-5);
    });
  });
});
