import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import type { RecordedEvent } from '../../events/envelope';
import type { BlobStore } from '../../src/ports/blobStore';
import { train, type TrainPorts } from '../../src/train/trainer';
import { trainingIdOf, type TrainRequest } from '../../src/train/trainRequest';
import { decodedOf, factsOf } from '../collect/decoded';
import { collect, must } from '../support/events';
import { config, newPorts, request, rowOf, rows } from './tinyTraining';

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
    expect(Object.keys(started?.graphs ?? {})).toEqual(['2x16', '2x32']);
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
    const refusing = { ...ports.runtime, load: () => TE.left({ tag: 'GraphRefused', message: 'no need' } as const) };
    const again = must(await train(request(), { ...ports, runtime: refusing }));
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
      { runId: 'run' },
      { iteration: 1 },
      { config: { learningRate: 0.5 } },
    ];
    expect(new Set([id, ...others.map((other) => trainingIdOf(request(other)))]).size).toBe(6);
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
    const refused = await train(elsewhere, ports);
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

describe('a training by epochs', () => {
  it('has as many steps as its rows need', async () => {
    const by: TrainRequest = request({ config: { steps: null, epochs: 2 } });
    expect(must(await train(by, newPorts())).receipt.steps).toBe((rows.length * 2) / config.batchSize);
  });
});
