import * as E from 'fp-ts/Either';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { LedgerEvent } from '../../events/index';
import { parseRows, type Row } from '../../projections/replayDataset';
import { blobFile } from '../adapters/files/blobStore';
import { memoryBlobStore } from '../adapters/memory/blobStore';
import { openMemoryLog } from '../adapters/memory/eventLog';
import { likelyCause } from '../reproduce/environment';
import type { Facts, Part } from '../reproduce/facts';
import type { Finding, Reproduction } from '../reproduce/finding';
import { reproduceDataset, type DatasetPorts } from '../reproduce/reproduceDataset';
import { reproduceEvaluation, reproduceGenerations } from '../reproduce/reproduceTexts';
import { reproduceTraining } from '../reproduce/reproduceTraining';
import { Past } from '../run/past';
import { Recall } from '../run/recall';
import { loadCheckpoint, type LoadedCheckpoint } from '../train/checkpointStore';
import type { Students } from '../train/students';
import { paperTrainConfig } from '../train/trainConfig';
import type { Args } from './args';
import type { Context } from './command';
import { environmentOf, openEngine, openRuntime, openStudents, placeOf, type Ledger } from './compose';
import { must, stop, usage } from './faults';
import { taskOfProblems } from './namedTask';

/** Settings of a training to change on purpose, to see where it shows. */
const changedOf = (args: Args): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    args.list('set').map((text) => {
      const at = text.indexOf('=');
      const name = text.slice(0, at).replace(/^train\./, '');
      if (at < 1 || !Object.hasOwn(paperTrainConfig, name))
        usage(`--set: expected <setting of the training>=<value>, got ${JSON.stringify(text)}`);
      const value: unknown = parse(text.slice(at + 1));
      return [name, value];
    }),
  );

/** Makes the parts of a target again, one after the other. */
export class Reproducer {
  private readonly students: Students;
  private readonly environment;
  private readonly recall: Recall;
  private readonly loaded = new Map<string, E.Either<string, LoadedCheckpoint>>();

  constructor(
    private readonly args: Args,
    private readonly context: Context,
    private readonly ledger: Ledger,
    private readonly events: readonly LedgerEvent[],
    private readonly facts: Facts,
  ) {
    this.environment = environmentOf(openRuntime(args).provider);
    this.students = openStudents(args)();
    this.recall = new Recall(new Past(ledger.log, events), ledger.blobs);
  }

  release(): Promise<void> {
    return this.students.release();
  }

  private scratch() {
    return { log: openMemoryLog({ now: () => '' }), blobs: memoryBlobStore() };
  }

  private async checkpoint(digest: string): Promise<E.Either<string, LoadedCheckpoint>> {
    const known = this.loaded.get(digest);
    if (known !== undefined) return known;
    const written = this.facts.checkpoints.get(digest);
    const read: E.Either<string, LoadedCheckpoint> =
      written === undefined
        ? E.left('no such checkpoint on this ledger')
        : E.mapLeft((error: { readonly tag: string }) => error.tag)(
            await loadCheckpoint(this.ledger.blobs, digest, written.files),
          );
    // One at a time: weights are large.
    this.loaded.clear();
    this.loaded.set(digest, read);
    return read;
  }

  private async student(checkpoint: string) {
    const loaded = await this.checkpoint(checkpoint);
    if (E.isLeft(loaded)) return loaded;
    const { shape, weights, tokenizer, kept } = loaded.right;
    const batch = this.args.whole('batch') ?? 64;
    return E.right(this.students.open({ checkpoint, shape, weights, tokenizer, stopIds: kept?.stopIds, batch }));
  }

  /** What may explain other texts: the environment of the training behind the student, against this one. */
  private causeOf(checkpoint: string): string {
    const { trainingId } = this.facts.checkpoints.get(checkpoint) ?? { trainingId: null };
    const made = trainingId === null ? undefined : this.facts.trainings.get(trainingId)?.started.environment;
    const otherwise = 'nothing known differs: other code of the decoder, or other weights';
    return made === undefined ? otherwise : likelyCause(made, this.environment, otherwise);
  }

  private missing(of: string, where: string, got: string): Reproduction {
    const finding: Finding = {
      kind: 'input',
      of,
      where,
      expected: 'readable',
      got,
      cause: 'its blob is missing or damaged',
    };
    return { checks: [], findings: [finding] };
  }

