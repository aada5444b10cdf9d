import * as E from 'fp-ts/Either';
import { sha256, type Digest } from '../../events/digest';
import type { LedgerEvent } from '../../events/index';
import type { Step } from '../../events/stepRecorded';
import type { TrainingCompleted } from '../../events/trainingCompleted';
import { trainingStarted } from '../../events/trainingStarted';
import { openStream } from '../ledger/openStream';
import type { BlobStore } from '../ports/blobStore';
import { kernelBytes } from './vectorKernel';
import { tokenizeRow } from './batches';
import { loadCheckpoint } from './checkpointStore';
import { collectStates } from './collectStates';
import type { Layout } from './layout';
import { trainingMemory } from './memoryEstimate';
import { trainedModel } from './trainedModel';
import { TrainingRun, type Trained, type TrainPorts } from './trainingRun';
import { graphsOf, planTraining, type TrainPlan } from './trainPlan';
import {
  differenceFrom,
  startedData,
  trainingIdOf,
  type TrainError,
  type TrainFailure,
  type TrainRequest,
} from './trainRequest';
import { decodeState, freshState, type TrainState } from './trainState';

const prepare = (request: TrainRequest): E.Either<TrainError, TrainPlan> => {
  const { base, config, dataset, seed } = request;
  if (request.rows.length === 0) return E.left({ tag: 'EmptyDataset', dataset });
  const rows = request.rows.map((row) => tokenizeRow(row, base.tokenizer));
  const limit = base.shape.maxPositions;
  const long = rows.filter((row) => row.ids.length > limit);
  if (long.length > 0)
    return E.left({ tag: 'RowsTooLong', limit, rows: long.map((row) => ({ id: row.id, tokens: row.ids.length })) });
  const plan = planTraining(rows, config, seed);
  if (config.heldOut !== null && plan.heldOut.length === 0)
    return E.left({ tag: 'NothingHeldOut', rows: rows.length, share: config.heldOut.share });
  return E.right(plan);
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
  layout: Layout,
): Promise<E.Either<TrainError, TrainState>> => {
  const bytes = await blobs.get(digest)();
  if (E.isLeft(bytes)) return bytes;
  return E.mapLeft((message: string): TrainError => ({ tag: 'StateUnreadable', checkpoint: digest, message }))(
    decodeState(bytes.right, layout),
  );
};

const digestsOf = (graphs: ReadonlyMap<string, Uint8Array>): Readonly<Record<string, Digest>> =>
  Object.fromEntries([...graphs, ['adamW', kernelBytes()] as const].map(([key, bytes]) => [key, sha256(bytes)]));

/**
 * Trains a student on a dataset and leaves a receipt. Deterministic: the same dataset, base, config and seed on the same
 * machine class give the same weight bytes, stopped and resumed or not. Progress is on the training's stream: steps and
 * a state to resume from are appended together, so a crash loses at most `checkpointEvery` steps and repeats none wrongly.
 */
export const train = async (request: TrainRequest, ports: TrainPorts): Promise<E.Either<TrainError, Trained>> => {
  const prepared = prepare(request);
  if (E.isLeft(prepared)) return prepared;
  const trained = await trainPlanned(request, prepared.right, ports);
  return E.isLeft(trained) ? E.left(withNeed(trained.left, request, prepared.right)) : trained;
};

/** A failure with what the training needs of memory, where that ran out. */
const withNeed = (failure: TrainFailure, { base, config }: TrainRequest, { steps }: TrainPlan): TrainError => {
  if (failure.tag !== 'OutOfMemory') return failure;
  const { message, copies = 1 } = failure;
  const parts = steps.map(({ microBatches }) => microBatches);
  const length = Math.max(...parts.flat().map((part) => part.length));
  const microBatches = Math.max(...parts.map((each) => each.length));
  const need = trainingMemory({ shape: base.shape, config, length, microBatches, copies });
  return { tag: 'TrainingOutOfMemory', message, ...need };
};

/** Why a begun training cannot go on here, as far as that is known before its engine: that says how many threads share operators. */
const earlyDifference = (
  events: readonly LedgerEvent[],
  now: Parameters<typeof differenceFrom>[1],
): ReturnType<typeof differenceFrom> => {
  const begun = events.find((event) => event.type === 'TrainingStarted');
  const shared = begun?.type === 'TrainingStarted' ? begun.data.environment.kernelThreads : undefined;
  const environment = { ...now.environment, ...(shared === undefined ? {} : { kernelThreads: shared }) };
  return differenceFrom(events, { ...now, environment });
};

const trainPlanned = async (
  request: TrainRequest,
  plan: TrainPlan,
  ports: TrainPorts,
): Promise<E.Either<TrainFailure, Trained>> => {
  const trainingId = trainingIdOf(request);
  const opened = await openStream(ports.log, `training-${trainingId}`);
  if (E.isLeft(opened)) return opened;
  const stream = opened.right;
  const { base, config } = request;
  const found = progressOf(stream.events);

  if (found.completed !== undefined) {
    await collectStates(ports, trainingId);
    const loaded = await loadCheckpoint(ports.blobs, found.completed.checkpoint, found.files);
    if (E.isLeft(loaded)) return loaded;
    return E.right({ receipt: found.completed, weights: loaded.right.weights, reusedSteps: found.steps.length });
  }
  const graphs = graphsOf(plan, base.shape, config);
  const { environment } = request;
  const early = earlyDifference(stream.events, { graphs: digestsOf(graphs), steps: plan.steps.length, environment });
  if (early !== undefined) return E.left({ tag: 'TrainingDiffers', trainingId, ...early });
  const model = trainedModel(base.shape, base.weights, config, request.seed);
  const resumed = found.state === undefined ? undefined : await loadState(ports.blobs, found.state, model.layout);
  if (resumed !== undefined && E.isLeft(resumed)) return resumed;
  const start = resumed === undefined ? freshState(model.layout, model.start) : resumed.right;

  const microBatches = Math.max(...plan.steps.map((step) => step.microBatches.length));
  const { layout, frozen } = model;
  const engine = await ports.startEngine({ model: base.shape, config, layout, frozen, graphs, microBatches, start });
  if (E.isLeft(engine)) return engine;
  const { kernelThreads } = engine.right;
  const shared = kernelThreads > 1 ? { kernelThreads } : {};
  const here: TrainRequest = { ...request, environment: { ...request.environment, ...shared } };
  try {
    const started = startedData(here, trainingId, plan.steps.length, digestsOf(graphs));
    const differs = differenceFrom(stream.events, started);
    if (differs !== undefined) return E.left({ tag: 'TrainingDiffers', trainingId, ...differs });
    if (stream.events.length === 0) {
      const appended = await stream.append([trainingStarted.create(started)]);
      if (E.isLeft(appended)) return appended;
    }
    const running = new TrainingRun(
      here,
      ports,
      stream,
      plan,
      model,
      engine.right,
      trainingId,
      found.steps,
      start.best,
    );
    const run = await running.toTheEnd();
    return E.isLeft(run) ? run : await running.complete();
  } finally {
    await engine.right.release();
  }
};
