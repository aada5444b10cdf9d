import * as E from 'fp-ts/Either';
import type { Environment } from '../../events/codecs';
import { digestOf, type Digest, type Json } from '../../events/digest';
import type { EvaluationRecorded } from '../../events/evaluationRecorded';
import { iterationCompleted } from '../../events/iterationCompleted';
import { iterationStarted } from '../../events/iterationStarted';
import type { DecodeError, LedgerEvent } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import { runResumed } from '../../events/runResumed';
import { runStarted } from '../../events/runStarted';
import type { Step } from '../../events/stepRecorded';
import type { Policy } from '../../projections/policies/policy';
import { collectTrajectories, type CollectError, type CollectProgress } from '../collect/collectTrajectories';
import { scriptedEditor } from '../collect/editor';
import { evaluate, type EvaluateError } from '../evaluate/evaluate';
import { openStream, type OpenStream } from '../ledger/openStream';
import { seal } from '../ledger/seal';
import type { BlobStore } from '../ports/blobStore';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { TensorRuntime } from '../ports/tensorRuntime';
import type { Task } from '../tasks/task';
import type { LoadedCheckpoint } from '../train/checkpointStore';
import { DecodePrograms, studentModel } from '../train/student';
import { train, type TrainError } from '../train/trainer';
import { baseStudent, type BaseError, type TrainedStudent } from './base';
import type { RunConfig } from './config';
import { derive, type DeriveError } from './derive';
import { poseSet, type PoseError } from './problems';

export type RunError =
  | PoseError
  | BaseError
  | CollectError
  | DeriveError
  | TrainError
  | EvaluateError
  | AppendError
  | DecodeError
  | { readonly tag: 'NoScript'; readonly task: string }
  | {
      readonly tag: 'TooFewRows';
      readonly policy: string;
      readonly iteration: number;
      readonly rows: number;
      readonly needed: number;
      readonly byReason: Readonly<Record<string, number>>;
    };

/** What happens, for a progress line. Counts are cumulative within a phase. */
export type RunProgress =
  | { readonly phase: 'pose' | 'derive' | 'seal'; readonly iteration: number; readonly detail: string }
  | { readonly phase: 'collect'; readonly iteration: number; readonly progress: CollectProgress }
  | { readonly phase: 'train'; readonly iteration: number; readonly step: Step; readonly steps: number }
  | { readonly phase: 'trained'; readonly iteration: number; readonly reusedSteps: number; readonly steps: number }
  | { readonly phase: 'evaluate'; readonly iteration: number; readonly done: number; readonly total: number };

export interface RunPorts {
  readonly log: EventLog;
  readonly blobs: BlobStore;
  readonly runtime: TensorRuntime;
  readonly signal: AbortSignal;
  readonly environment: Environment;
  readonly codeVersion: string;
  readonly onProgress: (progress: RunProgress) => void;
}

export interface RunInput {
  readonly config: RunConfig;
  readonly task: Task;
  /** The policy of the iterations, and that of the base's gold rationales. */
  readonly policy: Policy;
  readonly basePolicy: Policy;
  readonly trained: TrainedStudent | undefined;
}

export interface IterationSummary {
  readonly iteration: number;
  readonly dataset: Digest | null;
  readonly rows: number;
  readonly checkpoint: Digest;
  readonly weights: Digest | null;
  readonly evaluation: EvaluationRecorded;
}

export interface RunSummary {
  readonly runId: string;
  readonly iterations: readonly IterationSummary[];
  readonly root: Digest;
  readonly events: number;
  readonly reused: { readonly calls: number; readonly steps: number };
}

/** A run is its resolved config and its policies: the same ones on the same ledger are the same run, which then goes on. */
export const runIdOf = ({ config, policy, basePolicy }: RunInput): string => {
  // Where the base's weights come from does not matter: its training has an identity of its own.
  const { trained: _, ...base } = config.base;
  return digestOf({ config: { ...config, base }, policy, basePolicy }).slice(0, 16);
};

export const begin = async (
  stream: OpenStream,
  runId: string,
  { config }: RunInput,
  ports: RunPorts,
): Promise<E.Either<AppendError, void>> => {
  const { environment, codeVersion } = ports;
  if (stream.events.length === 0) {
    const { trained: _, ...base } = config.base;
    const resolved: Json = { ...config, base };
    return stream.append([runStarted.create({ runId, config: resolved, seed: config.seed, codeVersion, environment })]);
  }
  const now = digestOf({ codeVersion, environment });
  const before = stream.events.some(
    (event) =>
      (event.type === 'RunStarted' || event.type === 'RunResumed') &&
      digestOf({ codeVersion: event.data.codeVersion, environment: event.data.environment }) === now,
  );
  return before ? E.right(undefined) : stream.append([runResumed.create({ runId, codeVersion, environment })]);
};

