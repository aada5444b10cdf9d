import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import type { RecordedEvent } from '../../events/envelope';
import type { Row } from '../../projections/replayDataset';
import type { StartEngine } from '../../src/train/engine';
import { layoutOf } from '../../src/train/layout';
import { localEngine } from '../../src/train/localEngine';
import { loopEngine } from '../../src/train/loopEngine';
import { parametersOf } from '../../src/train/modelShape';
import { train } from '../../src/train/trainer';
import type { TrainConfig } from '../../src/train/trainConfig';
import type { TrainPorts } from '../../src/train/trainingRun';
import { decodeState, freshState } from '../../src/train/trainState';
import { decodedOf, factsOf } from '../collect/decoded';
import { collect, must, the } from '../support/events';
import { scriptedEngine } from '../support/scriptedEngine';
import { stateDigest } from '../support/training';
import { newPorts, request, rowOf, runtime, shape } from './tinyTraining';

jest.setTimeout(30_000);

const layout = layoutOf(parametersOf(shape));
const rows: readonly Row[] = Array.from({ length: 10 }, (_, i) => rowOf(`row ${i}`, `Q: ${i} + 3 =`, ` ${i + 3}.`));
const held = (changed: Partial<NonNullable<TrainConfig['heldOut']>> = {}): TrainConfig['heldOut'] => ({
  share: 0.3,
  every: 2,
  patience: null,
  ...changed,
});

const requestOf = (changed: Partial<TrainConfig> = {}, of: readonly Row[] = rows) =>
  request({ rows: of, config: { steps: 9, checkpointEvery: 3, heldOut: held(), ...changed } });

/** Held-out losses behind even steps and the last. */
const losses = [9, 9, 3, 9, 1, 9, 2, 9, 2.5, 2.75];
const script = { heldOut: (step: number) => losses[step] ?? 4 };

const portsWith = (startEngine: StartEngine): TrainPorts => newPorts({ startEngine });
const leavesOf = async ({ log }: TrainPorts): Promise<readonly string[]> =>
  (await collect(log.readAll())).map(({ leaf }: RecordedEvent) => leaf);
const stepsOf = async ({ log }: TrainPorts) =>
  factsOf(await decodedOf(log), 'StepRecorded').flatMap((recorded) => recorded.steps);

/** Ports that cancel behind the given step. */
const stoppingAt = (ports: TrainPorts, stop: number): TrainPorts => {
  const controller = new AbortController();
  const onStep: TrainPorts['onStep'] = ({ step }) => step === stop && controller.abort();
  return { ...ports, signal: controller.signal, onStep };
};

/** What every trained value is: the number of a step, for the scripted engine. */
const valueOf = (weights: ReadonlyMap<string, Float32Array>): number => {
  const values = new Set([...weights.values()].flatMap((data) => Array.from(data)));
  expect(values.size).toBe(1);
  return the([...values][0]);
};

