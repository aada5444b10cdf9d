import * as E from 'fp-ts/Either';
import { from, lastValueFrom, mergeMap, toArray } from 'rxjs';
import { contentId } from '../../events/digest';
import { collectionIdOf, collectionStarted, type CollectionInputs } from '../../events/collectionStarted';
import type { NewEvent } from '../../events/envelope';
import { generationProduced, type Sampling } from '../../events/generationProduced';
import { definitionOf, type DecodeError } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import { appendOnce } from '../ledger/openStream';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { LanguageModel, ModelError } from '../ports/languageModel';
import type { Task } from '../tasks/task';
import { answer, type Answers } from './answer';
import { observedOf } from './callFacts';
import type { CallerError } from './caller';
import type { Editor } from './editor';
import { editTrajectory, type EditSettings } from './editTrajectory';
import { generationData, openTrajectory, type Open } from './openTrajectory';
import { readCall, roll } from './rollout';
import type { TrajectoryFact } from './trajectoryState';

export interface CollectSettings extends EditSettings {
  readonly iteration: number;
  readonly problemSet: string;
  /** How often every problem is answered. */
  readonly passes: number;
  readonly seed: number;
  readonly sampling: Sampling;
  readonly maxCalls: number;
  /** Edits in flight at once; matters where FBK or IMP is a large model. */
  readonly concurrency: number;
}

export interface CollectPorts {
  readonly log: EventLog;
  readonly student: LanguageModel;
  /** Where a served model answers: through this, and `student` only says who it is. */
  readonly answers?: Answers;
  readonly editor: Editor;
  readonly task: Task;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: CollectProgress) => void;
}

