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
import { roll, type Call, type Rollout } from '../collect/rollout';
import { openStream } from '../ledger/openStream';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { LanguageModel, ModelError } from '../ports/languageModel';
import { parseFeedback } from '../tasks/feedbackText';
import type { Problem, Task } from '../tasks/task';
import type { Turn } from '../tasks/trajectoryText';

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
  readonly task: Task;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export type EvaluateError =
  | ModelError
  | AppendError
  | DecodeError
  | { readonly tag: 'NoProblems'; readonly problemSet: string }
  | { readonly tag: 'Cancelled'; readonly done: number; readonly total: number };

const judge = (turn: Turn, feedback: Turn | undefined, problem: Problem, task: Task): JudgedAttempt => {
  const answer = task.answerOf(turn.body) ?? null;
  const own = feedback === undefined ? undefined : parseFeedback(feedback.body);
  const script = task.script?.feedback(problem, turn.body);
  return {
    answer,
    correct: answer !== null && task.isCorrect(problem, answer),
    own:
      own === undefined
        ? null
        : own.kind === 'unreadable'
          ? { verdict: 'error', step: null }
          : { verdict: own.kind, step: own.kind === 'incorrect' ? own.step : null },
    script:
      script === undefined
        ? null
        : { verdict: script.verdict, step: script.verdict === 'incorrect' ? script.step : null },
  };
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
  };
  const evaluationId = contentId(['evaluation', checkpoint, problemSet, config]);
  const stream = await openStream(ports.log, `evaluation-${evaluationId}`);
  if (E.isLeft(stream)) return stream;
  const known = stream.right.events.find((event) => event.type === 'EvaluationRecorded');
  if (known?.type === 'EvaluationRecorded') return E.right({ evaluation: known.data, reused: true });

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
  const items: EvaluationItem[] = problems.map((problem, i) => {
    const calls = rollouts[i]?.calls ?? [];
    const attempts = [...attemptsOf(calls, problemOf(problem), ports.task)];
    return {
      problemId: problem.problemId,
      cell: problem.cell,
      seen: problem.seen,
      texts: calls.map((call) => call.text),
      attempts,
    };
  });
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
