import * as E from 'fp-ts/Either';
import type { ProblemPosed } from '../../events/problemPosed';
import type { ModelError } from '../ports/languageModel';
import { splitAttempt } from '../tasks/attemptText';
import { renderCorrect, unjudged } from '../tasks/feedbackText';
import type { Problem, Task, Verdict } from '../tasks/task';
import type { Editor } from './editor';
import type { Call } from './rollout';
import { decide, nextOf, type Memory } from './trajectory';
import {
  startTrajectory,
  type Command,
  type EditOptions,
  type TrajectoryFact,
  type TrajectoryIdentity,
} from './trajectoryState';

/** A right answer as the original code sees it: the answer is gold, whatever the steps say. */
const byAnswer = (body: string): Verdict => {
  const split = splitAttempt(body);
  return { verdict: 'correct', text: renderCorrect(split.ok ? split.steps.map((step) => step.id) : []) };
};

/** What a trajectory is edited under. */
export interface EditSettings {
  readonly edit: EditOptions;
  /**
   * When an answer counts as right. `fbk` (the paper): FBK finds no wrong step. `answer-match` (the code): the final
   * answer is gold, FBK is not asked.
   */
  readonly rightAnswer: 'fbk' | 'answer-match';
}

/** A trajectory whose calls are over. */
export interface Rolled {
  readonly identity: TrajectoryIdentity;
  readonly problem: ProblemPosed;
  readonly generations: readonly { readonly call: Call; readonly generationId: string }[];
}

/** Asks FBK and IMP until the trajectory closes; the facts of it, in order. */
export const editTrajectory = async (
  one: Rolled,
  settings: EditSettings,
  { editor, task }: { readonly editor: Editor; readonly task: Task },
): Promise<E.Either<ModelError, readonly TrajectoryFact[]>> => {
  const problem: Problem = { question: one.problem.question, options: one.problem.options, answer: one.problem.answer };
  const facts: TrajectoryFact[] = [];
  let memory: Memory = { state: startTrajectory(one.generations), before: undefined };
  for (;;) {
    const next = nextOf(memory.state);
    if (next.need === 'nothing') return E.right(facts);
    if (next.need === 'improve') {
      const body = await editor.improve(problem, next.body, next.verdict)();
      if (E.isLeft(body)) return body;
      memory = apply(one, settings, memory, { type: 'Improve', body: body.right, author: editor.author }, facts);
      continue;
    }
    const answer = task.answerOf(next.body) ?? null;
    const answerCorrect = answer !== null && task.isCorrect(problem, answer);
    const trusted = settings.rightAnswer === 'answer-match' && answerCorrect;
    const known = trusted
      ? byAnswer(next.body)
      : next.body === ''
        ? unjudged('no-attempt', 'there is no attempt')
        : undefined;
    const verdict = known === undefined ? await editor.feedback(problem, next.body)() : E.right(known);
    if (E.isLeft(verdict)) return verdict;
    memory = apply(
      one,
      settings,
      memory,
      { type: 'Judge', verdict: verdict.right, answer, answerCorrect, author: editor.author },
      facts,
    );
  }
};

const apply = (
  one: Rolled,
  settings: EditSettings,
  memory: Memory,
  command: Command,
  facts: TrajectoryFact[],
): Memory => {
  const decided = decide(one.identity, settings.edit, memory, command);
  if (E.isLeft(decided))
    throw new Error(
      `${one.identity.trajectoryId}: ${decided.left.command} came when the need was ${decided.left.need}`,
    );
  facts.push(...decided.right.facts);
  return decided.right.memory;
};
