import * as E from 'fp-ts/Either';
import type { ProblemPosed } from '../../events/problemPosed';
import type { Author } from '../../events/codecs';
import { splitAttempt } from '../tasks/attemptText';
import { renderCorrect, unjudged } from '../tasks/feedbackText';
import type { Problem, Task, Verdict } from '../tasks/task';
import type { CallerError, TrajectoryCalls } from './caller';
import type { Editor, RefusedText } from './editor';
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

/** A trajectory whose student's calls are over. */
export interface Rolled {
  readonly identity: TrajectoryIdentity;
  readonly problem: ProblemPosed;
  readonly generations: readonly { readonly call: Call; readonly generationId: string }[];
  readonly seed: number;
  /** The calls that FBK and IMP make. */
  readonly calls: TrajectoryCalls;
}

/** Replies of FBK or IMP that were not let in, as facts. */
const refusals = (
  { identity: { trajectoryId } }: Rolled,
  round: number,
  turn: 'feedback' | 'improvement',
  author: Author,
  refused: readonly RefusedText[],
): readonly TrajectoryFact[] =>
  refused.map((reply) => ({ type: 'TurnRefused', data: { trajectoryId, round, turn, author, ...reply } }));

/** Asks FBK and IMP until the trajectory closes; the facts of it, in order. */
export const editTrajectory = async (
  one: Rolled,
  settings: EditSettings,
  { editor, task }: { readonly editor: Editor; readonly task: Task },
): Promise<E.Either<CallerError, readonly TrajectoryFact[]>> => {
  const problem: Problem = { question: one.problem.question, options: one.problem.options, answer: one.problem.answer };
  const facts: TrajectoryFact[] = [];
  const { author } = editor;
  const { seed, calls } = one;
  const { pass } = one.identity;
  let memory: Memory = { state: startTrajectory(one.generations), before: undefined };
  for (;;) {
    const next = nextOf(memory.state);
    if (next.need === 'nothing') return E.right(facts);
    const { round } = memory.state;
    const answer = task.answerOf(next.body) ?? null;
    const answerCorrect = answer !== null && task.isCorrect(problem, answer);
    const turn = { round, pass, seed, answerCorrect, calls };
    if (next.need === 'improve') {
      const said = await editor.improve(problem, next.body, next.verdict, turn)();
      if (E.isLeft(said)) return said;
      const { value, generationId, refused } = said.right;
      facts.push(...refusals(one, round, 'improvement', author, refused));
      memory = apply(one, settings, memory, { type: 'Improve', ...value, author, generationId }, facts);
      continue;
    }
    const trusted = settings.rightAnswer === 'answer-match' && answerCorrect;
    const known = trusted
      ? byAnswer(next.body)
      : next.body === ''
        ? unjudged('no-attempt', 'there is no attempt')
        : undefined;
    const said =
      known === undefined
        ? await editor.feedback(problem, next.body, turn)()
        : E.right({ value: known, generationId: null, refused: [] });
    if (E.isLeft(said)) return said;
    const { value: verdict, generationId, refused } = said.right;
    facts.push(...refusals(one, round, 'feedback', author, refused));
    memory = apply(
      one,
      settings,
      memory,
      { type: 'Judge', verdict, answer, answerCorrect, author, generationId },
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
