import * as E from 'fp-ts/Either';
import type { ModelRef } from '../../events/codecs';
import { notAsked, type GenerationProduced, type Sampling } from '../../events/generationProduced';
import type { DecodeError, LedgerEvent } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import { openStream, type OpenStream } from '../ledger/openStream';
import type { EventLog } from '../ports/eventLog';
import type { Completion } from '../ports/languageModel';
import type { Task } from '../tasks/task';
import type { Answers } from './answer';
import { callFacts } from './callFacts';
import { TrajectoryCalls } from './caller';
import type { Rolled } from './editTrajectory';
import { callKey, readCall, type Call, type Rollout } from './rollout';

/** A trajectory with its stream: what is on the ledger of it, and a way to go on. */
export interface Open extends Rolled {
  readonly rollout: Rollout;
  readonly generations: { readonly call: Call; readonly generationId: string }[];
  readonly stream: OpenStream;
  /** Calls that are on the ledger and will not be looked for again. */
  readonly reusedCalls: number;
  readonly closed: string | undefined;
}

export interface Which {
  readonly collectionId: string;
  readonly iteration: number;
  readonly seed: number;
  readonly pass: number;
  readonly problem: ProblemPosed;
  readonly trajectoryId: string;
}

type Generated = { readonly call: Call; readonly generationId: string };

/** The calls of a student of our own: those that were asked for no purpose of FBK's or IMP's. */
const ownCalls = (events: readonly LedgerEvent[]): Generated[] =>
  events.flatMap((event) =>
    event.type === 'GenerationProduced' && event.data.purpose === null
      ? [{ call: readCall(event.data.call, event.data.prompt, event.data), generationId: event.id }]
      : [],
  );

export const openTrajectory = async (
  { collectionId, iteration, seed, pass, problem, trajectoryId }: Which,
  { log, task, answers }: { readonly log: EventLog; readonly task: Task; readonly answers?: Answers },
): Promise<E.Either<DecodeError, Open>> => {
  const { problemId } = problem;
  const stream = await openStream(log, `trajectory-${trajectoryId}`);
  if (E.isLeft(stream)) return stream;
  const { events } = stream.right;
  const generations = answers === undefined ? ownCalls(events) : [];
  const closed = events.find((event) => event.type === 'TrajectoryClosed');
  const made = events.filter(({ type }) => type === 'GenerationProduced').length;
  const author = answers?.caller.ports.author ?? 'student';
  const place = { collectionId, iteration, pass, problemId, trajectoryId };
  return E.right({
    identity: { ...place, hint: task.hint, author },
    problem,
    seed,
    calls: new TrajectoryCalls(place, stream.right),
    rollout: {
      prompt: problem.prompt,
      key: [seed, 'attempt', iteration, pass, problemId],
      calls: generations.map(({ call }) => call),
    },
    generations,
    stream: stream.right,
    reusedCalls: closed === undefined ? generations.length : made,
    closed: closed?.type === 'TrajectoryClosed' ? closed.data.outcome : undefined,
  });
};

/** The event of one call of a student of our own. */
export const generationData = (
  one: Open,
  call: number,
  prompt: string,
  completion: Completion,
  { sampling }: { readonly sampling: Sampling },
  model: ModelRef,
): GenerationProduced => {
  const { collectionId, iteration, pass, problemId, trajectoryId } = one.identity;
  return {
    collectionId,
    iteration,
    pass,
    problemId,
    trajectoryId,
    call,
    author: 'student',
    model,
    prompt,
    text: completion.text,
    tokenIds: completion.tokenIds === null ? null : [...completion.tokenIds],
    logprobs: completion.logprobs === null ? null : [...completion.logprobs],
    finish: completion.finish,
    sampling,
    seedKey: [...callKey(one.rollout.key, call)],
    ...callFacts(completion),
    ...notAsked,
  };
};
