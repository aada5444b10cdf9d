import * as E from 'fp-ts/Either';
import { contentId, digestOf, type Json } from '../../events/digest';
import { problemPosed, type ProblemPosed, type Split } from '../../events/problemPosed';
import type { DecodeError } from '../../events/index';
import { openStream } from '../ledger/openStream';
import type { AppendError, EventLog } from '../ports/eventLog';
import { poseProblems, type Counts } from '../tasks/pose';
import type { GeneratedProblem, Problem, Task } from '../tasks/task';
import { renderPrompt, renderTurn } from '../tasks/trajectoryText';

export type PoseError =
  | { readonly tag: 'CannotPose'; readonly task: string; readonly message: string }
  | AppendError
  | DecodeError;

/** A problem's id: what it asks, nothing else, so the same question is the same problem in every set. */
export const problemIdOf = (task: string, problem: Problem): string =>
  contentId(['problem', task, problem.question, problem.options]);

/** The gold texts of a problem in training form, by the task's own script. */
const goldOf = (task: Task, problem: Problem): Pick<ProblemPosed, 'rationale' | 'closingFeedback'> => {
  if (task.script === undefined || task.script.hasGold?.(problem) === false) {
    return { rationale: null, closingFeedback: null };
  }
  return goldTexts(task, problem, task.script.gold(problem));
};

/** A gold rationale in training form; its closing feedback where the task's verifier accepts it. */
export const goldTexts = (
  task: Task,
  problem: Problem,
  rationale: string,
): { readonly rationale: string; readonly closingFeedback: string | null } => {
  const verdict = task.script?.feedback(problem, rationale);
  return {
    rationale: renderTurn('attempt', rationale, task.hint),
    closingFeedback: verdict?.verdict === 'correct' ? renderTurn('feedback', verdict.text, task.hint) : null,
  };
};

export interface ProblemSource {
  readonly task: Task;
  readonly config: Json;
  readonly seed: number;
  readonly counts: Counts;
  /** How many training problems have a gold rationale; null: all. The others have an answer, and FBK and IMP. */
  readonly gold: number | null;
}

/** The name of a generated set says where it came from: task, and a digest of everything that drew it. */
export const problemSetOf = ({ task, config, seed, counts, gold }: ProblemSource): string =>
  `${task.name}-${digestOf({ task: task.name, config, seed, counts: { ...counts }, gold }).slice(0, 12)}`;

/** Poses a generated problem set on the ledger, once; a set that is there already is read back. */
export const poseSet = async (
  log: EventLog,
  source: ProblemSource,
): Promise<E.Either<PoseError, { readonly set: string; readonly problems: readonly ProblemPosed[] }>> => {
  const { task, config, seed, counts, gold } = source;
  const set = problemSetOf(source);
  const posed = poseProblems(task, config, { seed, counts });
  if (!posed.ok) return E.left({ tag: 'CannotPose', task: task.name, message: posed.message });
  let index = 0;
  const data = (problem: GeneratedProblem, split: Split): ProblemPosed => ({
    problemId: problemIdOf(task.name, problem),
    set,
    task: task.name,
    question: problem.question,
    options: problem.options,
    prompt: renderPrompt(problem, task),
    answer: problem.answer,
    ...(split === 'train' && gold !== null && index >= gold
      ? { rationale: null, closingFeedback: null }
      : goldOf(task, problem)),
    split,
    cell: problem.cell.name,
    seen: problem.cell.seen,
    source: { kind: 'generated', config, seed, index: index++ },
  });
  const { train, testSeen, testUnseen } = posed.problems;
  const problems = [
    ...train.map((problem) => data(problem, 'train')),
    ...[...testSeen, ...testUnseen].map((problem) => data(problem, 'test')),
  ];
  const appended = await appendProblems(log, set, problems);
  return E.isLeft(appended) ? appended : E.right({ set, problems });
};

/** Appends the problems that the set does not hold yet. */
export const appendProblems = async (
  log: EventLog,
  set: string,
  problems: readonly ProblemPosed[],
): Promise<E.Either<AppendError | DecodeError, { readonly added: number; readonly known: number }>> => {
  const stream = await openStream(log, `problems-${set}`);
  if (E.isLeft(stream)) return stream;
  const known = new Set(stream.right.events.map((event) => event.id));
  const fresh = problems.map((problem) => problemPosed.create(problem)).filter((event) => !known.has(event.id));
  const appended = await stream.right.append(fresh);
  return E.isLeft(appended) ? appended : E.right({ added: fresh.length, known: problems.length - fresh.length });
};
