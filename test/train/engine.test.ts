import { setImmediate as nextTurn } from 'node:timers/promises';
import * as E from 'fp-ts/Either';
import type { RuntimeError } from '../../src/ports/tensorRuntime';
import { ShardedEngine, shardSetups, type EngineSetup, type ShardClient } from '../../src/train/engine';
import { layoutOf, type Layout } from '../../src/train/layout';
import { localEngine } from '../../src/train/localEngine';
import { loopEngine } from '../../src/train/loopEngine';
import { parametersOf } from '../../src/train/modelShape';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { engineStep, heldOutBatches } from '../../src/train/trainPlan';
import { freshState } from '../../src/train/trainState';
import { must, the } from '../support/events';
import { float } from '../support/running';
import {
  engineFor,
  makeStep,
  smallConfig,
  smallShape,
  stateDigest,
  tokenRows,
  trainingOf,
  type Training,
} from '../support/training';

jest.setTimeout(30_000);

const runtime = ortRuntime({ device: 'cpu', threads: 1, spin: false });
const rows = tokenRows([9, 14, 25, 17, 30, 12, 21, 8]);

const layout: Layout = layoutOf(parametersOf(smallShape));
const counted = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => i);

const setupOf = (microBatches: number): EngineSetup => ({
  model: smallShape,
  config: smallConfig,
  layout,
  frozen: new Map(),
  graphs: new Map(),
  microBatches,
  start: { values: counted(layout.size), m: counted(layout.size), v: counted(layout.size) },
});

const vector = (size: number): Float32Array => new Float32Array(size);

describe('a setup divided among shards', () => {
  it('gives every shard all values and the moments of its share; together they have every moment once', () => {
    const setups = shardSetups(setupOf(8), 3, vector);
    expect(setups).toHaveLength(3);
    for (const { start, share } of setups) {
      expect(start.values).toEqual(counted(layout.size));
      expect(start.m).toEqual(counted(layout.size).slice(share.offset, share.offset + share.size));
      expect(start.v).toEqual(start.m);
    }
    expect(setups.reduce((sum, { share }) => sum + share.size, 0)).toBe(layout.size);
    // No two shards change the same vector.
    expect(
      new Set(setups.flatMap(({ start: { values, m, v } }) => [values, m, v].map((each) => each.buffer))).size,
    ).toBe(9);
  });

  it('has slots for two micro-batches of each shard, and no more than there are micro-batches', () => {
    const slots = (microBatches: number, shards: number): number | undefined =>
      shardSetups(setupOf(microBatches), shards, vector)[0]?.exchange?.slots.length;
    expect([slots(8, 3), slots(5, 3), slots(4, 2), slots(9, 2)]).toEqual([6, 5, 4, 4]);
    const [first, second] = shardSetups(setupOf(4), 2, vector);
    expect(first?.exchange).toBe(second?.exchange);
    expect(first?.exchange?.values).toEqual(counted(layout.size));
  });

  it('has one shard, with nothing to exchange, for one micro-batch or where one is asked for', () => {
    for (const [microBatches, shards] of [
      [1, 4],
      [8, 1],
    ] as const) {
      const setup = setupOf(microBatches);
      const setups = shardSetups(setup, shards, vector);
      expect(setups).toHaveLength(1);
      expect(setups[0]?.exchange).toBeUndefined();
      expect(setups[0]?.start).toBe(setup.start);
    }
  });

  it('has as many shards as parameters at most', () => {
    const two: Layout = layoutOf(parametersOf(smallShape).slice(0, 2));
    const start = { values: vector(two.size), m: vector(two.size), v: vector(two.size) };
    expect(shardSetups({ ...setupOf(8), layout: two, start }, 5, vector)).toHaveLength(2);
  });
});

