import * as E from 'fp-ts/Either';
import { collectionIdOf, collectionStarted, type CollectionInputs } from '../../events/collectionStarted';
import type { Digest } from '../../events/digest';
import { generationProduced, notAsked, type GenerationProduced, type Sampling } from '../../events/generationProduced';
import { definitionOf, type DecodeError } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import { appendOnce, openStream } from '../ledger/openStream';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { Task } from '../tasks/task';
import { TrajectoryCalls, type CallerError } from './caller';
import type { ChatAnswer } from './chatLog';
import { trajectoryIdOf } from './collectTrajectories';
import type { Editor } from './editor';
import { editTrajectory, type EditSettings } from './editTrajectory';
import { readCall } from './rollout';

/** An answer, with the problem that it answers and the model that gave it. */
export interface MatchedAnswer {
  readonly chat: ChatAnswer;
  readonly problem: ProblemPosed;
  readonly model: string;
}

export interface ImportChatsRequest {
  readonly answers: readonly MatchedAnswer[];
  /** SHA-256 of the log. */
  readonly file: Digest;
  readonly problemSet: string;
  /** For answers that do not say how they were sampled. */
  readonly temperature: number;
  readonly settings: EditSettings;
}

export interface ImportedChats {
  /** In the order in which their models first answered. */
  readonly collections: readonly string[];
  readonly added: number;
  readonly known: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

export type ImportChatsError = CallerError | AppendError | DecodeError;

/** A log knows of no iterations. */
const iteration = 1;

/** A log has no seed: the number that its digest begins with stands for it, so another log is another collection. */
const seedOf = (file: Digest): number => Number.parseInt(file.slice(0, 12), 16);

const samplingOf = ({ temperature, topP, maxTokens }: ChatAnswer, otherwise: number): Sampling => ({
  temperature: temperature ?? otherwise,
  topK: null,
  topP,
  maxTokens,
});

/** A chat's answer stands in a message of its own; behind a prompt, it stands on a new line. */
const completionOf = ({ answer }: ChatAnswer): string => (answer.startsWith('\n') ? answer : `\n${answer}`);

/** What the answer's collection is made of: log, model, sampling, and how it is edited. */
const collectionOf = (
  { chat, model }: MatchedAnswer,
  { file, problemSet, temperature, settings: { edit, rightAnswer } }: ImportChatsRequest,
  { author, model: editing, prompts }: Editor,
): CollectionInputs => ({
  iteration,
  student: { kind: 'endpoint', name: model },
  problemSet,
  seed: seedOf(file),
  settings: { sampling: samplingOf(chat, temperature), maxCalls: 1, ...edit, rightAnswer },
  editor: { author, model: editing, prompts },
});

const generationOf = (
  { chat, problem: { problemId } }: MatchedAnswer,
  { student, settings: { sampling } }: CollectionInputs,
  place: { readonly collectionId: string; readonly pass: number; readonly trajectoryId: string },
  file: Digest,
): GenerationProduced => ({
  ...place,
  iteration,
  problemId,
  call: 0,
  author: 'student',
  model: student,
  prompt: chat.prompt,
  text: completionOf(chat),
  tokenIds: null,
  logprobs: null,
  finish: chat.finish,
  sampling,
  seedKey: ['chat', file, chat.line],
  usage: chat.usage,
  price: null,
  served: null,
  ...notAsked,
});

/**
 * Puts answers that were collected elsewhere on the ledger as trajectories: one GenerationProduced each, by the model that
 * the log names, in the student's place; then FBK and IMP edit it as they would in a collection. The collection is what the
 * log, its model and the settings make it: the same log again adds nothing. An answer is a pass of its own, the n-th to its
 * problem by its model.
 */
export const importChats = async (
  request: ImportChatsRequest,
  { log, editor, task }: { readonly log: EventLog; readonly editor: Editor; readonly task: Task },
): Promise<E.Either<ImportChatsError, ImportedChats>> => {
  const passes = new Map<string, number>();
  const collections = new Set<string>();
  const outcomes: Record<string, number> = {};
  let added = 0;
  for (const answer of request.answers) {
    const { problem } = answer;
    const inputs = collectionOf(answer, request, editor);
    const collectionId = collectionIdOf(inputs);
    const correlation = collectionId;
    if (!collections.has(collectionId)) {
      const started = collectionStarted.create({ collectionId, ...inputs });
      const noted = await appendOnce(log, `collection-${collectionId}`, started);
      if (E.isLeft(noted)) return noted;
      collections.add(collectionId);
    }
    const { problemId } = problem;
    const key = `${collectionId} ${problemId}`;
    const pass = passes.get(key) ?? 0;
    passes.set(key, pass + 1);
    const trajectoryId = trajectoryIdOf(collectionId, pass, problemId);
    const stream = await openStream(log, `trajectory-${trajectoryId}`);
    if (E.isLeft(stream)) return stream;
    if (stream.right.events.length > 0) continue;
    const data = generationOf(answer, inputs, { collectionId, pass, trajectoryId }, request.file);
    const generation = generationProduced.create(data, { correlation });
    const generations = [{ call: readCall(0, data.prompt, data), generationId: generation.id }];
    const identity = {
      collectionId,
      iteration,
      pass,
      problemId,
      trajectoryId,
      hint: task.hint,
      author: 'student' as const,
    };
    const calls = new TrajectoryCalls(data, stream.right);
    calls.skip(1);
    const rolled = { identity, problem, generations, seed: inputs.seed, calls };
    const facts = await editTrajectory(rolled, request.settings, { editor, task });
    if (E.isLeft(facts)) return facts;
    // One batch: a trajectory is there whole, or not at all.
    const events = facts.right.map((fact) => definitionOf(fact.type).create(fact.data, { correlation }));
    const appended = await stream.right.append([generation, ...events]);
    if (E.isLeft(appended)) return appended;
    added += 1;
    for (const fact of facts.right)
      if (fact.type === 'TrajectoryClosed') outcomes[fact.data.outcome] = (outcomes[fact.data.outcome] ?? 0) + 1;
  }
  return E.right({ collections: [...collections], added, known: request.answers.length - added, outcomes });
};
