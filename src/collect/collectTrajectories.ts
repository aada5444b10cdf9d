import * as E from 'fp-ts/Either';
import { from, lastValueFrom, mergeMap, toArray } from 'rxjs';
import { contentId } from '../../events/digest';
import { collectionIdOf, collectionStarted, type CollectionInputs } from '../../events/collectionStarted';
import type { NewEvent } from '../../events/envelope';
import { generationProduced, type GenerationProduced, type Sampling } from '../../events/generationProduced';
import { definitionOf, type DecodeError, type LedgerEvent } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import { appendOnce, openStream, type OpenStream } from '../ledger/openStream';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { Completion, LanguageModel, ModelError } from '../ports/languageModel';
import type { Task } from '../tasks/task';
import { callFacts, observedOf } from './callFacts';
import type { Editor } from './editor';
import { editTrajectory, type EditSettings, type Rolled } from './editTrajectory';
import { callKey, readCall, roll, type Call, type Rollout } from './rollout';
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

interface Open extends Rolled {
  readonly rollout: Rollout;
  readonly generations: { readonly call: Call; readonly generationId: string }[];
  readonly stream: OpenStream;
  readonly reusedCalls: number;
  readonly closed: string | undefined;
}

const callsOf = (events: readonly LedgerEvent[]): { readonly call: Call; readonly generationId: string }[] =>
  events.flatMap((event) =>
    event.type === 'GenerationProduced'
      ? [{ call: readCall(event.data.call, event.data.prompt, event.data), generationId: event.id }]
      : [],
  );

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

const open = async (
  { pass, problem }: Work,
  settings: Collection,
  { log, task }: CollectPorts,
): Promise<E.Either<DecodeError, Open>> => {
  const { collectionId, iteration, seed } = settings;
  const trajectoryId = trajectoryIdOf(collectionId, pass, problem.problemId);
  const stream = await openStream(log, `trajectory-${trajectoryId}`);
  if (E.isLeft(stream)) return stream;
  const { events } = stream.right;
  const generations = callsOf(events);
  const closed = events.find((event) => event.type === 'TrajectoryClosed');
  return E.right({
    identity: { collectionId, iteration, pass, problemId: problem.problemId, trajectoryId, hint: task.hint },
    problem,
    rollout: {
      prompt: problem.prompt,
      key: [seed, 'attempt', iteration, pass, problem.problemId],
      calls: generations.map(({ call }) => call),
    },
    generations,
    stream: stream.right,
    reusedCalls: generations.length,
    closed: closed?.type === 'TrajectoryClosed' ? closed.data.outcome : undefined,
  });
};

const generationData = (
  one: Open,
  call: number,
  prompt: string,
  completion: Completion,
  settings: Collection,
  student: LanguageModel,
): GenerationProduced => ({
  collectionId: settings.collectionId,
  iteration: settings.iteration,
  pass: one.identity.pass,
  problemId: one.identity.problemId,
  trajectoryId: one.identity.trajectoryId,
  call,
  author: 'student',
  model: student.ref,
  prompt,
  text: completion.text,
  tokenIds: completion.tokenIds === null ? null : [...completion.tokenIds],
  logprobs: completion.logprobs === null ? null : [...completion.logprobs],
  finish: completion.finish,
  sampling: settings.sampling,
  seedKey: [...callKey(one.rollout.key, call)],
  ...callFacts(completion),
});

/** Collects some trajectories: their calls as one batch, then their edits. */
export const collectChunk = async (
  chunk: readonly Work[],
  settings: Collection,
  ports: CollectPorts,
): Promise<E.Either<CollectError, ChunkResult>> => {
  const all: Open[] = [];
  for (const item of chunk) {
    const opened = await open(item, settings, ports);
    if (E.isLeft(opened)) return opened;
    all.push(opened.right);
  }
  const unfinished = all.filter((one) => one.closed === undefined);
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
            generationData(one, call, prompt, completion, settings, ports.student),
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
  const edited = await editAll(unfinished, settings, ports);
  if (E.isLeft(edited)) return edited;
  const outcomes: Record<string, number> = {};
  for (const outcome of [...all.flatMap((one) => (one.closed === undefined ? [] : [one.closed])), ...edited.right])
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return E.right({
    done: chunk.length,
    newCalls,
    reusedCalls: all.reduce((sum, one) => sum + one.reusedCalls, 0),
    outcomes,
  });
};

/** Edits side by side, appends in order. */
const editAll = async (
  unfinished: readonly Open[],
  settings: Collection,
  ports: CollectPorts,
): Promise<E.Either<CollectError, readonly string[]>> => {
  const edits = from(unfinished.map((one, index) => ({ one, index }))).pipe(
    mergeMap(
      async ({ one, index }) => ({ one, index, facts: await editTrajectory(one, settings, ports) }),
      Math.max(1, settings.concurrency),
    ),
    toArray(),
  );
  const inOrder = (await lastValueFrom(edits, { defaultValue: [] })).sort((a, b) => a.index - b.index);
  const appends: Promise<E.Either<AppendError, void>>[] = [];
  const outcomes: string[] = [];
  let failed: E.Either<ModelError, never> | undefined;
  for (const { one, facts } of inOrder) {
    if (E.isLeft(facts)) {
      failed = facts;
      break;
    }
    // The generations are stored; a trajectory whose edit was interrupted has no edit facts, since they go in together.
    appends.push(one.stream.append(facts.right.map((fact) => createFact(fact, settings.collectionId))));
    for (const fact of facts.right) if (fact.type === 'TrajectoryClosed') outcomes.push(fact.data.outcome);
  }
  // Nothing may be on its way to the log when the caller is told of a failure.
  const appended = (await Promise.all(appends)).find(E.isLeft);
  return appended ?? failed ?? E.right(outcomes);
};
