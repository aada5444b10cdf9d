import * as E from 'fp-ts/Either';
import { checkpointWritten } from '../../events/checkpointWritten';
import type { Environment } from '../../events/codecs';
import type { Digest, Json } from '../../events/digest';
import { positionOf } from '../../events/envelope';
import { decodeEvent, decodeStored, definitionOf, type DecodeError, type LedgerEvent } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import { appendOnce, openStream } from '../ledger/openStream';
import type { BlobError, BlobStore } from '../ports/blobStore';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { Task } from '../tasks/task';
import { renderTurn } from '../tasks/trajectoryText';
import type { CheckpointError } from '../train/checkpoint';
import { loadCheckpoint, openFiles, storeFiles, type LoadedCheckpoint } from '../train/checkpointStore';
import type { StartEngine } from '../train/engine';
import { initialWeights } from '../train/initialWeights';
import type { ModelShape } from '../train/modelShape';
import { tokenPatterns } from '../train/tokenPatterns';
import { loadTokenizer, type Tokenizer, type TokenizerError } from '../train/tokenizer';
import { byteLevelTokenizer, trainBpeTokenizer } from '../train/trainTokenizer';
import { train } from '../train/trainer';
import type { TrainPorts } from '../train/trainingRun';
import { trainingIdOf, type Base, type TrainError, type TrainRequest } from '../train/trainRequest';
import type { RunConfig } from './config';
import { derive, loadRows, type DeriveError } from './derive';
import type { LedgerPrefix } from './ledgerPrefix';
import type { RunInput } from './runContext';

export type BaseError =
  | TrainError
  | DeriveError
  | TokenizerError
  | CheckpointError
  | DecodeError
  | AppendError
  | BlobError
  /** The model that the base starts from is neither on the ledger nor at hand. */
  | { readonly tag: 'StartMissing'; readonly checkpoint: string }
  /** A shipped student whose receipt is of another training than the one that the config describes. */
  | { readonly tag: 'ReceiptDiffers'; readonly field: string; readonly expected: string; readonly got: string };

/** A student that was trained elsewhere, with the events of its training. */
export interface TrainedStudent {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly events: readonly ReceiptLine[];
}

/** A model folder that a base starts from: its digest, and its files, read when they are needed. */
export interface StartingModel {
  readonly digest: Digest;
  readonly files: () => ReadonlyMap<string, Uint8Array>;
}

/** An event of a training as a receipt file keeps it. */
export interface ReceiptLine {
  readonly type: string;
  readonly version: number;
  readonly data: Json;
}

export interface BasePorts {
  readonly log: EventLog;
  readonly blobs: BlobStore;
  readonly prefix: LedgerPrefix;
  readonly startEngine: StartEngine;
  readonly signal: AbortSignal;
  readonly environment: Environment;
  readonly onStep?: NonNullable<TrainPorts['onStep']>;
  /** Called when the base has been trained here (not where it was imported), with the steps that were on the ledger. */
  readonly onTrained?: (reusedSteps: number, steps: number) => void;
}

/** A tokenizer learns from so many training problems, each in every text form; more would only cost time. */
const corpusProblems = 400;

/** Every text form that the task has, over its training problems: what a tokenizer should know. */
export const corpusOf = (task: Task, problems: readonly ProblemPosed[]): readonly string[] =>
  problems
    .filter((problem) => problem.split === 'train')
    .slice(0, corpusProblems)
    .flatMap((problem) => {
      const gold = `${problem.prompt}${problem.rationale ?? ''}${problem.closingFeedback ?? ''}`;
      const { script } = task;
      if (script === undefined) return [gold];
      const bare = { question: problem.question, options: problem.options, answer: problem.answer };
      const repairs = script.injections(bare).map(({ attempt }) => {
        const verdict = script.feedback(bare, attempt);
        const update = script.improve(bare, attempt, verdict);
        const feedback = `${problem.prompt}${renderTurn('attempt', attempt, task.hint)}${renderTurn('feedback', verdict.text, task.hint)}`;
        return update === undefined ? feedback : `${feedback}${renderTurn('improvement', update, task.hint)}`;
      });
      return [gold, ...repairs];
    });