describe.each([
  ['one shard', localEngine(runtime)],
  ['two shards', localEngine(runtime, 2)],
  ['a Loop of many steps', loopEngine(runtime, 4)],
] as const)('an engine of %s', (_, start) => {
  const training = trainingOf(rows, {
    batchSize: 8,
    microBatch: 2,
    heldOut: { share: 0.25, every: 1, patience: null },
  });
  const stepOf = (of: Training, step: number) => the(engineStep(of.plan, of.config, step)).input;

  it('makes no update where a loss is not finite, and none behind it; what it has is what it had', async () => {
    const engine = await engineFor(training, start);
    await makeStep(training, engine, 1);
    const before = stateDigest(must(await engine.state()));
    const bad = stepOf(training, 2);
    const [first, ...rest] = bad.microBatches;
    const { feeds } = the(first);
    const { dims } = the(feeds['weights']);
    const weights = float(dims, new Float32Array(dims[0] ?? 0).fill(Number.NaN));
    const spoiled = { ...bad, microBatches: [{ ...the(first), feeds: { ...feeds, weights } }, ...rest] };
    const made = must(await engine.run([spoiled, stepOf(training, 3)]));
    expect(made.map(({ updated }) => updated)).toEqual([false]);
    expect(made[0]?.loss).toBeNaN();
    expect(stateDigest(must(await engine.state()))).toBe(before);
    // It goes on as if nothing had been.
    const [good] = must(await engine.run([bad]));
    const other = await engineFor(training, start);
    await makeStep(training, other, 1);
    expect(await makeStep(training, other, 2)).toEqual(good);
    await Promise.all([engine.release(), other.release()]);
  });

  it('makes steps one behind the other, with results in their order', async () => {
    const [one, many] = [await engineFor(training, start), await engineFor(training, start)];
    const single = [await makeStep(training, one, 1), await makeStep(training, one, 2)];
    const together = must(await many.run([stepOf(training, 1), stepOf(training, 2)]));
    expect(together).toEqual(single);
    expect(must(await many.state())).toEqual(must(await one.state()));
    await Promise.all([one.release(), many.release()]);
  });

  it('gives the losses of every place, of its steps under the values before them, and of other batches', async () => {
    const engine = await engineFor(training, start);
    const { nll, loss } = await makeStep(training, engine, 1);
    const { microBatches } = stepOf(training, 1);
    expect(nll.map(({ length }) => length)).toEqual(microBatches.map(({ feeds }) => the(feeds['weights']).data.length));
    const summed = nll.reduce((sum, losses, i) => {
      const { weights, scale } = the(microBatches[i]).feeds;
      return (
        sum +
        Array.from(losses).reduce(
          (part, one, at) => part + one * Number(the(weights).data[at] ?? 0) * Number(the(scale).data[0]),
          0,
        )
      );
    }, 0);
    expect(Math.abs(summed - loss) / loss).toBeLessThan(1e-6);
    const held = heldOutBatches(training.plan, training.config);
    const before = must(await engine.losses(held));
    expect(before).toHaveLength(held.length);
    expect(must(await engine.losses(held))).toEqual(before);
    await makeStep(training, engine, 2);
    expect(must(await engine.losses(held))).not.toEqual(before);
    await engine.release();
  });

  it('keeps nothing of the states that it gives', async () => {
    const engine = await engineFor(training, start);
    const given = must(await engine.state());
    given.values.fill(7);
    given.m.fill(7);
    given.v.fill(7);
    const untouched = await engineFor(training, start);
    expect(must(await engine.state())).toEqual(must(await untouched.state()));
    expect(await makeStep(training, engine, 1)).toEqual(await makeStep(training, untouched, 1));
    await Promise.all([engine.release(), untouched.release()]);
  });

  it('decays linears and embeddings alone', async () => {
    const biased = { ...smallShape, family: 'qwen2' } as const;
    const after = async (weightDecay: number) => {
      const one = trainingOf(rows, { batchSize: 8, weightDecay, learningRate: 0.1, schedule: 'constant' }, biased);
      const engine = await engineFor(one, start);
      await makeStep(one, engine, 1);
      const { values } = must(await engine.state());
      await engine.release();
      return { values, slots: one.model.layout.slots, begin: freshState(one.model.layout, one.model.start).values };
    };
    const [none, some] = [await after(0), await after(0.5)];
    const kinds = new Set(none.slots.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['embedding', 'linear', 'norm', 'bias']));
    for (const { kind, offset, size } of none.slots)
      for (let i = offset; i < offset + size; i++) {
        const gap = (none.values[i] ?? 0) - (some.values[i] ?? 0);
        const wanted = kind === 'norm' || kind === 'bias' ? 0 : 0.05 * (none.begin[i] ?? 0);
        expect(Math.abs(gap - wanted)).toBeLessThan(kind === 'norm' || kind === 'bias' ? 1e-12 : 1e-6);
      }
  });
});

describe('a shard that fails', () => {
  const failure: RuntimeError = { tag: 'RunFailed', message: 'the thread ended with code 1' };
  const working: ShardClient = {
    gradient: async () => E.right({ loss: 1, nll: Float32Array.of(1) }),
    losses: async () => E.right({ loss: 1, nll: Float32Array.of(1) }),
    collect: async () => undefined,
    squares: async () => E.right([1]),
    update: async () => undefined,
    refresh: async () => undefined,
    snapshot: async () => ({ values: Float32Array.of(1), m: Float32Array.of(1), v: Float32Array.of(1) }),
    release: async () => undefined,
  };
  const batches = Array.from({ length: 5 }, () => ({ key: '1x1', feeds: {} }));
  const step = { microBatches: batches, scalars: { spread: 1, rate: 1, decay: 1 } };

  it.each(['gradient', 'losses', 'squares'] as const)('at %s ends the step, with its reason', async (method) => {
    let calls = 0;
    const failing = {
      ...working,
      [method]: async () => {
        calls++;
        return E.left(failure);
      },
    };
    const engine = new ShardedEngine([working, failing], 4, 1);
    const result = method === 'losses' ? await engine.losses(batches) : await engine.run([step]);
    expect(result).toEqual(E.left(failure));
    expect(calls).toBe(1);
  });

  it('is the one of the earliest micro-batch, whichever fails first', async () => {
    for (const slow of [0, 1]) {
      const shards = [0, 1].map(
        (): ShardClient => ({
          ...working,
          losses: async (key) => {
            if (Number(key) === slow) await nextTurn();
            return E.left({ ...failure, message: `micro-batch ${key}` });
          },
        }),
      );
      const result = await new ShardedEngine(shards, 4, 1).losses(
        [0, 1, 2].map((i) => ({ key: String(i), feeds: {} })),
      );
      expect(result).toEqual(E.left({ ...failure, message: 'micro-batch 0' }));
    }
  });
});
