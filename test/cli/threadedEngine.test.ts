import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { shardsFor } from '../../src/cli/threadedEngine';
import type { EngineSetup, StartEngine, TrainEngine } from '../../src/train/engine';
import { layoutOf } from '../../src/train/layout';
import { localEngine } from '../../src/train/localEngine';
import { loopEngine } from '../../src/train/loopEngine';
import { engineStep, graphsOf, heldOutBatches } from '../../src/train/trainPlan';
import { freshState } from '../../src/train/trainState';
import { GraphBuilder } from '../../src/onnx/graph';
import { encodeModel } from '../../src/onnx/modelProto';
import { gradientGraph } from '../../src/train/trainGraph';
import { cliBuild } from '../support/cliBuild';
import { must, the } from '../support/events';
import {
  engineFor,
  makeStep,
  runTraining,
  smallConfig,
  smallShape,
  tokenRows,
  trainingOf,
  type Training,
} from '../support/training';

jest.setTimeout(60_000);

/** Of the compiled build: its worker is a script of its own. */
const { threadedEngine, threadedLoop }: typeof import('../../src/cli/threadedEngine') = require(
  join(cliBuild(), 'src', 'cli', 'threadedEngine.js'),
);

const threaded = (threads: number): StartEngine => threadedEngine({ device: 'cpu', threads, spin: false }, threads);
const local = localEngine(ortRuntime({ device: 'cpu', threads: 1, spin: false }));

const rows = tokenRows([9, 14, 25, 17, 30, 12, 21, 8]);
const training = trainingOf(rows, { batchSize: 7, steps: 3, heldOut: { share: 0.25, every: 1, patience: null } });

const setupOf = ({ plan, shape, config, model }: Training): EngineSetup => ({
  model: shape,
  config,
  layout: model.layout,
  frozen: model.frozen,
  graphs: graphsOf(plan, shape, config),
  microBatches: 4,
  start: freshState(model.layout, model.start),
});

describe('an engine in threads of its own', () => {
  it('makes the steps of one in this thread, to the bit, on 1, 2 or 3 threads', async () => {
    const wanted = await runTraining(training, local);
    for (const threads of [1, 2, 3]) expect(await runTraining(training, threaded(threads))).toEqual(wanted);
  });

  it('trains low-rank factors and packed rows as one in this thread does', async () => {
    for (const changed of [{ packing: true }, { lora: { rank: 2, alpha: 4, targets: ['q_proj' as const] } }]) {
      const other = trainingOf(rows, { batchSize: 7, steps: 2, ...changed });
      expect(await runTraining(other, threaded(2))).toEqual(await runTraining(other, local));
    }
  });

  it('gives the same losses of other batches, and states that it does not share', async () => {
    const held = heldOutBatches(training.plan, training.config);
    const [here, there] = [await engineFor(training, local), await engineFor(training, threaded(2))];
    for (const engine of [here, there]) await makeStep(training, engine, 1);
    expect(must(await there.losses(held))).toEqual(must(await here.losses(held)));
    must(await there.state()).values.fill(7);
    expect(must(await there.state())).toEqual(must(await here.state()));
    expect(await makeStep(training, there, 2)).toEqual(await makeStep(training, here, 2));
    await Promise.all([here.release(), there.release()]);
  });

  it('goes on from the state of one in this thread, and the other way round', async () => {
    const wanted = await runTraining(training, local);
    for (const [first, second] of [
      [local, threaded(2)],
      [threaded(2), local],
    ] as const) {
      const begun = await engineFor(training, first);
      await makeStep(training, begun, 1);
      const state = must(await begun.state());
      await begun.release();
      const resumed = await engineFor(training, second, state);
      const made = [await makeStep(training, resumed, 2), await makeStep(training, resumed, 3)];
      expect(made.map(({ loss }) => loss)).toEqual(wanted.losses.slice(1));
      await resumed.release();
    }
  });

  it('leaves this thread free while it makes a step', async () => {
    const long = trainingOf(
      tokenRows(Array.from({ length: 8 }, () => 60)),
      { batchSize: 8, microBatch: 4, lengthMultiple: 64 },
      { ...smallShape, layers: 4, hiddenSize: 64, intermediateSize: 256, headDim: 16 },
    );
    /** Turns of the event loop between the beginning and the end of a step. */
    const turnsDuring = async (engine: TrainEngine): Promise<number> => {
      await makeStep(long, engine, 1);
      let [turns, going] = [0, true];
      const turn = (): void => {
        turns++;
        if (going) setImmediate(turn);
      };
      setImmediate(turn);
      await makeStep(long, engine, 2);
      going = false;
      await engine.release();
      return turns;
    };
    const here = await turnsDuring(await engineFor(long, local));
    const order: string[] = [];
    const engine = await engineFor(long, threaded(1));
    setTimeout(() => order.push('timer'), 0);
    await makeStep(long, engine, 1);
    order.push('step');
    expect(order).toEqual(['timer', 'step']);
    // A step in this thread lets it turn between runs of the runtime and no more.
    expect(await turnsDuring(engine)).toBeGreaterThan(10 * here);
  });

  it('takes the start over: nothing of it is left here', async () => {
    const setup = setupOf(training);
    const engine = must(await threaded(1)(setup));
    expect(setup.start.values.byteLength).toBe(0);
    await engine.release();
  });
});

