import * as E from 'fp-ts/Either';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import type { BlobStore } from '../../src/ports/blobStore';
import type { EventLog } from '../../src/ports/eventLog';
import { RunConfig } from '../../src/run/config';
import type { TrainedStudent } from '../../src/run/base';
import { LedgerPrefix } from '../../src/run/ledgerPrefix';
import { run } from '../../src/run/run';
import type { RunError, RunInput, RunPorts, RunSummary } from '../../src/run/runContext';
import { Policy } from '../../projections/policies/policy';
import { localEngine } from '../../src/train/localEngine';
import { localStudents } from '../../src/train/students';
import { wordSorting } from '../../src/tasks/wordSorting/wordSorting';
import { environment } from '../support/builders';
import { decodedOf, factsOf } from '../collect/decoded';
import { collect, must, testClock } from '../support/events';

export const policyOf = (given: unknown) => {
  const decoded = Policy.decode(given);
  if (E.isLeft(decoded)) throw new Error(decoded.left.map((error) => error.message).join('; '));
  return decoded.right;
};

/** Everything that a barely trained student gives, and gold beside it, so that there is always something to train on. */
export const policy = policyOf({
  policy: 1,
  name: 'tiny',
  select: { sources: ['trajectories', 'gold'] },
  admit: { outcomes: ['solved', 'feedback-only'] },
  balance: { gold: 'all' },
  weights: { SI: { feedback: 1.5, improvement: 1.5 } },
});
export const basePolicy = policyOf({
  policy: 1,
  name: 'tiny-base',
  select: { sources: 'gold' },
  split: { gold: 'closing' },
});

const decoded = RunConfig.decode({
  seed: 1,
  task: {
    name: 'word-sorting',
    config: { alphabet: 'abcdefgh', wordLength: { from: 1, to: 1 }, seen: [2], unseen: [3] },
    train: 12,
    testSeen: 3,
    testUnseen: 3,
  },
  base: {
    tokenizer: { vocabSize: 330, minFrequency: 4, pattern: 'words' },
    shape: { hiddenSize: 32, intermediateSize: 48, layers: 1, heads: 2, kvHeads: 1, headDim: 16, maxPositions: 128 },
    train: { steps: 100, batchSize: 6, learningRate: 1e-2, checkpointEvery: 40, lengthMultiple: 64 },
  },
  iterations: 2,
  collect: { maxCalls: 2, sampling: { maxTokens: 64 } },
  train: { steps: 5, batchSize: 4, learningRate: 1e-4, checkpointEvery: 2, lengthMultiple: 128 },
  evaluate: { maxCalls: 2, maxTokens: 64 },
  generate: { batch: 6 },
});
if (E.isLeft(decoded)) throw new Error(decoded.left.map((error) => error.message).join('; '));
export const config: RunConfig = decoded.right;

export interface Place {
  readonly log: EventLog;
  readonly blobs: BlobStore;
}

export const newPlace = (): Place => ({ log: openMemoryLog({ now: testClock() }), blobs: memoryBlobStore() });

const runtime = ortRuntime({ device: 'cpu', threads: 1, spin: false });

export const runIn = (
  place: Place,
  changed: Partial<RunInput> = {},
  ports: Partial<RunPorts> = {},
): Promise<E.Either<RunError, RunSummary>> =>
  run(
    { config, task: wordSorting, policy, basePolicy, trained: undefined, ...changed },
    {
      ...place,
      prefix: new LedgerPrefix(ports.log ?? place.log),
      openStudents: () => localStudents(runtime),
      startEngine: localEngine(runtime),
      environment,
      codeVersion: 'test',
      signal: new AbortController().signal,
      onProgress: () => undefined,
      ...ports,
    },
  );

/** Runs until so many progress reports have come. */
export const runUntil = (
  place: Place,
  reports: number,
  changed: Partial<RunInput> = {},
): Promise<E.Either<RunError, RunSummary>> => {
  const stop = new AbortController();
  let left = reports;
  const onProgress = (): void => void (--left === 0 && stop.abort());
  return runIn(place, changed, { signal: stop.signal, onProgress });
};

export const leavesOf = async ({ log }: Place): Promise<readonly string[]> =>
  (await collect(log.readAll())).map(({ stream, revision, type, leaf }) => `${stream} ${revision} ${type} ${leaf}`);

/** The base of a run as another place would import it: its files, and the events of its training. */
export const trainedBase = async ({ log, blobs }: Place): Promise<TrainedStudent> => {
  const all = await decodedOf(log);
  const stream = all.find(({ type }) => type === 'TrainingCompleted')?.stream;
  const events = all.filter((event) => event.stream === stream);
  const final = factsOf(events, 'CheckpointWritten').find(({ kind }) => kind === 'final');
  const files = new Map<string, Uint8Array>();
  for (const [name, digest] of Object.entries(final?.files ?? {})) files.set(name, must(await blobs.get(digest)()));
  const stored = (await collect(log.readAll())).filter((event) => event.stream === stream);
  return { files, events: stored.map(({ type, version, data }) => ({ type, version, data })) };
};
