import * as E from 'fp-ts/Either';
import { contentId, digestOf, type Digest } from '../../events/digest';
import {
  evaluationRecorded,
  type EvaluationItem,
  type EvaluationRecorded,
  type JudgedAttempt,
} from '../../events/evaluationRecorded';
import type { Sampling } from '../../events/generationProduced';
import type { ProblemPosed } from '../../events/problemPosed';
import type { DecodeError } from '../../events/index';
import { scoresOf } from '../../projections/scoreboard';
import type { CallerError } from '../collect/caller';
import { roll, type Call, type Rollout } from '../collect/rollout';
import { sideBySide } from '../collect/sideBySide';
import { openStream } from '../ledger/openStream';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { LanguageModel } from '../ports/languageModel';
import { parseFeedback } from '../tasks/feedbackText';
import type { Problem, Task, Verdict } from '../tasks/task';
import type { Turn } from '../tasks/trajectoryText';
import { promptingConfig, servedAnswers, type ServedScoring } from './servedAnswers';

export interface EvaluateSettings {
  readonly checkpoint: Digest;
  readonly problemSet: string;
  readonly seed: number;
  readonly sampling: Sampling;
  readonly maxCalls: number;
}

export interface EvaluatePorts {
  readonly log: EventLog;
  readonly student: LanguageModel;
  /** Where the model is served: through this, and `student` only says who it is. */
  readonly served?: ServedScoring;
  readonly task: Task;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export type EvaluateError =
  | CallerError
  | AppendError
  | DecodeError
  | { readonly tag: 'NoProblems'; readonly problemSet: string }
  | { readonly tag: 'Cancelled'; readonly done: number; readonly total: number };

const judgeBody = (body: string, own: JudgedAttempt['own'], problem: Problem, task: Task): JudgedAttempt => {
  const answer = task.answerOf(body) ?? null;
  const script = task.script?.feedback(problem, body);
  return {
    answer,
    correct: answer !== null && task.isCorrect(problem, answer),
    own,
    script:
      script === undefined
        ? null
        : { verdict: script.verdict, step: script.verdict === 'incorrect' ? script.step : null },
  };
};

const saidOf = (verdict: Verdict | undefined): JudgedAttempt['own'] =>
  verdict === undefined
    ? null
    : { verdict: verdict.verdict, step: verdict.verdict === 'incorrect' ? verdict.step : null };

const judge = (turn: Turn, feedback: Turn | undefined, problem: Problem, task: Task): JudgedAttempt => {
  const own = feedback === undefined ? undefined : parseFeedback(feedback.body);
  const said =
    own === undefined
      ? null
      : own.kind === 'unreadable'
        ? { verdict: 'error' as const, step: null }
        : { verdict: own.kind, step: own.kind === 'incorrect' ? own.step : null };
  return judgeBody(turn.body, said, problem, task);
};

const unreadable: JudgedAttempt = { answer: null, correct: false, own: null, script: null };

/**
 * The attempts of a trajectory in order, each with the student's own feedback on it. An update that was begun and cannot
 * be read is an attempt without answer: the student's last word counts, not the last one that happened to parse.
 */
export const attemptsOf = (calls: readonly Call[], problem: Problem, task: Task): readonly JudgedAttempt[] => {
  const turns = calls.flatMap((call) => call.parsed.turns);
  const attempts = turns.flatMap((turn, i) => {
    if (turn.kind === 'feedback') return [];
    const after = turns[i + 1];
    return [judge(turn, after?.kind === 'feedback' ? after : undefined, problem, task)];
  });
  const last = calls[calls.length - 1];
  if (last === undefined || attempts.length === 0) return [unreadable];
  const read = last.parsed.turns[last.parsed.turns.length - 1]?.end ?? 0;
  return last.text.slice(read).includes('\nUpdated Answer:') ? [...attempts, unreadable] : attempts;
};

const problemOf = ({ question, options, answer }: ProblemPosed): Problem => ({ question, options, answer });

const itemOf = (
  { problemId, cell, seen }: ProblemPosed,
  texts: readonly string[],
  attempts: readonly JudgedAttempt[],
) => ({
  problemId,
  cell,
  seen,
  texts: [...texts],
  attempts: [...attempts],
});

type Items = E.Either<EvaluateError, readonly EvaluationItem[]>;

/** The answers of a model of our own, a batch at a time. */
const answerAll = async (
  problems: readonly ProblemPosed[],
  { sampling, maxCalls, seed }: EvaluateSettings,
  ports: EvaluatePorts,
): Promise<Items> => {
  const rollouts: Rollout[] = problems.map((problem) => ({
    prompt: problem.prompt,
    key: [seed, 'evaluate', problem.problemId],
    calls: [],
  }));
  const size = Math.max(1, ports.student.batch);
  for (let start = 0; start < rollouts.length; start += size) {
    if (ports.signal.aborted) return E.left({ tag: 'Cancelled', done: start, total: rollouts.length });
    const some = rollouts.slice(start, start + size);
    const rolled = await roll(ports.student, some, { sampling, maxCalls }, ports.signal, () =>
      Promise.resolve(E.right(undefined)),
    );
    if (E.isLeft(rolled))
      return rolled.left.tag === 'Interrupted'
        ? E.left({ tag: 'Cancelled', done: start, total: rollouts.length })
        : rolled;
    ports.onProgress?.(Math.min(start + size, rollouts.length), rollouts.length);
  }
  return E.right(
    problems.map((problem, i) => {
      const calls = rollouts[i]?.calls ?? [];
      return itemOf(
        problem,
        calls.map(({ text }) => text),
        attemptsOf(calls, problemOf(problem), ports.task),
      );
    }),
  );
};

/** The answers of a served model, many calls at once. A fault of one ends all, and what was answered stays on the ledger. */
const askAll = async (
  problems: readonly ProblemPosed[],
  settings: EvaluateSettings & { readonly evaluationId: string },
  ports: EvaluatePorts,
  served: ServedScoring,
): Promise<Items> => {
  let done = 0;
  let stopped = false;
  const all = await sideBySide(problems, served.caller.ports.model.batch, async (posed) => {
    if (stopped) return undefined;
    const answered = await servedAnswers(posed, settings, served, ports);
    stopped ||= E.isLeft(answered);
    done += 1;
    ports.onProgress?.(done, problems.length);
    if (E.isLeft(answered)) return answered;
    const { right } = answered;
    const problem = problemOf(posed);
    if (right.kind === 'calls')
      return E.right(
        itemOf(
          posed,
          right.calls.map(({ text }) => text),
          attemptsOf(right.calls, problem, ports.task),
        ),
      );
    const judged = right.attempts.map(({ body, said }) => judgeBody(body, saidOf(said), problem, ports.task));
    return E.right(itemOf(posed, right.texts, judged.length === 0 ? [unreadable] : judged));
  });
  const faults = all.flatMap((one) => (one !== undefined && E.isLeft(one) ? [one] : []));
  const fault = faults.find(({ left }) => left.tag !== 'Interrupted') ?? faults[0];
  if (fault !== undefined)
    return fault.left.tag === 'Interrupted' ? E.left({ tag: 'Cancelled', done, total: problems.length }) : fault;
  return E.right(all.flatMap((one) => (one !== undefined && E.isRight(one) ? [one.right] : [])));
};

/**
 * Scores a checkpoint on a problem set: the student answers, judges itself and updates until it stops, and the last
 * answer counts (TriPosT §5). The event holds every item. An evaluation that is on the ledger is not made again.
 */
export const evaluate = async (
  problems: readonly ProblemPosed[],
  settings: EvaluateSettings,
  ports: EvaluatePorts,
): Promise<E.Either<EvaluateError, { readonly evaluation: EvaluationRecorded; readonly reused: boolean }>> => {
  const { checkpoint, problemSet, sampling, maxCalls, seed } = settings;
  if (problems.length === 0) return E.left({ tag: 'NoProblems', problemSet });
  const config = {
    sampling: { ...sampling },
    maxCalls,
    seed,
    problems: digestOf(problems.map((problem) => problem.problemId)),
    ...(ports.served?.prompting === undefined ? {} : { prompting: promptingConfig(ports.served.prompting) }),
  };
  const evaluationId = contentId(['evaluation', checkpoint, problemSet, config]);
  const stream = await openStream(ports.log, `evaluation-${evaluationId}`);
  if (E.isLeft(stream)) return stream;
  const known = stream.right.events.find((event) => event.type === 'EvaluationRecorded');
  if (known?.type === 'EvaluationRecorded') return E.right({ evaluation: known.data, reused: true });

  const answered =
    ports.served === undefined
      ? await answerAll(problems, settings, ports)
      : await askAll(problems, { ...settings, evaluationId }, ports, ports.served);
  if (E.isLeft(answered)) return answered;
  const items = [...answered.right];
  const evaluation: EvaluationRecorded = {
    evaluationId,
    checkpoint,
    problemSet,
    config,
    scores: { ...scoresOf(items) },
    items,
  };
  const appended = await stream.right.append([evaluationRecorded.create(evaluation)]);
  return E.isLeft(appended) ? appended : E.right({ evaluation, reused: false });
};