/**
 * The whole of TriPosT: pose problems, get the base student, evaluate it, and then per iteration collect, derive, train
 * and evaluate. Everything that is on the ledger already is used, not made again, so running it twice is resuming it.
 */
export const run = async (input: RunInput, ports: RunPorts): Promise<E.Either<RunError, RunSummary>> => {
  const programs = new DecodePrograms(ports.runtime);
  try {
    return await runWith(input, ports, programs);
  } finally {
    await programs.release();
  }
};

const runWith = async (
  input: RunInput,
  ports: RunPorts,
  programs: DecodePrograms,
): Promise<E.Either<RunError, RunSummary>> => {
  const { config, task } = input;
  if (task.script === undefined) return E.left({ tag: 'NoScript', task: task.name });
  const runId = runIdOf(input);
  const opened = await openStream(ports.log, `run-${runId}`);
  if (E.isLeft(opened)) return opened;
  const stream = opened.right;
  const begun = await begin(stream, runId, input, ports);
  if (E.isLeft(begun)) return begun;

  ports.onProgress({ phase: 'pose', iteration: 0, detail: task.name });
  const { train: trainCount, testSeen, testUnseen, seed } = config.task;
  const set = await poseSet(ports.log, {
    task,
    config: config.task.config,
    seed,
    counts: { train: trainCount, testSeen, testUnseen },
  });
  if (E.isLeft(set)) return set;
  const loop = new Loop(input, ports, programs, runId, set.right, stream);
  return loop.all();
};

/** Rows that the student cannot read are dropped, each with its decision (TriPosT §1.5), unless the policy is stricter. */
const fitting = (policy: Policy, maxPositions: number): Policy => {
  const maxTokens = Math.min(policy.admit.maxTokens ?? maxPositions, maxPositions);
  return { ...policy, admit: { ...policy.admit, maxTokens } };
};

/** The iterations of one run; the student of one is the base of the next. */
class Loop {
  private readonly summaries: IterationSummary[] = [];
  private calls = 0;
  private steps = 0;

  constructor(
    private readonly input: RunInput,
    private readonly ports: RunPorts,
    private readonly programs: DecodePrograms,
    private readonly runId: string,
    private readonly set: { readonly set: string; readonly problems: readonly ProblemPosed[] },
    private readonly stream: OpenStream,
  ) {}

  private problems(split: ProblemPosed['split']): readonly ProblemPosed[] {
    return this.set.problems.filter((problem) => problem.split === split);
  }

  async all(): Promise<E.Either<RunError, RunSummary>> {
    const { input, ports, set } = this;
    const onStep = (step: Step, steps: number): void => ports.onProgress({ phase: 'train', iteration: 0, step, steps });
    const onTrained = (reusedSteps: number, steps: number): void => {
      this.steps += reusedSteps;
      ports.onProgress({ phase: 'trained', iteration: 0, reusedSteps, steps });
    };
    const base = await baseStudent(
      input.config.base,
      input.basePolicy,
      input.task,
      { name: set.set, problems: set.problems },
      input.trained,
      { ...ports, onStep, onTrained },
    );
    if (E.isLeft(base)) return base;
    let student = base.right;
    const first = await this.score(student, { iteration: 0, dataset: null, rows: 0, weights: null });
    if (E.isLeft(first)) return first;
    for (let iteration = 1; iteration <= input.config.iterations; iteration++) {
      const next = await this.iterate(student, iteration);
      if (E.isLeft(next)) return next;
      student = next.right;
    }
    ports.onProgress({ phase: 'seal', iteration: input.config.iterations, detail: 'Merkle root' });
    const sealed = await seal(ports.log);
    if (E.isLeft(sealed)) return sealed;
    const { root, size } = sealed.right;
    return E.right({
      runId: this.runId,
      iterations: this.summaries,
      root,
      events: size,
      reused: { calls: this.calls, steps: this.steps },
    });
  }

  private async score(
    student: LoadedCheckpoint,
    about: Omit<IterationSummary, 'evaluation' | 'checkpoint'>,
  ): Promise<E.Either<RunError, void>> {
    const { config, task } = this.input;
    const { iteration } = about;
    const { maxTokens, maxCalls, temperature } = config.evaluate;
    const scored = await evaluate(
      this.problems('test'),
      {
        runId: this.runId,
        iteration,
        checkpoint: student.digest,
        problemSet: this.set.set,
        seed: config.seed,
        sampling: { temperature, topK: null, topP: null, maxTokens },
        maxCalls,
      },
      {
        ...this.ports,
        task,
        student: this.model(student),
        onProgress: (done, total) => this.ports.onProgress({ phase: 'evaluate', iteration, done, total }),
      },
    );
    if (E.isLeft(scored)) return scored;
    this.summaries.push({ ...about, checkpoint: student.digest, evaluation: scored.right.evaluation });
    return E.right(undefined);
  }