describe('steps as one Loop in a thread of its own', () => {
  const loop = (block: number): StartEngine => threadedLoop({ device: 'cpu', threads: 1, spin: false }, block);

  it('are those of a Loop in this thread, to the bit, whatever a block is', async () => {
    const wanted = await runTraining(training, loopEngine(ortRuntime({ device: 'cpu', threads: 1, spin: false }), 3));
    for (const block of [1, 16]) expect(await runTraining(training, loop(block))).toEqual(wanted);
  });

  it('train low-rank factors beside frozen weights, and go on from a state', async () => {
    const lora = { rank: 2, alpha: 4, targets: ['q_proj' as const] };
    const other = trainingOf(rows, { batchSize: 7, steps: 2, lora });
    expect(await runTraining(other, loop(2))).toEqual(await runTraining(other, local));
    const begun = await engineFor(training, loop(1));
    await makeStep(training, begun, 1);
    const state = must(await begun.state());
    await begun.release();
    const resumed = await engineFor(training, loop(1), state);
    expect((await makeStep(training, resumed, 2)).loss).toBe((await runTraining(training, local)).losses[1]);
    await resumed.release();
  });

  it('leave this thread free, and a graph that is refused or a thread that ended is a failure', async () => {
    const engine = await engineFor(training, loop(2));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await makeStep(training, engine, 1);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
    await engine.release();
    const step = the(engineStep(training.plan, training.config, 2)).input;
    expect(await engine.run([step])).toEqual(E.left({ tag: 'RunFailed', message: 'the thread was stopped' }));
  });
});

describe('memory that runs out', () => {
  it('is told apart, with how many threads held a copy of the model', async () => {
    const long = trainingOf(tokenRows([30, 20]), { batchSize: 2, microBatch: 1, steps: 1 });
    /** The step's inputs, and an output that no memory has room for. */
    const huge = (key: string): Uint8Array => {
      const { inputs } = gradientGraph(long.shape, long.config, Number(key.split('x')[1]));
      const b = new GraphBuilder('huge');
      const scale = inputs
        .map(({ name, dtype, shape }) => b.input(name, dtype, shape))
        .find(({ name }) => name === 'scale');
      b.output('loss', b.one('Expand', [the(scale), b.ints([2 ** 44])]));
      return encodeModel(b.build());
    };
    const keys = [...graphsOf(long.plan, long.shape, long.config).keys()];
    const engine = must(await threaded(2)({ ...setupOf(long), graphs: new Map(keys.map((key) => [key, huge(key)])) }));
    expect(await engine.run([the(engineStep(long.plan, long.config, 1)).input])).toEqual(
      E.left({ tag: 'OutOfMemory', copies: 2, message: expect.stringMatching(/allocate memory|bad_alloc/) }),
    );
    await engine.release();
  });
});

describe('an engine in threads that cannot', () => {
  const step = the(engineStep(training.plan, training.config, 1)).input;

  it('run a graph, says why; it lets itself be let go', async () => {
    const engine = must(
      await threaded(2)({
        ...setupOf(training),
        graphs: new Map(
          [...graphsOf(training.plan, training.shape, training.config).keys()].map((key) => [
            key,
            Uint8Array.of(1, 2, 3),
          ]),
        ),
      }),
    );
    expect(await engine.run([step])).toEqual(E.left({ tag: 'GraphRefused', message: expect.stringMatching(/./) }));
    await engine.release();
  });

  it('begin, because its vectors cannot be moved, says so', async () => {
    const setup = setupOf(training);
    const { values } = setup.start;
    const begun = await threaded(1)({ ...setup, start: { values, m: values, v: values } });
    expect(begun).toEqual(E.left({ tag: 'RunFailed', message: expect.stringMatching(/duplicate|transfer/i) }));
  });

  it('answer any more, because its threads have ended, fails instead of throwing', async () => {
    const engine = await engineFor(training, threaded(2));
    await makeStep(training, engine, 1);
    await engine.release();
    const ended = E.left({ tag: 'RunFailed', message: 'the thread was stopped' });
    expect(await engine.run([step])).toEqual(ended);
    expect(await engine.losses(heldOutBatches(training.plan, training.config))).toEqual(ended);
    expect(await engine.state()).toEqual(ended);
    await engine.release();
  });
});

describe('how many shards there are', () => {
  const setup = setupOf(training);
  const cpu = (threads: number) => ({ device: 'cpu', threads }) as const;

  it('is one for each thread, where there are micro-batches for them', () => {
    expect([1, 2, 4, 16].map((threads) => shardsFor({ ...setup, microBatches: 8 }, cpu(threads)))).toEqual([
      1, 2, 4, 8,
    ]);
    expect(shardsFor({ ...setup, microBatches: 1 }, cpu(8))).toBe(1);
  });

  it('is one for a large model, frozen weights counted too, and on a card', () => {
    const huge = layoutOf([{ name: 'huge', dims: [50_000_001], kind: 'linear' }]);
    expect(shardsFor({ ...setup, layout: huge }, cpu(4))).toBe(1);
    const data = new Float32Array(1);
    Object.defineProperty(data, 'length', { value: 50_000_000 });
    expect(shardsFor({ ...setup, frozen: new Map([['frozen', { dtype: 'float32', dims: [1], data }]]) }, cpu(4))).toBe(
      1,
    );
    expect(shardsFor({ ...setup, config: { ...setup.config, ...smallConfig } }, { device: 'cuda', threads: 4 })).toBe(
      1,
    );
  });
});
