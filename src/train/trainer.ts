import * as E from 'fp-ts/Either';
import { checkpointWritten } from '../../events/checkpointWritten';
import { digestOf, sha256, type Digest } from '../../events/digest';
import type { LedgerEvent } from '../../events/index';
import { stepRecorded, type Step } from '../../events/stepRecorded';
import { trainingCompleted, type TrainingCompleted } from '../../events/trainingCompleted';
import { trainingStarted } from '../../events/trainingStarted';
import { openStream, type OpenStream } from '../ledger/openStream';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import type { TensorRuntime } from '../ports/tensorRuntime';
import { planBatches, stepsOfEpochs, tokenizeRow, type PlannedBatch, type TokenRow } from './batches';
import { checkpointDigest } from './checkpoint';
import { loadCheckpoint, storeCheckpoint } from './checkpointStore';
import type { ModelShape, Weights } from './modelShape';
import { StepRunner } from './stepRunner';
import { differenceFrom, startedData, trainingIdOf, type TrainError, type TrainRequest } from './trainRequest';
import { decodeState, encodeState, freshState, weightsOf, type TrainState } from './trainState';

export interface TrainPorts {
  readonly log: EventLog;
  readonly blobs: BlobStore;
  readonly runtime: TensorRuntime;
  readonly signal: AbortSignal;
  /** Called after every step, for a progress line. */
  readonly onStep?: (step: Step, steps: number) => void;
}

export interface Trained {
  readonly receipt: TrainingCompleted;
  readonly weights: Weights;
  /** Steps that were found on the ledger and not run again. */
  readonly reusedSteps: number;
}

const prepare = (
  request: TrainRequest,
): E.Either<TrainError, { readonly rows: readonly TokenRow[]; readonly batches: readonly PlannedBatch[] }> => {
  const { base, config, dataset, seed } = request;
  if (request.rows.length === 0) return E.left({ tag: 'EmptyDataset', dataset });
  const rows = request.rows.map((row) => tokenizeRow(row, base.tokenizer));
  const limit = base.shape.maxPositions;
  const long = rows.filter((row) => row.ids.length > limit);
  if (long.length > 0)
    return E.left({ tag: 'RowsTooLong', limit, rows: long.map((row) => ({ id: row.id, tokens: row.ids.length })) });
  const steps = config.steps ?? stepsOfEpochs(rows.length, config.epochs ?? 1, config.batchSize);
  const { batchSize, lengthMultiple } = config;
  return E.right({ rows, batches: planBatches(rows, { batchSize, steps, seed, lengthMultiple }) });
};

/** What a training stream says so far. */
const progressOf = (events: readonly LedgerEvent[]) => {
  const steps: Step[] = [];
  let state: Digest | undefined;
  let completed: TrainingCompleted | undefined;
  let files: Readonly<Record<string, Digest>> = {};
  for (const event of events) {
    if (event.type === 'StepRecorded') steps.push(...event.data.steps);
    if (event.type === 'CheckpointWritten' && event.data.kind === 'resume') state = event.data.optimizer ?? undefined;
    if (event.type === 'CheckpointWritten' && event.data.kind === 'final') files = event.data.files;
    if (event.type === 'TrainingCompleted') completed = event.data;
  }
  return { steps, state, completed, files };
};

const loadState = async (
  blobs: BlobStore,
  digest: Digest,
  shape: ModelShape,
): Promise<E.Either<TrainError, TrainState>> => {
  const bytes = await blobs.get(digest)();
  if (E.isLeft(bytes)) return bytes;
  return E.mapLeft((message: string): TrainError => ({ tag: 'StateUnreadable', checkpoint: digest, message }))(
    decodeState(bytes.right, shape),
  );
};

/**
 * Trains a student on a dataset and leaves a receipt. Deterministic: the same dataset, base, config and seed on the same
 * machine class give the same weight bytes, stopped and resumed or not. Progress is on the training's stream: steps and
 * a state to resume from are appended together, so a crash loses at most `checkpointEvery` steps and repeats none wrongly.
 */
export const train = async (request: TrainRequest, ports: TrainPorts): Promise<E.Either<TrainError, Trained>> => {
  const prepared = prepare(request);
  if (E.isLeft(prepared)) return prepared;
  const trainingId = trainingIdOf(request);
  const opened = await openStream(ports.log, `training-${trainingId}`);
  if (E.isLeft(opened)) return opened;
  const stream = opened.right;
  const { base, config } = request;
  const found = progressOf(stream.events);

  if (found.completed !== undefined) {
    const loaded = await loadCheckpoint(ports.blobs, found.completed.checkpoint, found.files);
    if (E.isLeft(loaded)) return loaded;
    return E.right({ receipt: found.completed, weights: loaded.right.weights, reusedSteps: found.steps.length });
  }
  const resumed = found.state === undefined ? undefined : await loadState(ports.blobs, found.state, base.shape);
  if (resumed !== undefined && E.isLeft(resumed)) return resumed;
  const state = resumed === undefined ? freshState(base.shape, base.weights) : resumed.right;

  const { rows, batches } = prepared.right;
  const runner = new StepRunner(ports.runtime, base.shape, config);
  try {
    const graphs = runner.graphDigests(batches.map((batch) => batch.length));
    const started = startedData(request, trainingId, batches.length, graphs);
    const differs = differenceFrom(stream.events, started);
    if (differs !== undefined) return E.left({ tag: 'TrainingDiffers', trainingId, ...differs });
    if (stream.events.length === 0) {
      const appended = await stream.append([trainingStarted.create(started)]);
      if (E.isLeft(appended)) return appended;
    }
    const run = await runSteps({ request, ports, stream, runner, rows, batches, trainingId, done: found.steps, state });
    if (E.isLeft(run)) return run;
    return await complete({ request, ports, stream, trainingId, ...run.right, reused: found.steps.length });
  } finally {
    await runner.release();
  }
};