  private model(student: LoadedCheckpoint) {
    const { batch } = this.input.config.generate;
    return studentModel(
      {
        checkpoint: student.digest,
        shape: student.shape,
        weights: student.weights,
        tokenizer: student.tokenizer,
        batch,
      },
      this.programs,
    );
  }

  private async record(
    event: LedgerEvent['type'],
    iteration: number,
    created: ReturnType<typeof iterationStarted.create>,
  ): Promise<E.Either<AppendError, void>> {
    const known = this.stream.events.some(
      (one) => one.type === event && 'iteration' in one.data && one.data.iteration === iteration,
    );
    return known ? E.right(undefined) : this.stream.append([created]);
  }

  private async iterate(student: LoadedCheckpoint, iteration: number): Promise<E.Either<RunError, LoadedCheckpoint>> {
    const { input, ports, runId } = this;
    const { config } = input;
    const policy = fitting(input.policy, student.shape.maxPositions);
    const started = iterationStarted.create({
      runId,
      iteration,
      student: { kind: 'checkpoint', digest: student.digest },
      problemSet: this.set.set,
    });
    const noted = await this.record('IterationStarted', iteration, started);
    if (E.isLeft(noted)) return noted;
    if (policy.select.sources.includes('trajectories')) {
      const collected = await this.collect(student, iteration);
      if (E.isLeft(collected)) return collected;
    }
    ports.onProgress({ phase: 'derive', iteration, detail: policy.name });
    const derived = await derive(
      {
        policy,
        seed: config.seed,
        scope: { runId, iteration, problemSet: this.set.set },
        tokenizer: student.tokenizer,
      },
      ports,
    );
    if (E.isLeft(derived)) return derived;
    const { manifest, rows } = derived.right.derived;
    if (rows.length === 0 || !manifest.enough)
      return E.left({
        tag: 'TooFewRows',
        policy: policy.name,
        iteration,
        rows: rows.length,
        needed: Math.max(1, manifest.min),
        byReason: manifest.byReason,
      });

    const trained = await train(
      {
        dataset: manifest.dataset,
        rows,
        base: {
          ref: { kind: 'checkpoint', digest: student.digest },
          shape: student.shape,
          weights: student.weights,
          tokenizer: student.tokenizer,
        },
        config: config.train,
        seed: config.seed,
        runId,
        iteration,
        environment: ports.environment,
      },
      { ...ports, onStep: (step, steps) => ports.onProgress({ phase: 'train', iteration, step, steps }) },
    );
    if (E.isLeft(trained)) return trained;
    const { receipt, weights, reusedSteps } = trained.right;
    this.steps += reusedSteps;
    ports.onProgress({ phase: 'trained', iteration, reusedSteps, steps: receipt.steps });
    const next: LoadedCheckpoint = { ...student, digest: receipt.checkpoint, weights };
    const scored = await this.score(next, {
      iteration,
      dataset: manifest.dataset,
      rows: rows.length,
      weights: receipt.weights,
    });
    if (E.isLeft(scored)) return scored;
    const { trainingId, checkpoint } = receipt;
    const completed = iterationCompleted.create({
      runId,
      iteration,
      dataset: manifest.dataset,
      trainingId,
      checkpoint,
      rows: rows.length,
    });
    const ended = await this.record('IterationCompleted', iteration, completed);
    return E.isLeft(ended) ? ended : E.right(next);
  }

  private async collect(student: LoadedCheckpoint, iteration: number): Promise<E.Either<RunError, void>> {
    const { input, ports, runId } = this;
    const { collect, seed } = input.config;
    const { script } = input.task;
    if (script === undefined) return E.left({ tag: 'NoScript', task: input.task.name });
    const { passes, sampling, maxCalls, rightAnswer, concurrency, maxUpdates, overCorrection, stepOrder, noProgress } =
      collect;
    const edit = { maxUpdates, overCorrection, stepOrder, noProgress };
    const collected = await collectTrajectories(
      this.problems('train'),
      { runId, iteration, passes, seed, sampling, maxCalls, edit, rightAnswer, concurrency },
      {
        ...ports,
        student: this.model(student),
        editor: scriptedEditor(script),
        task: input.task,
        onProgress: (progress) => ports.onProgress({ phase: 'collect', iteration, progress }),
      },
    );
    if (E.isLeft(collected)) return collected;
    this.calls += collected.right.reusedCalls;
    return E.right(undefined);
  }
}