/** Counts so far. `reusedCalls` were on the ledger and not made again. */
export interface CollectProgress {
  readonly done: number;
  readonly total: number;
  readonly newCalls: number;
  readonly reusedCalls: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

export type CollectError =
  | ModelError
  | AppendError
  | DecodeError
  | { readonly tag: 'Cancelled'; readonly done: number; readonly total: number };

/** What decides the trajectories: who answers, who edits, and how. */
export const collectionOf = (
  { iteration, problemSet, seed, sampling, maxCalls, edit, rightAnswer }: CollectSettings,
  student: LanguageModel['ref'],
  { author, model, prompts }: CollectionInputs['editor'],
): CollectionInputs => ({
  iteration,
  student,
  problemSet,
  seed,
  settings: { sampling, maxCalls, ...edit, rightAnswer },
  editor: { author, model, prompts },
});

/** A trajectory's id says which answer to which problem it is; nothing else is in it. */
export const trajectoryIdOf = (collectionId: string, pass: number, problemId: string): string =>
  contentId(['trajectory', collectionId, pass, problemId]);

/** The settings, and the collection that they make. */
export interface Collection extends CollectSettings {
  readonly collectionId: string;
}

const createFact = (fact: TrajectoryFact, correlation: string): NewEvent =>
  definitionOf(fact.type).create(fact.data, { correlation });

/** One answer to one problem, to be collected. */
export interface Work {
  readonly pass: number;
  readonly problem: ProblemPosed;
}

/** Everything to collect, in the order in which one process does it. */
export const workOf = (problems: readonly ProblemPosed[], { passes }: CollectSettings): readonly Work[] =>
  Array.from({ length: passes }, (_, pass) => problems.map((problem) => ({ pass, problem }))).flat();

/** Notes what the collection is, once. */
export const beginCollection = async (
  settings: CollectSettings,
  { log, student, editor }: CollectPorts,
): Promise<E.Either<AppendError, Collection>> => {
  const inputs = collectionOf(settings, student.ref, editor);
  const collectionId = collectionIdOf(inputs);
  const started = collectionStarted.create({ collectionId, ...inputs });
  const noted = await appendOnce(log, `collection-${collectionId}`, started);
  return E.isLeft(noted) ? noted : E.right({ ...settings, collectionId });
};

/**
 * Lets the student answer every problem `passes` times, edits each trajectory and puts every step on the ledger.
 *
 * Batches go one after another and edits run side by side, but events are appended in the order of the problems, so the
 * ledger does not depend on which call came back first. What is on the ledger already is not made again: a crash loses
 * at most the batch in flight.
 */
export const collectTrajectories = async (
  problems: readonly ProblemPosed[],
  settings: CollectSettings,
  ports: CollectPorts,
): Promise<E.Either<CollectError, CollectProgress>> => {
  const work = workOf(problems, settings);
  const size = Math.max(1, ports.student.batch);
  const chunks = Array.from({ length: Math.ceil(work.length / size) }, (_, i) => work.slice(i * size, (i + 1) * size));
  const begun = await beginCollection(settings, ports);
  if (E.isLeft(begun)) return begun;
  const collection = begun.right;
  let progress: CollectProgress = { done: 0, total: work.length, newCalls: 0, reusedCalls: 0, outcomes: {} };
  for (const chunk of chunks) {
    if (ports.signal.aborted) break;
    const result = await collectChunk(chunk, collection, ports);
    if (E.isLeft(result) && result.left.tag === 'Interrupted') break;
    if (E.isLeft(result)) return result;
    progress = addTo(progress, result.right);
    ports.onProgress?.(progress);
  }
  if (progress.done < work.length) return E.left({ tag: 'Cancelled', done: progress.done, total: work.length });
  return E.right(progress);
};

export type ChunkResult = Pick<CollectProgress, 'done' | 'newCalls' | 'reusedCalls' | 'outcomes'>;

export const addTo = (sum: CollectProgress, part: ChunkResult): CollectProgress => {
  const outcomes: Record<string, number> = { ...sum.outcomes };
  for (const [outcome, count] of Object.entries(part.outcomes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  return {
    total: sum.total,
    done: sum.done + part.done,
    newCalls: sum.newCalls + part.newCalls,
    reusedCalls: sum.reusedCalls + part.reusedCalls,
    outcomes,
  };
};

/** Lets a model of our own answer, a batch at a time; every call is on the ledger before the next is made. */
const rollAll = async (
  unfinished: readonly Open[],
  settings: Collection,
  ports: CollectPorts,
): Promise<E.Either<CollectError, number>> => {
  const byRollout = new Map(unfinished.map((one) => [one.rollout, one]));
  let newCalls = 0;
  let appendFailed: AppendError | undefined;
  const rolled = await roll(
    ports.student,
    unfinished.map((one) => one.rollout),
    settings,
    ports.signal,
    async (made) => {
      newCalls += made.length;
      const appended = await Promise.all(
        made.map(({ rollout, prompt, completion }) => {
          const one = byRollout.get(rollout);
          if (one === undefined) throw new Error('a call came back for a rollout that nobody asked for');
          const call = rollout.calls.length;
          const event = generationProduced.create(
            generationData(one, call, prompt, completion, settings, ports.student.ref),
            { correlation: settings.collectionId },
            observedOf(completion.served),
          );
          one.generations.push({ call: readCall(call, prompt, completion), generationId: event.id });
          return one.stream.append([event]);
        }),
      );
      appendFailed = appended.find(E.isLeft)?.left;
      return appendFailed === undefined
        ? E.right(undefined)
        : E.left({ tag: 'ModelUnavailable', message: appendFailed.tag });
    },
  );
  if (appendFailed !== undefined) return E.left(appendFailed);
  if (E.isLeft(rolled)) return rolled;
  for (const one of unfinished) one.calls.skip(one.rollout.calls.length);
  return E.right(newCalls);
};

/** Collects some trajectories: the calls of a model of our own as one batch, then their edits. */
export const collectChunk = async (
  chunk: readonly Work[],
  settings: Collection,
  ports: CollectPorts,
): Promise<E.Either<CollectError, ChunkResult>> => {
  const all: Open[] = [];
  for (const { pass, problem } of chunk) {
    const { collectionId } = settings;
    const trajectoryId = trajectoryIdOf(collectionId, pass, problem.problemId);
    const opened = await openTrajectory({ ...settings, pass, problem, trajectoryId }, ports);
    if (E.isLeft(opened)) return opened;
    all.push(opened.right);
  }
  const unfinished = all.filter((one) => one.closed === undefined);
  const rolled = ports.answers === undefined ? await rollAll(unfinished, settings, ports) : E.right(0);
  if (E.isLeft(rolled)) return rolled;
  const edited = await editAll(unfinished, settings, ports);
  if (E.isLeft(edited)) return edited;
  const outcomes: Record<string, number> = {};
  for (const outcome of [...all.flatMap((one) => (one.closed === undefined ? [] : [one.closed])), ...edited.right])
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const sum = (count: (one: Open) => number): number => all.reduce((total, one) => total + count(one), 0);
  return E.right({
    done: chunk.length,
    newCalls: rolled.right + sum(({ calls }) => calls.counts.made),
    reusedCalls: sum(({ calls, reusedCalls }) => reusedCalls + calls.counts.found + calls.counts.reused),
    outcomes,
  });
};

/** One trajectory, from where it stands to its close: the answer where a served model gives it, then the edit. */
const finish = async (
  one: Open,
  settings: Collection,
  ports: CollectPorts,
): Promise<E.Either<CallerError, readonly TrajectoryFact[]>> => {
  const { answers, task } = ports;
  const answered = answers === undefined ? E.right([]) : await answer(one, settings, answers, task);
  if (E.isLeft(answered)) return answered;
  const facts = await editTrajectory(one, settings, ports);
  return E.isLeft(facts) ? facts : E.right([...answered.right, ...facts.right]);
};

/**
 * Edits side by side, appends in order. Answers to one problem are edited one after the other: what two of them ask alike is
 * asked by the first, whichever way the calls of others go.
 */
const editAll = async (
  unfinished: readonly Open[],
  settings: Collection,
  ports: CollectPorts,
): Promise<E.Either<CollectError, readonly string[]>> => {
  const byProblem = new Map<string, Open[]>();
  for (const one of unfinished) {
    const { problemId } = one.identity;
    byProblem.set(problemId, [...(byProblem.get(problemId) ?? []), one]);
  }
  const done = new Map<Open, E.Either<CallerError, readonly TrajectoryFact[]>>();
  let stopped = false;
  const edits = from(byProblem.values()).pipe(
    mergeMap(
      async (group) => {
        for (const one of group) {
          if (stopped) return;
          const facts = await finish(one, settings, ports);
          done.set(one, facts);
          stopped ||= E.isLeft(facts);
        }
      },
      Math.max(1, ports.editor.atOnce ?? settings.concurrency, ports.answers?.caller.ports.model.batch ?? 1),
    ),
    toArray(),
  );
  await lastValueFrom(edits, { defaultValue: [] });
  const appends: Promise<E.Either<AppendError, void>>[] = [];
  const outcomes: string[] = [];
  const faults = [...done.values()].filter(E.isLeft);
  for (const one of unfinished) {
    const facts = done.get(one);
    if (facts === undefined || E.isLeft(facts)) break;
    // A trajectory whose edit was interrupted has its calls, and no edit facts, since they go in together.
    appends.push(one.stream.append(facts.right.map((fact) => createFact(fact, settings.collectionId))));
    for (const fact of facts.right) if (fact.type === 'TrajectoryClosed') outcomes.push(fact.data.outcome);
  }
  // Nothing may be on its way to the log when the caller is told of a failure.
  const appended = (await Promise.all(appends)).find(E.isLeft);
  // What was not begun because something else failed is not what went wrong.
  const failed = faults.find(({ left }) => left.tag !== 'Interrupted') ?? faults[0];
  return appended ?? failed ?? E.right(outcomes);
};