const tokenizerFor = (
  config: RunConfig['base']['tokenizer'],
  task: Task,
  problems: readonly ProblemPosed[],
): E.Either<TokenizerError, Tokenizer> => {
  if (config.kind === 'bytes') return loadTokenizer(byteLevelTokenizer());
  const { vocabSize, minFrequency, merges } = config;
  return loadTokenizer(
    trainBpeTokenizer({
      texts: corpusOf(task, problems),
      vocabSize,
      minFrequency,
      merges,
      pattern: tokenPatterns[config.pattern],
    }),
  );
};

/** Imports a training that was done elsewhere: its events under their own ids, its files into the blob store. */
const importTraining = async (
  student: TrainedStudent,
  request: TrainRequest,
  { log, blobs }: BasePorts,
): Promise<E.Either<BaseError, LoadedCheckpoint>> => {
  const trainingId = trainingIdOf(request);
  const stored = await storeFiles(blobs, student.files);
  if (E.isLeft(stored)) return stored;
  const stream = await openStream(log, `training-${trainingId}`);
  if (E.isLeft(stream)) return stream;
  const facts: LedgerEvent[] = [];
  for (const [i, line] of student.events.entries()) {
    const where = {
      id: `receipt line ${i + 1}`,
      stream: stream.right.stream,
      revision: i,
      position: positionOf(i + 1),
    };
    const decoded = decodeEvent({ ...line, ...where, meta: { prev: null }, leaf: '', recordedAt: '', observed: null });
    if (E.isLeft(decoded)) return decoded;
    facts.push(decoded.right);
  }
  const differs = (field: string, expected: string, got: string): E.Either<BaseError, never> =>
    E.left({ tag: 'ReceiptDiffers', field, expected, got });
  const [receipt] = facts.flatMap((fact) => (fact.type === 'TrainingCompleted' ? [fact.data] : []));
  if (receipt === undefined) return differs('TrainingCompleted', 'a receipt', 'none');
  if (receipt.dataset !== request.dataset) return differs('dataset', request.dataset, receipt.dataset);
  if (receipt.trainingId !== trainingId) return differs('training', trainingId, receipt.trainingId);
  if (receipt.checkpoint !== stored.right.digest)
    return differs('checkpoint files', receipt.checkpoint, stored.right.digest);
  const created = facts.map(({ type, data }) => definitionOf(type).create(data));
  // A training that was begun here wrote the same events, and states to resume from, which a receipt may leave out.
  const wanted = new Set(created.map(({ id }) => id));
  const other = stream.right.events.find(
    (event) => !wanted.has(event.id) && !(event.type === 'CheckpointWritten' && event.data.kind === 'resume'),
  );
  if (other !== undefined)
    return differs(`event ${other.revision} of ${stream.right.stream}`, 'an event of the receipt', other.id);
  const known = new Set(stream.right.events.map(({ id }) => id));
  const appended = await stream.right.append(created.filter(({ id }) => !known.has(id)));
  if (E.isLeft(appended)) return appended;
  return openFiles(stored.right.digest, student.files);
};

/** A model that is there before the first training, from the ledger or else from its folder, which is then imported. */
const startingModel = async (
  checkpoint: Digest,
  start: StartingModel | undefined,
  ports: Pick<BasePorts, 'log' | 'blobs'>,
): Promise<E.Either<BaseError, LoadedCheckpoint>> => {
  for await (const page of ports.log.readPages({ filter: { types: ['CheckpointWritten'] } }))
    for (const stored of page) {
      const event = decodeStored(stored);
      if (E.isLeft(event)) return event;
      if (event.right.type !== 'CheckpointWritten' || event.right.data.checkpoint !== checkpoint) continue;
      return loadCheckpoint(ports.blobs, checkpoint, event.right.data.files);
    }
  if (start === undefined) return E.left({ tag: 'StartMissing', checkpoint });
  const imported = await importCheckpoint(start.files(), ports);
  if (E.isLeft(imported) || imported.right.digest === checkpoint) return imported;
  return E.left({ tag: 'ReceiptDiffers', field: 'base.from', expected: checkpoint, got: imported.right.digest });
};