  part({ kind, id }: Part): Promise<Reproduction> {
    const parts: { readonly [Kind in Part['kind']]: () => Promise<Reproduction> } = {
      dataset: () => this.dataset(id),
      training: () => this.training(id),
      collection: () => this.collection(id),
      evaluation: () => this.evaluation(id),
    };
    return parts[kind]();
  }

  private async dataset(id: string): Promise<Reproduction> {
    const recorded = this.facts.datasets.get(id)?.at(-1);
    if (recorded === undefined) return this.missing(id, 'derivation', 'not on this ledger');
    this.context.progress.report({ phase: 'derive', done: 0, total: 0, unit: '', detail: id.slice(0, 12) });
    const rederived: DatasetPorts['rederived'] = (of) => this.recall.rederived(of);
    return reproduceDataset(recorded, this.events, { blobs: this.ledger.blobs, rederived });
  }

  private async training(id: string): Promise<Reproduction> {
    const recorded = this.facts.trainings.get(id);
    if (recorded === undefined) return this.missing(id, 'training', 'not whole on this ledger');
    return must(
      await reproduceTraining(recorded, {
        scratch: this.scratch(),
        startEngine: openEngine(this.args),
        signal: this.context.signal,
        environment: this.environment,
        changed: changedOf(this.args),
        rowsOf: (dataset) => this.rows(dataset),
        checkpointOf: (digest) => this.checkpoint(digest),
        rawBlob: (digest) =>
          readFile(blobFile(placeOf(this.args).blobs, digest)).then(
            (bytes) => bytes,
            () => undefined,
          ),
        onStep: (step, steps) =>
          this.context.progress.report({
            phase: `train ${id.slice(0, 8)}`,
            done: step,
            total: steps,
            unit: 'steps',
            detail: '',
          }),
      }),
    );
  }

  /** A dataset's rows, by its blob or from the events; of one that was imported by its blob alone. */
  private async rows(dataset: string): Promise<readonly Row[] | undefined> {
    const recorded = this.facts.datasets.get(dataset)?.at(-1);
    if (recorded !== undefined) return this.recall.rows(recorded);
    const stored = await this.ledger.blobs.get(dataset)();
    const rows = E.isRight(stored) ? parseRows(stored.right) : stored;
    return E.isRight(rows) ? rows.right : undefined;
  }

  private async collection(id: string): Promise<Reproduction> {
    const started = this.facts.collections.get(id);
    const all = (this.facts.generations.get(id) ?? []).filter(({ model }) => model.kind === 'checkpoint');
    if (started?.student.kind !== 'checkpoint' || all.length === 0) return { checks: [], findings: [] };
    const student = await this.student(started.student.digest);
    if (E.isLeft(student)) return this.missing(id, `student ${started.student.digest}`, student.left);
    const most = this.args.whole('sample') ?? all.length;
    const chosen = all.filter(
      (_, i) => Math.floor((i * most) / all.length) !== Math.floor(((i - 1) * most) / all.length),
    );
    return must(
      await reproduceGenerations(
        id,
        chosen,
        student.right,
        this.causeOf(started.student.digest),
        this.context.signal,
        (done, total) =>
          this.context.progress.report({ phase: `collect ${id.slice(0, 8)}`, done, total, unit: 'calls', detail: '' }),
      ),
    );
  }

  private async evaluation(id: string): Promise<Reproduction> {
    const recorded = this.facts.evaluations.get(id);
    if (recorded === undefined) return this.missing(id, 'evaluation', 'not on this ledger');
    const student = await this.student(recorded.checkpoint);
    if (E.isLeft(student)) return this.missing(id, `student ${recorded.checkpoint}`, student.left);
    const problems = this.facts.problems.filter(({ set }) => set === recorded.problemSet);
    const found = taskOfProblems(problems[0]?.task ?? '', undefined);
    if (!found.ok) return stop({ tag: 'UnknownName', message: found.message });
    return must(
      await reproduceEvaluation(recorded, problems, {
        scratch: this.scratch().log,
        student: student.right,
        task: found.task,
        signal: this.context.signal,
        cause: this.causeOf(recorded.checkpoint),
        onProgress: (done, total) =>
          this.context.progress.report({
            phase: `evaluate ${id.slice(0, 8)}`,
            done,
            total,
            unit: 'problems',
            detail: '',
          }),
      }),
    );
  }
}