describe('rows that are held out', () => {
  it('are measured every so many steps and behind the last; the best weights are kept', async () => {
    const ports = portsWith(scriptedEngine(script));
    const { receipt, weights } = must(await train(requestOf(), ports));
    const steps = await stepsOf(ports);
    expect(steps.map(({ heldOutLoss }) => heldOutLoss)).toEqual([null, 3, null, 1, null, 2, null, 2.5, 2.75]);
    expect(receipt).toMatchObject({ steps: 9, chosenStep: 4, lastLoss: Math.fround(1 / 9) });
    expect(valueOf(weights)).toBe(4);
    // No step's batch has one of them: three of ten rows are never used.
    expect(new Set(steps.flatMap((step) => step.rows)).size).toBe(7);
  });

  it.each([
    [1, 6],
    [2, 8],
    [3, 9],
  ])('end the training where %i measurements in a row were no better: behind step %i', async (patience, last) => {
    const ports = portsWith(scriptedEngine(script));
    const { receipt, weights } = must(await train(requestOf({ heldOut: held({ patience }) }), ports));
    expect(receipt).toMatchObject({ steps: last, chosenStep: 4 });
    expect(await stepsOf(ports)).toHaveLength(last);
    expect(valueOf(weights)).toBe(4);
    expect(factsOf(await decodedOf(ports.log), 'TrainingStarted')[0]?.steps).toBe(9);
  });

  it('choose the first of equals, and the last step where it is the best', async () => {
    const equal = must(await train(requestOf(), portsWith(scriptedEngine({ heldOut: () => 2 }))));
    expect([equal.receipt.chosenStep, valueOf(equal.weights)]).toEqual([2, 2]);
    const falling = must(await train(requestOf(), portsWith(scriptedEngine({ heldOut: (step) => 1 / step }))));
    expect([falling.receipt.chosenStep, valueOf(falling.weights)]).toEqual([9, 9]);
  });

  it('have no loss where it is not finite: it is not the best, and nothing of it is written', async () => {
    const ports = portsWith(
      scriptedEngine({ heldOut: (step) => (step === 4 ? Number.NaN : step === 6 ? Infinity : 5) }),
    );
    const { receipt } = must(await train(requestOf(), ports));
    expect((await stepsOf(ports)).map(({ heldOutLoss }) => heldOutLoss)).toEqual([
      null,
      5,
      null,
      null,
      null,
      null,
      null,
      5,
      5,
    ]);
    expect(receipt.chosenStep).toBe(2);
  });

  it('are the weights of the last step where they are not held out', async () => {
    const { receipt, weights } = must(await train(requestOf({ heldOut: null }), portsWith(scriptedEngine(script))));
    expect([receipt.steps, receipt.chosenStep, valueOf(weights)]).toEqual([9, 9, 9]);
  });

  it('are too few where their share rounds to none: nothing is written', async () => {
    const ports = portsWith(scriptedEngine(script));
    const three = rows.slice(0, 3);
    expect(await train(requestOf({ heldOut: held({ share: 0.05 }) }, three), ports)).toEqual(
      E.left({ tag: 'NothingHeldOut', rows: 3, share: 0.05 }),
    );
    expect(await leavesOf(ports)).toEqual([]);
  });
});

describe('a training with rows held out that is stopped and goes on', () => {
  it.each([null, 2])(
    'ends as if it had not been, behind whichever step and with whatever states; patience %s',
    async (patience) => {
      for (const checkpointEvery of [1, 2, 3, 100]) {
        const changed = { checkpointEvery, heldOut: held({ patience }) };
        const plain = portsWith(scriptedEngine(script));
        const whole = must(await train(requestOf(changed), plain));
        for (let stop = 1; stop < whole.receipt.steps; stop++) {
          const ports = portsWith(scriptedEngine(script));
          expect(E.isLeft(await train(requestOf(changed), stoppingAt(ports, stop)))).toBe(true);
          const resumed = must(await train(requestOf(changed), ports));
          expect(resumed.receipt).toEqual(whole.receipt);
          expect(resumed.reusedSteps).toBe(stop - (stop % checkpointEvery));
          expect(valueOf(resumed.weights)).toBe(4);
          expect(await leavesOf(ports)).toEqual(await leavesOf(plain));
        }
      }
    },
  );

  it('has the best values in its state, from the first measurement on', async () => {
    const found: (readonly [number | undefined, number | undefined])[] = [];
    // A state is removed once it is not needed any more: each is looked at where the training stops behind it.
    for (let stop = 1; stop <= 8; stop++) {
      const ports = portsWith(scriptedEngine(script));
      await train(requestOf({ checkpointEvery: 1 }), stoppingAt(ports, stop));
      const states = factsOf(await decodedOf(ports.log), 'CheckpointWritten').filter(({ kind }) => kind === 'resume');
      const state = the(states.at(-1)?.optimizer ?? undefined);
      const { values, best } = must(decodeState(must(await ports.blobs.get(state)()), layout));
      found.push([values[0], best?.[0]]);
    }
    expect(found).toEqual([[1, undefined], [2, 2], [3, 2], [4, 4], ...[5, 6, 7, 8].map((step) => [step, 4])]);
  });

  it('makes no step more where it had ended, and the receipt alone was missing', async () => {
    const changed = { checkpointEvery: 2, heldOut: held({ patience: 2 }) };
    const runs: number[] = [];
    const ports = portsWith(scriptedEngine({ ...script, onRun: (_, made) => runs.push(made + 1) }));
    const full: TrainPorts['log'] = {
      ...ports.log,
      append: (stream, revision, events) =>
        events.some(({ type }) => type === 'TrainingCompleted')
          ? TE.left({ tag: 'NoSpace', where: 'memory', message: 'full' })
          : ports.log.append(stream, revision, events),
    };
    expect(E.isLeft(await train(requestOf(changed), { ...ports, log: full }))).toBe(true);
    expect(runs).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const { receipt, reusedSteps, weights } = must(await train(requestOf(changed), ports));
    expect(runs).toHaveLength(8);
    expect([receipt.steps, receipt.chosenStep, reusedSteps, valueOf(weights)]).toEqual([8, 4, 8, 4]);
  });
});