/** Where the base's training begins: a model that is there, or first weights and a tokenizer of the task's texts. */
const beginningOf = async (
  config: RunConfig['base'],
  task: Task,
  problems: readonly ProblemPosed[],
  start: StartingModel | undefined,
  ports: BasePorts,
): Promise<E.Either<BaseError, Base>> => {
  const { from = null, shape: own } = config;
  if (from !== null) {
    const loaded = await startingModel(from, start, ports);
    if (E.isLeft(loaded)) return loaded;
    const { shape, weights, tokenizer, kept } = loaded.right;
    return E.right({ ref: { kind: 'checkpoint', digest: from }, shape, weights, tokenizer, kept });
  }
  if (own === null) throw new Error('base.shape is null where base.from is');
  const tokenizer = tokenizerFor(config.tokenizer, task, problems);
  if (E.isLeft(tokenizer)) return tokenizer;
  const shape: ModelShape = { ...own, vocabSize: tokenizer.right.vocabSize };
  return E.right({
    ref: { kind: 'scratch', shape: { ...shape }, seed: config.seed },
    shape,
    weights: initialWeights(shape, config.seed),
    tokenizer: tokenizer.right,
  });
};

/**
 * The student that the loop starts from (TriPosT stage 0, "ft rationale"): trained on the gold rationales of the training
 * problems, from nothing or from a model that is there, or imported with its receipt when that training was done before.
 */
export const baseStudent = async (
  { config: { base: config }, basePolicy: policy, task, trained, start }: RunInput,
  set: { readonly name: string; readonly problems: readonly ProblemPosed[] },
  ports: BasePorts,
): Promise<E.Either<BaseError, LoadedCheckpoint>> => {
  const begun = await beginningOf(config, task, set.problems, start, ports);
  if (E.isLeft(begun)) return begun;
  const { shape, tokenizer, kept } = begun.right;
  // Iteration 0 is the base: no trajectory is in its scope, so what is collected later does not change its decisions.
  const scope = { iteration: 0, problemSet: set.name };
  const derived = await derive({ policy, seed: config.seed, scope, tokenizer }, ports);
  if (E.isLeft(derived)) return derived;
  const rows = await loadRows(ports.blobs, derived.right.event.dataset);
  if (E.isLeft(rows)) return rows;
  const request: TrainRequest = {
    dataset: derived.right.event.dataset,
    rows: rows.right,
    base: begun.right,
    config: config.train,
    seed: config.seed,
    environment: ports.environment,
  };
  if (trained !== undefined) return importTraining(trained, request, ports);
  const done = await train(request, ports);
  if (E.isLeft(done)) return done;
  ports.onTrained?.(done.right.reusedSteps, done.right.receipt.steps);
  return E.right({
    digest: done.right.receipt.checkpoint,
    shape,
    weights: done.right.weights,
    tokenizer,
    tokenizerJson: tokenizer.json,
    endId: tokenizer.endId,
    kept,
  });
};

/** Puts a model folder that was made elsewhere on the ledger as it is. */
export const importCheckpoint = async (
  files: ReadonlyMap<string, Uint8Array>,
  { log, blobs }: Pick<BasePorts, 'log' | 'blobs'>,
): Promise<E.Either<BaseError, LoadedCheckpoint>> => {
  const stored = await storeFiles(blobs, files);
  if (E.isLeft(stored)) return stored;
  const { digest: checkpoint, weights } = stored.right;
  const data = {
    checkpoint,
    trainingId: null,
    step: 0,
    kind: 'imported' as const,
    files: { ...stored.right.files },
    weights,
    optimizer: null,
  };
  const appended = await appendOnce(log, checkpointWritten.stream(data), checkpointWritten.create(data));
  return E.isLeft(appended) ? appended : openFiles(checkpoint, files);
};
