import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import type { RecordedEvent } from '../../events/envelope';
import type { BlobStore } from '../../src/ports/blobStore';
import type { StartEngine } from '../../src/train/engine';
import { trainingMemory } from '../../src/train/memoryEstimate';
import { train } from '../../src/train/trainer';
import type { TrainPorts } from '../../src/train/trainingRun';
import { trainingIdOf, type TrainRequest } from '../../src/train/trainRequest';
import { decodedOf, factsOf } from '../collect/decoded';
import { collect, must } from '../support/events';
import { scriptedEngine } from '../support/scriptedEngine';
import { config, newPorts, request, rowOf, rows, shape } from './tinyTraining';

jest.setTimeout(30_000);

const eventsOf = (ports: TrainPorts): Promise<readonly RecordedEvent[]> => collect(ports.log.readAll());
const leavesOf = async (ports: TrainPorts): Promise<readonly string[]> =>
  (await eventsOf(ports)).map(({ leaf }) => leaf);
const typesOf = async (ports: TrainPorts): Promise<readonly string[]> =>
  (await eventsOf(ports)).map(({ type }) => type);

/** Ports that cancel behind the given step. */
const stoppingAt = (ports: TrainPorts, stop: number): TrainPorts => {
  const controller = new AbortController();
  const onStep: TrainPorts['onStep'] = ({ step }) => step === stop && controller.abort();
  return { ...ports, signal: controller.signal, onStep };
};

describe('a training', () => {
  it('writes steps and states as it goes, and a receipt at its end', async () => {
    const ports = newPorts();
    const trained = must(await train(request(), ports));
    expect(await typesOf(ports)).toEqual([
      'TrainingStarted',
      'StepRecorded',
      'CheckpointWritten',
      'StepRecorded',
      'CheckpointWritten',
      'StepRecorded',
      'CheckpointWritten',
      'CheckpointWritten',
      'TrainingCompleted',
    ]);
    const steps = factsOf(await decodedOf(ports.log), 'StepRecorded').flatMap((recorded) => recorded.steps);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    const { receipt } = trained;
    expect(receipt).toMatchObject({
      steps: 6,
      firstLoss: steps[0]?.loss,
      lastLoss: steps[5]?.loss,
      dataset: sha256('five rows'),
    });
    expect(receipt.lastLoss).toBeLessThan(receipt.firstLoss);
    expect(receipt.fingerprints).toBe(sha256(steps.map((step) => step.lossBits + step.gradNormBits).join('')));
    expect(trained.reusedSteps).toBe(0);
    expect(await ports.blobs.has(receipt.weights)).toBe(true);
  });

  it('is the same, byte for byte, in another place, and another with another seed', async () => {
    const [one, two, other] = [newPorts(), newPorts(), newPorts()];
    // Two graph shapes here, one elsewhere.
    const twoShapes = request({ config: { lengthMultiple: 16 } });
    const first = must(await train(twoShapes, one));
    const [started] = factsOf(await decodedOf(one.log), 'TrainingStarted');
    expect(Object.keys(started?.graphs ?? {})).toEqual(['2x16', '2x32', 'adamW']);
    expect(must(await train(twoShapes, two)).receipt).toEqual(first.receipt);
    expect(await leavesOf(two)).toEqual(await leavesOf(one));
    const changed = must(await train(request({ seed: 5, config: { lengthMultiple: 16 } }), other));
    expect(changed.receipt.weights).not.toBe(first.receipt.weights);
    expect(changed.receipt.trainingId).not.toBe(first.receipt.trainingId);
  });

  it('does not depend on how often a state is written', async () => {
    const weights = new Set<string>();
    const fingerprints = new Set<string>();
    for (const checkpointEvery of [1, 4, 100]) {
      const { receipt } = must(await train(request({ config: { checkpointEvery } }), newPorts()));
      weights.add(receipt.weights);
      fingerprints.add(receipt.fingerprints);
    }
    expect([weights.size, fingerprints.size]).toEqual([1, 1]);
  });

  it('that is done is used again, weights and all', async () => {
    const ports = newPorts();
    const first = must(await train(request(), ports));
    const before = await leavesOf(ports);
    const refused = async () => E.left({ tag: 'GraphRefused', message: 'no need' } as const);
    const again = must(await train(request(), { ...ports, startEngine: refused }));
    expect(again).toMatchObject({ receipt: first.receipt, reusedSteps: 6 });
    for (const [name, data] of first.weights) expect(again.weights.get(name)).toEqual(data);
    expect(await leavesOf(ports)).toEqual(before);
  });

  it('has an identity that its environment is no part of', () => {
    const id = trainingIdOf(request());
    expect(trainingIdOf(request({ environment: { ...request().environment, cpu: 'another' } }))).toBe(id);
    const others: Parameters<typeof request>[0][] = [
      { dataset: sha256('other') },
      { seed: 5 },
      { config: { learningRate: 0.5 } },
    ];
    expect(new Set([id, ...others.map((other) => trainingIdOf(request(other)))]).size).toBe(4);
  });
});

