import * as E from 'fp-ts/Either';
import { contentId, type Json } from '../../events/digest';
import type { Purpose, Sampling } from '../../events/generationProduced';
import type { DecodeError } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import { studentSample } from '../collect/answer';
import { TrajectoryCalls, type Caller, type CallerError } from '../collect/caller';
import { callKey, nextPrompt, readCall, type Call, type Rollout } from '../collect/rollout';
import { askTeacher } from '../collect/teacherEditor';
import { openStream } from '../ledger/openStream';
import type { EventLog } from '../ports/eventLog';
import { messagesOf, type PromptSet } from '../prompts/promptSet';
import { readAnswer, readFeedback, readImprovement } from '../prompts/replies';
import type { Problem, Task, Verdict } from '../tasks/task';

/**
 * How a large model is made to answer, and when it stops to improve its answer: never tried (`none`), when it finds nothing
 * wrong any more (`self`), or when the answer is gold (`oracle`: the model is told by the outcome that it was wrong, so what
 * it gains so is no self-correction; arXiv 2310.01798).
 */
export interface Prompting {
  readonly prompts: PromptSet;
  readonly stop: 'none' | 'self' | 'oracle';
  readonly rounds: number;
}

export interface ServedScoring {
  readonly caller: Caller;
  /** Absent: the model is asked by the problem alone, as a student that was trained for it. */
  readonly prompting?: Prompting;
}

/** What a prompted model said of its own answer. */
export interface PromptedAttempt {
  readonly body: string;
  readonly said: Verdict | undefined;
}

/** The prompts of an evaluation, as its config holds them. */
export const promptingConfig = ({ prompts, stop, rounds }: Prompting): Json => ({
  stop,
  rounds: stop === 'none' ? 0 : rounds,
  prompts: {
    rationale: prompts.rationale.digest,
    ...(stop === 'none' ? {} : { feedback: prompts.feedback.digest, improvement: prompts.improvement.digest }),
  },
});

export interface ServedSettings {
  readonly evaluationId: string;
  readonly seed: number;
  readonly sampling: Sampling;
  readonly maxCalls: number;
}

/** Answers of one problem: the calls of a student, or the attempts of a prompted model with their texts. */
export type ServedAnswers =
  | { readonly kind: 'calls'; readonly calls: readonly Call[] }
  | { readonly kind: 'attempts'; readonly texts: readonly string[]; readonly attempts: readonly PromptedAttempt[] };

type Answered = E.Either<CallerError | DecodeError, ServedAnswers>;

const asStudent = async (
  posed: ProblemPosed,
  { seed, sampling, maxCalls }: ServedSettings,
  caller: Caller,
  calls: TrajectoryCalls,
): Promise<Answered> => {
  const rollout: Rollout = { prompt: posed.prompt, key: [seed, 'evaluate', posed.problemId], calls: [] };
  for (;;) {
    const prompt = nextPrompt(rollout, maxCalls);
    if (prompt === undefined) return E.right({ kind: 'calls', calls: rollout.calls });
    const call = rollout.calls.length;
    const seedKey = callKey(rollout.key, call);
    const purpose: Purpose = { kind: 'evaluation', prompt: null, round: call, repair: false };
    const sample = studentSample(sampling, seedKey);
    const asked = await calls.ask(caller, { purpose, prompt, sampling, sample, seedKey });
    if (E.isLeft(asked)) return asked;
    if (!asked.right.told) return E.right({ kind: 'calls', calls: rollout.calls });
    rollout.calls.push(readCall(call, prompt, asked.right.data));
  }
};

const prompted = async (
  posed: ProblemPosed,
  { seed, sampling }: ServedSettings,
  caller: Caller,
  calls: TrajectoryCalls,
  { prompts, stop, rounds }: Prompting,
  task: Task,
): Promise<Answered> => {
  const problem: Problem = { question: posed.question, options: posed.options, answer: posed.answer };
  const turn = (round: number) => ({ calls, seed, pass: 0, round });
  const texts: string[] = [];
  const attempts: PromptedAttempt[] = [];
  const done = (): Answered => E.right({ kind: 'attempts', texts, attempts });
  const first = await askTeacher(
    caller,
    {
      kind: 'evaluation',
      prompt: prompts.rationale,
      messages: messagesOf(prompts.rationale, task, problem, {}),
      sampling,
      read: readAnswer,
    },
    turn(0),
  );
  if (E.isLeft(first)) return first;
  if (!first.right.heard) return done();
  let body = first.right.value;
  texts.push(body);
  for (let round = 0; ; round++) {
    const answer = task.answerOf(body);
    const right = answer !== undefined && task.isCorrect(problem, answer);
    if (stop === 'none' || round === rounds || (stop === 'oracle' && right)) {
      attempts.push({ body, said: undefined });
      return done();
    }
    const attempt = body;
    const found = await askTeacher(
      caller,
      {
        kind: 'evaluation',
        prompt: prompts.feedback,
        messages: messagesOf(prompts.feedback, task, problem, { attempt }),
        sampling,
        // Whether the answer is gold is not for it to know, unless the outcome is what stops it.
        read: (text, finish) => readFeedback(text, finish, attempt, stop !== 'oracle'),
      },
      turn(round),
    );
    if (E.isLeft(found)) return found;
    const said = found.right.heard ? found.right.value : undefined;
    attempts.push({ body, said });
    if (said?.verdict !== 'incorrect') return done();
    texts.push(said.text);
    const better = await askTeacher(
      caller,
      {
        kind: 'evaluation',
        prompt: prompts.improvement,
        messages: messagesOf(prompts.improvement, task, problem, { attempt, feedback: said.text }),
        sampling,
        read: (text, finish) => readImprovement(text, finish, attempt, said),
      },
      turn(round + 1),
    );
    if (E.isLeft(better)) return better;
    if (!better.right.heard) return done();
    body = better.right.value;
    texts.push(body);
  }
};

/** What a served model answers to one problem; every call is on the ledger, in a stream of the evaluation's own. */
export const servedAnswers = async (
  posed: ProblemPosed,
  settings: ServedSettings,
  { caller, prompting }: ServedScoring,
  { log, task }: { readonly log: EventLog; readonly task: Task },
): Promise<Answered> => {
  const { evaluationId: collectionId } = settings;
  const { problemId } = posed;
  const trajectoryId = `evaluation:${contentId([collectionId, problemId])}`;
  const stream = await openStream(log, `trajectory-${trajectoryId}`);
  if (E.isLeft(stream)) return stream;
  const calls = new TrajectoryCalls({ collectionId, iteration: 0, pass: 0, problemId, trajectoryId }, stream.right);
  return prompting === undefined
    ? asStudent(posed, settings, caller, calls)
    : prompted(posed, settings, caller, calls, prompting, task);
};
