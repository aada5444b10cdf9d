import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import { sha256, type Digest } from '../../events/digest';
import type { BlobStore } from '../../src/ports/blobStore';
import { statesOn } from '../../src/train/collectStates';
import { train } from '../../src/train/trainer';
import type { TrainPorts } from '../../src/train/trainingRun';
import { trainingIdOf } from '../../src/train/trainRequest';
import { decodedOf, factsOf } from '../collect/decoded';
import { collect, must } from '../support/events';
import { scriptedEngine } from '../support/scriptedEngine';
import { newPorts, request } from './tinyTraining';

const everyStep = { config: { checkpointEvery: 1 } };
const scripted = (changed: Partial<TrainPorts> = {}): TrainPorts =>
  newPorts({ startEngine: scriptedEngine({}), ...changed });

const stoppingAt = (ports: TrainPorts, step: number): TrainPorts => {
  const stop = new AbortController();
  return { ...ports, signal: stop.signal, onStep: (made) => made.step >= step && stop.abort() };
};

/** States that were written, in order, and which of them are there. */
const states = async ({ log, blobs }: Pick<TrainPorts, 'log' | 'blobs'>) => {
  const written = factsOf(await decodedOf(log), 'CheckpointWritten').flatMap(({ optimizer }) => optimizer ?? []);
  const there: number[] = [];
  for (const [i, digest] of written.entries()) if (await blobs.has(digest)) there.push(i);
  return { written, there };
};

describe('states to resume from', () => {
  it('are kept while a training goes on, the last two of them, and removed when it is complete', async () => {
    const ports = scripted();
    await train(request(everyStep), stoppingAt(ports, 5));
    expect((await states(ports)).there).toEqual([3, 4]);
    const { receipt } = must(await train(request(everyStep), ports));
    const { written, there } = await states(ports);
    expect([written.length, there]).toEqual([6, []]);
    // What is left are the files of the student.
    const final = factsOf(await decodedOf(ports.log), 'CheckpointWritten').find(({ kind }) => kind === 'final');
    expect(final?.checkpoint).toBe(receipt.checkpoint);
    expect(await collect(ports.blobs.list())).toEqual(Object.values(final?.files ?? {}).sort());
  });

  it('that cannot be removed, or that a kill left behind, fail no training and go with the next call', async () => {
    const ports = scripted();
    const stuck: BlobStore = {
      ...ports.blobs,
      remove: (digest) => TE.left({ tag: 'BlobUnavailable', digest, where: 'memory', message: 'read only' }),
    };
    const whole = must(await train(request(everyStep), { ...ports, blobs: stuck }));
    expect((await states(ports)).there).toEqual([0, 1, 2, 3, 4, 5]);
    expect(must(await train(request(everyStep), ports)).receipt).toEqual(whole.receipt);
    expect((await states(ports)).there).toEqual([]);
  });

  it('are there again for a training that begins anew on another ledger with the same blobs', async () => {
    const ports = scripted();
    must(await train(request(everyStep), ports));
    const elsewhere = { ...scripted(), blobs: ports.blobs };
    await train(request(everyStep), stoppingAt(elsewhere, 4));
    expect((await states(elsewhere)).there).toEqual([2, 3]);
    must(await train(request(everyStep), elsewhere));
  });

  it('of a training that writes the same bytes are left to it', async () => {
    const ports = newPorts();
    const twin = request({ ...everyStep, dataset: sha256('the same rows, otherwise named') });
    await train(twin, stoppingAt(ports, 3));
    const held = (await states(ports)).written.slice(-2);
    must(await train(request(everyStep), ports));
    const there = async (digest: Digest): Promise<boolean> => E.isRight(await ports.blobs.get(digest)());
    expect(await Promise.all(held.map(there))).toEqual([true, true]);
    expect(must(await train(twin, ports)).reusedSteps).toBe(3);
    expect((await states(ports)).there).toEqual([]);
    const { needed, over } = await statesOn(ports.log);
    expect(needed.size).toBe(0);
    expect([...over.keys()].sort()).toEqual([trainingIdOf(twin), trainingIdOf(request(everyStep))].sort());
  });
});
