import * as E from 'fp-ts/Either';
import { checkpointWritten } from '../../events/checkpointWritten';
import type { Environment } from '../../events/codecs';
import type { Json } from '../../events/digest';
import { positionOf } from '../../events/envelope';
import { decodeEvent, definitionOf, type DecodeError, type LedgerEvent } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import type { Policy } from '../../projections/policies/policy';
import { appendOnce, openStream } from '../ledger/openStream';
import type { BlobError, BlobStore } from '../ports/blobStore';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { Task } from '../tasks/task';
import { renderTurn } from '../tasks/trajectoryText';
import type { CheckpointError } from '../train/checkpoint';
import { openFiles, storeFiles, type LoadedCheckpoint } from '../train/checkpointStore';
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

export type BaseError =
  | TrainError
  | DeriveError
  | TokenizerError
  | CheckpointError
  | DecodeError
  | AppendError
  | BlobError
  /** A shipped student whose receipt is of another training than the one that the config describes. */
  | { readonly tag: 'ReceiptDiffers'; readonly field: string; readonly expected: string; readonly got: string };

/** A student that was trained elsewhere, with the events of its training. */
export interface TrainedStudent {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly events: readonly ReceiptLine[];
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

/**
 * The student that the loop starts from (TriPosT stage 0, "ft rationale"): trained from nothing on the gold rationales of
 * the training problems, or imported with its receipt when that training was done before.
 */
export const baseStudent = async (
  config: RunConfig['base'],
  policy: Policy,
  task: Task,
  set: { readonly name: string; readonly problems: readonly ProblemPosed[] },
  trained: TrainedStudent | undefined,
  ports: BasePorts,
): Promise<E.Either<BaseError, LoadedCheckpoint>> => {
  const tokenizer = tokenizerFor(config.tokenizer, task, set.problems);
  if (E.isLeft(tokenizer)) return tokenizer;
  // Iteration 0 is the base: no trajectory is in its scope, so what is collected later does not change its decisions.
  const scope = { iteration: 0, problemSet: set.name };
  const derived = await derive({ policy, seed: config.seed, scope, tokenizer: tokenizer.right }, ports);
  if (E.isLeft(derived)) return derived;
  const rows = await loadRows(ports.blobs, derived.right.event.dataset);
  if (E.isLeft(rows)) return rows;
  const shape: ModelShape = { ...config.shape, vocabSize: tokenizer.right.vocabSize };
  const base: Base = {
    ref: { kind: 'scratch', shape: { ...shape }, seed: config.seed },
    shape,
    weights: initialWeights(shape, config.seed),
    tokenizer: tokenizer.right,
  };
  const request: TrainRequest = {
    dataset: derived.right.event.dataset,
    rows: rows.right,
    base,
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
    tokenizer: tokenizer.right,
    tokenizerJson: tokenizer.right.json,
    endId: tokenizer.right.endId,
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