describe('an engine that takes many steps at once', () => {
  it('is given none beyond a measurement, a state or the end', async () => {
    const runs: (readonly [number, number])[] = [];
    const onRun = (steps: number, made: number): void => void runs.push([made + 1, made + steps]);
    const ports = portsWith(scriptedEngine({ ...script, block: 4, onRun }));
    must(await train(requestOf({ steps: 16, checkpointEvery: 5, heldOut: held({ every: 7 }) }), ports));
    expect(runs).toEqual([
      [1, 4],
      [5, 5],
      [6, 7],
      [8, 10],
      [11, 14],
      [15, 15],
      [16, 16],
    ]);
  });

  it('leaves the same ledger', async () => {
    const changed = { steps: 6, checkpointEvery: 4, heldOut: held({ every: 3 }), lengthMultiple: 16 };
    const [one, many] = [portsWith(localEngine(runtime)), portsWith(loopEngine(runtime, 3))];
    must(await train(requestOf(changed), one));
    must(await train(requestOf(changed), many));
    expect(await leavesOf(many)).toEqual(await leavesOf(one));
  });
});

describe('a real training with rows held out', () => {
  const digestOf = (values: Float32Array): string => stateDigest({ values, m: values, v: values });

  /** Keeps a digest of the values behind every step. */
  const watched =
    (states: string[]): StartEngine =>
    async (setup) => {
      const started = must(await localEngine(runtime)(setup));
      return E.right({
        block: 1,
        kernelThreads: 1,
        run: async (steps) => {
          const made = await started.run(steps);
          states.push(digestOf(must(await started.state()).values));
          return made;
        },
        losses: (batches) => started.losses(batches),
        state: () => started.state(),
        release: () => started.release(),
      });
    };

  it('learns what it is trained on, keeps what is best on the rest, and is the same stopped and resumed', async () => {
    const changed = {
      steps: 40,
      warmup: 0,
      learningRate: 3e-2,
      schedule: 'constant',
      checkpointEvery: 7,
      heldOut: held({ every: 3, patience: 3 }),
    } as const;
    const states: string[] = [];
    const plain = portsWith(watched(states));
    const { receipt, weights } = must(await train(requestOf(changed), plain));
    const { chosenStep, steps } = receipt;
    const recorded = await stepsOf(plain);
    const measured = recorded.filter(({ heldOutLoss }) => heldOutLoss !== null);
    expect(chosenStep).toBeLessThan(steps);
    expect(steps).toBeLessThan(40);
    expect(steps - chosenStep).toBe(9);
    const least = Math.min(...measured.map(({ heldOutLoss }) => heldOutLoss ?? Infinity));
    expect(recorded[chosenStep - 1]?.heldOutLoss).toBe(least);
    expect(states).toHaveLength(steps);

    expect(digestOf(freshState(layout, weights).values)).toBe(states[chosenStep - 1]);

    const ports = portsWith(localEngine(runtime));
    await train(requestOf(changed), stoppingAt(ports, chosenStep + 2));
    const resumed = must(await train(requestOf(changed), ports));
    expect(resumed.receipt).toEqual(receipt);
    for (const [name, data] of weights) expect(resumed.weights.get(name)).toEqual(data);
    expect(await leavesOf(ports)).toEqual(await leavesOf(plain));
  });
});
