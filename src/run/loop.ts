import * as E from 'fp-ts/Either';
import { canonicalJson } from '../../events/digest';
import { collectionIdOf } from '../../events/collectionStarted';
import { iterationCompleted } from '../../events/iterationCompleted';
import { iterationScored } from '../../events/iterationScored';
import { iterationStarted } from '../../events/iterationStarted';
import type { LedgerEvent } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import type { Policy } from '../../projections/policies/policy';
import type { Step } from '../../events/stepRecorded';
import { collectionOf, collectTrajectories, type CollectSettings } from '../collect/collectTrajectories';
import type { Editor } from '../collect/editor';
import { evaluate } from '../evaluate/evaluate';
import type { OpenStream } from '../ledger/openStream';
import { seal } from '../ledger/seal';
import type { AppendError } from '../ports/eventLog';
import type { LoadedCheckpoint } from '../train/checkpointStore';
import type { Students } from '../train/students';
import { train } from '../train/trainer';
import { baseStudent } from './base';
import { derive, loadRows } from './derive';
import type { RunConfig } from './config';
import type { IterationSummary, RunError, RunInput, RunPorts, RunSummary } from './runContext';

/** Rows that the student cannot read are dropped, each with its decision (TriPosT §1.5), unless the policy is stricter. */
const fitting = (policy: Policy, maxPositions: number): Policy => {
  const maxTokens = Math.min(policy.admit.maxTokens ?? maxPositions, maxPositions);
  return { ...policy, admit: { ...policy.admit, maxTokens } };
};

/** How an iteration of this config collects. */
export const collectSettings = (
  { collect, seed }: RunConfig,
  iteration: number,
  problemSet: string,
): CollectSettings => {
  const { passes, sampling, maxCalls, rightAnswer, concurrency, editor: _, ...edit } = collect;
  return { iteration, problemSet, passes, seed, sampling, maxCalls, edit, rightAnswer, concurrency };
};

/** The iterations of one run; the student of one is the base of the next. */
export class Loop {
  private readonly summaries: IterationSummary[] = [];
  private calls = 0;
  private steps = 0;

  constructor(
    private readonly input: RunInput,
    private readonly ports: RunPorts,
    private readonly students: Students,
    private readonly runId: string,
    private readonly set: { readonly set: string; readonly problems: readonly ProblemPosed[] },
    private readonly stream: OpenStream,
    private readonly editor: Editor,
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
    const base = await baseStudent(input, { name: set.set, problems: set.problems }, { ...ports, onStep, onTrained });
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
    const sealed = await ports.prefix.use((known) => seal(ports.log, { known }));
    if (E.isLeft(sealed)) return sealed;
    if (E.isLeft(sealed.right)) return sealed.right;
    const { root, size } = sealed.right.right;
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
    const { evaluation } = scored.right;
    this.summaries.push({ ...about, checkpoint: student.digest, evaluation });
    const { evaluationId } = evaluation;
    const { runId } = this;
    const event = iterationScored.create({ runId, iteration, checkpoint: student.digest, evaluationId });
    return this.record('IterationScored', iteration, event);
  }

  private model(student: LoadedCheckpoint) {
    const { batch } = this.input.config.generate;
    return this.students.open({
      checkpoint: student.digest,
      shape: student.shape,
      weights: student.weights,
      tokenizer: student.tokenizer,
      stopIds: student.kept?.stopIds,
      batch,
    });
  }

  private async record(
    event: LedgerEvent['type'],
    iteration: number,
    created: ReturnType<typeof iterationStarted.create>,
  ): Promise<E.Either<AppendError, void>> {
    const known = this.stream.events.find(
      (one) => one.type === event && 'iteration' in one.data && one.data.iteration === iteration,
    );
    if (known === undefined) return this.stream.append([created]);
    // By `collect`, say, with another student: its trajectories must not pass for this run's.
    const { id, stream, revision } = known;
    if (canonicalJson(known.data) !== canonicalJson(created.data))
      return E.left({ tag: 'IdConflict', stream, id, storedIn: stream, revision });
    return E.right(undefined);
  }

  private async iterate(student: LoadedCheckpoint, iteration: number): Promise<E.Either<RunError, LoadedCheckpoint>> {
    const { input, ports, runId } = this;
    const { config } = input;
    const policy = fitting(input.policy, student.shape.maxPositions);
    const ref = { kind: 'checkpoint', digest: student.digest } as const;
    const collects = policy.select.sources.includes('trajectories');
    const settings = collectSettings(config, iteration, this.set.set);
    const started = iterationStarted.create({
      runId,
      iteration,
      student: ref,
      problemSet: this.set.set,
      collectionId: collects ? collectionIdOf(collectionOf(settings, ref, this.editor)) : null,
    });
    const noted = await this.record('IterationStarted', iteration, started);
    if (E.isLeft(noted)) return noted;
    if (collects) {
      const collected = await this.collect(student, settings);
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
    const { manifest } = derived.right;
    if (manifest.rows === 0 || !manifest.enough)
      return E.left({
        tag: 'TooFewRows',
        policy: policy.name,
        iteration,
        rows: manifest.rows,
        needed: Math.max(1, manifest.min),
        byReason: manifest.byReason,
      });
    const loaded = await loadRows(ports.blobs, manifest.dataset);
    if (E.isLeft(loaded)) return loaded;
    const rows = loaded.right;

    const trained = await train(
      {
        dataset: manifest.dataset,
        rows,
        base: {
          ref: { kind: 'checkpoint', digest: student.digest },
          shape: student.shape,
          weights: student.weights,
          tokenizer: student.tokenizer,
          kept: student.kept,
        },
        config: config.train,
        seed: config.seed,
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

  private async collect(student: LoadedCheckpoint, settings: CollectSettings): Promise<E.Either<RunError, void>> {
    const { input, ports } = this;
    const { iteration } = settings;
    const collected = await collectTrajectories(this.problems('train'), settings, {
      ...ports,
      student: this.model(student),
      editor: this.editor,
      task: input.task,
      onProgress: (progress) => ports.onProgress({ phase: 'collect', iteration, progress }),
    });
    if (E.isLeft(collected)) return collected;
    this.calls += collected.right.reusedCalls;
    return E.right(undefined);
  }
}