interface Running {
  readonly request: TrainRequest;
  readonly ports: TrainPorts;
  readonly stream: OpenStream;
  readonly runner: StepRunner;
  readonly rows: readonly TokenRow[];
  readonly batches: readonly PlannedBatch[];
  readonly trainingId: string;
  readonly done: readonly Step[];
  readonly state: TrainState;
}

interface Ran {
  readonly state: TrainState;
  readonly steps: readonly Step[];
  /** Steps that are not on the ledger yet. */
  readonly unsaved: readonly Step[];
}

const runSteps = async (running: Running): Promise<E.Either<TrainError, Ran>> => {
  const { ports, batches, rows, request, runner, trainingId } = running;
  const steps = [...running.done];
  let { state } = running;
  let unsaved: Step[] = [];
  for (let step = steps.length + 1; step <= batches.length; step++) {
    if (ports.signal.aborted)
      return E.left({ tag: 'Cancelled', step: step - 1, savedStep: step - 1 - unsaved.length, steps: batches.length });
    const batch = batches[step - 1];
    if (batch === undefined) throw new Error(`no batch for step ${step}`);
    const ran = await runner.step(state, rows, batch, step, batches.length);
    if (E.isLeft(ran)) return ran;
    state = ran.right.state;
    steps.push(ran.right.record);
    unsaved.push(ran.right.record);
    ports.onStep?.(ran.right.record, batches.length);
    if (step % request.config.checkpointEvery === 0) {
      const saved = await saveProgress(running, state, unsaved, trainingId);
      if (E.isLeft(saved)) return saved;
      unsaved = [];
    }
  }
  return E.right({ state, steps, unsaved });
};

const recorded = (trainingId: string, steps: readonly Step[]) =>
  steps.length === 0 ? [] : [stepRecorded.create({ trainingId, from: steps[0]?.step ?? 0, steps: [...steps] })];

/** Steps and the state behind them, in one append: either both are there after a crash or neither. */
const saveProgress = async (
  { ports, stream, request }: Running,
  state: TrainState,
  steps: readonly Step[],
  trainingId: string,
): Promise<E.Either<TrainError, void>> => {
  const encoded = encodeState(state, request.base.shape);
  const put = await ports.blobs.put(encoded.bytes)();
  if (E.isLeft(put)) return put;
  const files = { 'state.safetensors': put.right };
  const checkpoint = checkpointWritten.create({
    checkpoint: checkpointDigest(new Map(Object.entries(files))),
    trainingId,
    step: steps[steps.length - 1]?.step ?? 0,
    kind: 'resume',
    files,
    weights: encoded.weights,
    optimizer: put.right,
  });
  return stream.append([...recorded(trainingId, steps), checkpoint]);
};

interface Completing extends Ran {
  readonly request: TrainRequest;
  readonly ports: TrainPorts;
  readonly stream: OpenStream;
  readonly trainingId: string;
  readonly reused: number;
}

const complete = async (run: Completing): Promise<E.Either<TrainError, Trained>> => {
  const { request, ports, stream, trainingId, state, steps } = run;
  const { base } = request;
  const weights = weightsOf(state, base.shape);
  const { json: tokenizerJson, endId } = base.tokenizer;
  const stored = await storeCheckpoint(ports.blobs, { shape: base.shape, weights, tokenizerJson, endId });
  if (E.isLeft(stored)) return stored;
  const { digest: checkpoint, files, weights: weightsDigest } = stored.right;
  const receipt: TrainingCompleted = {
    trainingId,
    dataset: request.dataset,
    configDigest: digestOf(request.config),
    base: base.ref.kind === 'checkpoint' ? base.ref.digest : digestOf(base.ref),
    steps: steps.length,
    firstLoss: steps[0]?.loss ?? 0,
    lastLoss: steps[steps.length - 1]?.loss ?? 0,
    fingerprints: sha256(steps.map((step) => `${step.lossBits}${step.gradNormBits}`).join('')),
    weights: weightsDigest,
    checkpoint,
    environment: request.environment,
  };
  const appended = await stream.append([
    ...recorded(trainingId, run.unsaved),
    checkpointWritten.create({
      checkpoint,
      trainingId,
      step: steps.length,
      kind: 'final',
      files,
      weights: weightsDigest,
      optimizer: null,
    }),
    trainingCompleted.create(receipt),
  ]);
  if (E.isLeft(appended)) return appended;
  return E.right({ receipt, weights, reusedSteps: run.reused });
};