describe('a training that is stopped and goes on', () => {
  it.each([
    [1, E.left({ tag: 'Cancelled', step: 1, savedStep: 0, steps: 6 })],
    [2, E.left({ tag: 'Cancelled', step: 2, savedStep: 2, steps: 6 })],
    [5, E.left({ tag: 'Cancelled', step: 5, savedStep: 4, steps: 6 })],
    [6, E.right(expect.anything())],
  ])('behind step %i ends as if it had not been', async (stop, expected) => {
    const plain = newPorts();
    const whole = must(await train(request(), plain));
    const ports = newPorts();
    expect(await train(request(), stoppingAt(ports, stop))).toEqual(expected);
    const resumed = must(await train(request(), ports));
    expect(resumed.receipt).toEqual(whole.receipt);
    expect(resumed.reusedSteps).toBe(stop - (stop % 2));
    for (const [name, data] of whole.weights) expect(resumed.weights.get(name)).toEqual(data);
    expect(await leavesOf(ports)).toEqual(await leavesOf(plain));
  });

  it('does not go on on another machine class, and says what differs', async () => {
    const ports = newPorts();
    await train(request(), stoppingAt(ports, 3));
    const before = await leavesOf(ports);
    const elsewhere = { ...request(), environment: { ...request().environment, cpu: 'another' } };
    let engines = 0;
    const counted: StartEngine = (setup) => {
      engines++;
      return ports.startEngine(setup);
    };
    const refused = await train(elsewhere, { ...ports, startEngine: counted });
    // It is known before threads are started and weights are copied.
    expect(engines).toBe(0);
    expect(refused).toEqual(
      E.left(
        expect.objectContaining({
          tag: 'TrainingDiffers',
          field: 'environment',
          got: expect.stringContaining('another'),
        }),
      ),
    );
    expect(await leavesOf(ports)).toEqual(before);
    must(await train(request(), ports));
  });

  it('may be stopped again and again', async () => {
    const plain = newPorts();
    must(await train(request({ config: { checkpointEvery: 1 } }), plain));
    const expected = await leavesOf(plain);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        async (stops) => {
          const ports = newPorts();
          for (const stop of stops.toSorted((a, b) => a - b))
            await train(request({ config: { checkpointEvery: 1 } }), stoppingAt(ports, stop));
          must(await train(request({ config: { checkpointEvery: 1 } }), ports));
          expect(await leavesOf(ports)).toEqual(expected);
        },
      ),
      { numRuns: 3 },
    );
  });

  it('goes on where the log refused an append', async () => {
    const plain = newPorts();
    must(await train(request(), plain));
    for (const refused of [0, 1, 2, 3, 4]) {
      const ports = newPorts();
      let left = refused;
      const log: TrainPorts['log'] = {
        ...ports.log,
        append: (...given) =>
          left-- > 0 ? ports.log.append(...given) : TE.left({ tag: 'NoSpace', where: 'memory', message: 'full' }),
      };
      expect(await train(request(), { ...ports, log })).toEqual(
        E.left({ tag: 'NoSpace', where: 'memory', message: 'full' }),
      );
      must(await train(request(), ports));
      expect(await leavesOf(ports)).toEqual(await leavesOf(plain));
    }
  });
});

