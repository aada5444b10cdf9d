import * as E from 'fp-ts/Either';
import type { Json } from '../../events/digest';
import type { Sampling } from '../../events/generationProduced';
import { messagesOf, type ResolvedPrompt } from '../prompts/promptSet';
import { readAnswer } from '../prompts/replies';
import type { Problem, Task } from '../tasks/task';
import type { Caller, CallerError } from './caller';
import type { Open } from './openTrajectory';
import { callKey, nextPrompt, readCall } from './rollout';
import { askTeacher } from './teacherEditor';
import type { TrajectoryFact } from './trajectoryState';

/** A served model in the student's place. */
export interface Answers {
  readonly caller: Caller;
  /** A prompt to answer under, with its examples; absent: the problem alone, as a student is asked that was trained for it. */
  readonly prompt?: ResolvedPrompt;
}

type Answered = E.Either<CallerError, readonly TrajectoryFact[]>;

/** A student that draws has draws of its own for every call; at temperature 0 equal prompts have one answer. */
export const studentSample = ({ temperature }: Sampling, key: readonly (string | number)[]): Json =>
  temperature === 0 ? 0 : [...key];

/** One answer under a prompt. Replies that are no answer in the form that was asked for are refused, the last one stands. */
const answerUnder = async (
  one: Open,
  sampling: Sampling,
  { caller, prompt }: Answers & { readonly prompt: ResolvedPrompt },
  task: Task,
): Promise<Answered> => {
  const { question, options, answer: gold } = one.problem;
  const problem: Problem = { question, options, answer: gold };
  const messages = messagesOf(prompt, task, problem, { answer: gold });
  const { calls, seed } = one;
  const { pass, trajectoryId } = one.identity;
  const heard = await askTeacher(
    caller,
    { kind: 'attempt', prompt, messages, sampling, read: readAnswer },
    { calls, seed, pass, round: 0 },
  );
  if (E.isLeft(heard)) return heard;
  const { refused } = heard.right;
  const last = heard.right.heard
    ? { text: `\n${heard.right.value}`, generationId: heard.right.generationId }
    : refused.at(-1);
  if (last !== undefined) {
    const call = readCall(0, one.problem.prompt, { text: last.text, finish: 'eos' });
    one.rollout.calls.push(call);
    one.generations.push({ call, generationId: last.generationId });
  }
  const { author } = caller.ports;
  return E.right(
    refused.map((reply) => ({
      type: 'TurnRefused',
      data: { trajectoryId, round: 0, turn: 'attempt', author, ...reply },
    })),
  );
};

/** Lets a served model answer: every call of one rollout, each on the ledger before the next is made. */
export const answer = async (
  one: Open,
  { sampling, maxCalls }: { readonly sampling: Sampling; readonly maxCalls: number },
  answers: Answers,
  task: Task,
): Promise<Answered> => {
  const { caller, prompt: under } = answers;
  if (under !== undefined) return answerUnder(one, sampling, { caller, prompt: under }, task);
  for (;;) {
    const prompt = nextPrompt(one.rollout, maxCalls);
    if (prompt === undefined) return E.right([]);
    const call = one.rollout.calls.length;
    const seedKey = callKey(one.rollout.key, call);
    const purpose = { kind: 'attempt', prompt: null, round: call, repair: false } as const;
    const asked = await one.calls.ask(caller, {
      purpose,
      prompt,
      sampling,
      sample: studentSample(sampling, seedKey),
      seedKey,
    });
    if (E.isLeft(asked)) return asked;
    // What the model cannot be asked ends the answer there: with none, it is an answer that cannot be read.
    if (!asked.right.told) return E.right([]);
    const { data, generationId } = asked.right;
    const made = readCall(call, prompt, data);
    one.rollout.calls.push(made);
    one.generations.push({ call: made, generationId });
  }
};