describe('a training that cannot be', () => {
  const refused = async (changed: Parameters<typeof request>[0], ports = newPorts()) => {
    const result = await train(request(changed), ports);
    if (E.isRight(result)) throw new Error('expected a refusal');
    return result.left;
  };

  it('has no rows, or rows that are longer than the student can read; nothing is written', async () => {
    const ports = newPorts();
    expect(await refused({ rows: [] }, ports)).toEqual({ tag: 'EmptyDataset', dataset: sha256('five rows') });
    const long = rowOf('long', 'x'.repeat(60), 'yyyyy');
    const fits = rowOf('fits', 'x'.repeat(60), 'yyy');
    expect(await refused({ rows: [...rows, long, fits] }, ports)).toEqual({
      tag: 'RowsTooLong',
      limit: 64,
      rows: [{ id: 'long', tokens: 66 }],
    });
    expect(await typesOf(ports)).toEqual([]);
    must(await train(request({ rows: [...rows, fits] }), ports));
  });

  it('has a batch in which nothing is trained on', async () => {
    const silent = [rowOf('a', 'Q', 'A', 0), rowOf('b', 'Q', 'B', 0)];
    expect(await refused({ rows: silent })).toMatchObject({
      tag: 'BatchWithoutWeight',
      step: 1,
      rows: expect.arrayContaining(['a', 'b']),
    });
  });

  it('leaves finite numbers: the stream is valid, and the same again', async () => {
    const ports = newPorts();
    const changed = { config: { learningRate: 1e30, warmup: 0, checkpointEvery: 1 } };
    const failure = await refused(changed, ports);
    expect(failure).toMatchObject({ tag: 'LossNotFinite', rows: expect.any(Array) });
    const step = failure.tag === 'LossNotFinite' ? failure.step : 0;
    const before = await leavesOf(ports);
    // The first step's loss is fine; what it leaves behind is not.
    expect(step).toBeGreaterThan(1);
    expect(await typesOf(ports)).toEqual([
      'TrainingStarted',
      ...Array.from({ length: step - 1 }, () => ['StepRecorded', 'CheckpointWritten']).flat(),
    ]);
    expect(await refused(changed, ports)).toEqual(failure);
    expect(await leavesOf(ports)).toEqual(before);
  });

  it('keeps what was made before a step whose loss is not finite, and goes on there', async () => {
    const ports = newPorts();
    const changed = { config: { learningRate: 1e30, warmup: 0, checkpointEvery: 100 } };
    const failure = await refused(changed, ports);
    const step = failure.tag === 'LossNotFinite' ? failure.step : 0;
    expect(step).toBeGreaterThan(1);
    expect(await typesOf(ports)).toEqual(['TrainingStarted', 'StepRecorded', 'CheckpointWritten']);
    const before = await leavesOf(ports);
    expect(await refused(changed, ports)).toEqual(failure);
    expect(await leavesOf(ports)).toEqual(before);
  });

  it.each([1, 3, 5, 6])('fails at step %i once, and is the same when it goes on as if it had not', async (bad) => {
    for (const block of [1, 4]) {
      const changed = { config: { checkpointEvery: 100 } };
      let failures = 1;
      const runs: number[] = [];
      const engine = (fails: boolean) =>
        scriptedEngine({
          block,
          loss: (step) => (fails && step === bad && failures-- > 0 ? Number.NaN : 1 / step),
          onRun: (_, made) => void runs.push(made + 1),
        });
      const plain = newPorts({ startEngine: engine(false) });
      const whole = must(await train(request(changed), plain));
      const ports = newPorts({ startEngine: engine(true) });
      expect(await refused(changed, ports)).toMatchObject({ tag: 'LossNotFinite', step: bad, loss: Number.NaN });
      const written = factsOf(await decodedOf(ports.log), 'StepRecorded').flatMap(({ steps }) =>
        steps.map(({ step }) => step),
      );
      expect(written).toEqual(Array.from({ length: bad - 1 }, (_, i) => i + 1));
      runs.length = 0;
      const resumed = must(await train(request(changed), ports));
      expect(runs[0]).toBe(bad);
      expect(resumed.reusedSteps).toBe(bad - 1);
      expect(resumed.receipt).toEqual(whole.receipt);
    }
  });

  it('ends where its engine fails, and says why', async () => {
    const error = { tag: 'RunFailed', message: 'the thread ended with code 1' } as const;
    const failing: StartEngine = async (setup) => {
      const engine = must(await scriptedEngine({})(setup));
      return E.right({ ...engine, run: async () => E.left(error) });
    };
    expect(await refused({}, newPorts({ startEngine: failing }))).toEqual(error);
    expect(await refused({}, newPorts({ startEngine: async () => E.left(error) }))).toEqual(error);
  });

  it('runs out of memory, and says what it needs and what would need less', async () => {
    const error = { tag: 'OutOfMemory', message: 'std::bad_alloc', copies: 2 } as const;
    const failing: StartEngine = async (setup) => {
      const engine = must(await scriptedEngine({})(setup));
      return E.right({ ...engine, run: async () => E.left(error) });
    };
    const need = trainingMemory({ shape, config, length: 32, microBatches: 1, copies: 2 });
    const expected = { tag: 'TrainingOutOfMemory', message: 'std::bad_alloc', ...need };
    expect(await refused({}, newPorts({ startEngine: failing }))).toEqual(expected);
    expect(await refused({}, newPorts({ startEngine: async () => E.left(error) }))).toEqual(expected);
  });

  it('lets its engine go, however it ends', async () => {
    const released = new Set<object>();
    const watched =
      (fails: boolean): StartEngine =>
      async (setup) => {
        const engine = must(await scriptedEngine({ loss: (step) => (fails && step === 3 ? NaN : 1) })(setup));
        const own = { ...engine, release: async () => void released.add(own) };
        return E.right(own);
      };
    must(await train(request(), newPorts({ startEngine: watched(false) })));
    await refused({}, newPorts({ startEngine: watched(true) }));
    await train(request(), stoppingAt(newPorts({ startEngine: watched(false) }), 2));
    expect(released.size).toBe(3);
  });

  describe('goes on from a state that is', () => {
    const half = async (): Promise<{
      ports: TrainPorts;
      again: (blobs: Partial<BlobStore>) => Promise<unknown>;
      state: string;
    }> => {
      const ports = newPorts();
      await train(request(), stoppingAt(ports, 3));
      const written = factsOf(await decodedOf(ports.log), 'CheckpointWritten').at(-1);
      const again = (blobs: Partial<BlobStore>): Promise<unknown> =>
        train(request(), { ...ports, blobs: { ...ports.blobs, ...blobs } });
      return { ports, again, state: written?.optimizer ?? '' };
    };

    it.each([
      ['no safetensors file', () => Uint8Array.of(1, 2, 3)],
      [
        'of another shape',
        (bytes: Uint8Array) =>
          Uint8Array.from(Buffer.from(Buffer.from(bytes).toString('latin1').replace('[257,32]', '[32,257]'), 'latin1')),
      ],
      ['cut short', (bytes: Uint8Array) => bytes.slice(0, bytes.length - 8)],
    ])('%s: it is named, and nothing is written', async (_, damage) => {
      const { ports, again, state } = await half();
      const before = await leavesOf(ports);
      const bytes = must(await ports.blobs.get(state)());
      const damaged = damage(bytes);
      expect(Buffer.from(damaged).equals(bytes)).toBe(false);
      const result = await again({ get: () => TE.right(damaged) });
      expect(result).toEqual(
        E.left({ tag: 'StateUnreadable', checkpoint: state, message: expect.stringMatching(/expected/) }),
      );
      expect(await leavesOf(ports)).toEqual(before);
    });

    it('lost', async () => {
      const { again, state } = await half();
      const missing = { tag: 'BlobMissing', digest: state, where: 'memory' } as const;
      expect(await again({ get: () => TE.left(missing) })).toEqual(E.left(missing));
    });
  });
});

describe('what a training records of its steps', () => {
  it('is the mean loss of every kind of section, and their tokens', async () => {
    const ports = newPorts();
    must(await train(request({ config: { normaliser: 'tokens' } }), ports));
    for (const step of factsOf(await decodedOf(ports.log), 'StepRecorded').flatMap(({ steps }) => steps)) {
      const sections = Object.values(step.sections);
      expect(Object.keys(step.sections).sort()).toEqual(['attempt', 'prompt']);
      expect(sections.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(step.tokens);
      // Every weight is 1: the loss is the mean over all of them.
      const mean = sections.reduce((sum, { tokens, loss }) => sum + tokens * loss, 0) / step.tokens;
      expect(Math.abs(mean - step.loss) / step.loss).toBeLessThan(1e-6);
      expect(step.heldOutLoss).toBeNull();
    }
  });
});

describe('a training of low-rank factors', () => {
  const adapting = () =>
    request({ config: { lora: { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'] }, learningRate: 0.05 } });

  it('writes a whole student, and the adapter beside it; resumes exactly', async () => {
    const ports = newPorts();
    const trained = must(await train(adapting(), ports));
    const { receipt, weights } = trained;
    expect(receipt.lastLoss).toBeLessThan(receipt.firstLoss);
    const { weights: base } = adapting().base;
    const changed = [...weights].filter(([name, data]) => data.some((value, i) => value !== base.get(name)?.[i]));
    expect(changed.map(([name]) => name.split('.').slice(-2, -1)[0])).toEqual(['q_proj', 'down_proj']);
    const final = factsOf(await decodedOf(ports.log), 'CheckpointWritten').at(-1);
    expect(Object.keys(final?.files ?? {})).toEqual(
      expect.arrayContaining(['model.safetensors', 'adapter/adapter_config.json', 'adapter/adapter_model.safetensors']),
    );
    const stopped = newPorts();
    await train(adapting(), stoppingAt(stopped, 3));
    expect(must(await train(adapting(), stopped)).receipt).toEqual(receipt);
    expect(await leavesOf(stopped)).toEqual(await leavesOf(ports));
    // Found again, it is the same student.
    const again = must(await train(adapting(), ports));
    for (const [name, data] of weights) expect(again.weights.get(name)).toEqual(data);
  });
});

describe('a training by epochs', () => {
  it('has as many steps as its rows need', async () => {
    const by: TrainRequest = request({ config: { steps: null, epochs: 2 } });
    expect(must(await train(by, newPorts())).receipt.steps).toBe((rows.length * 2) / config.batchSize);
  });
});
