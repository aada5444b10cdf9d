import type { Problem, Script, Task } from '../tasks/task';
import { splitAttempt } from '../tasks/attemptText';
import { renderPrompt } from '../tasks/trajectoryText';
import { filled, type PromptDocument, type PromptKind } from './promptDocument';
import { renderFinding } from './replies';

export interface Example {
  /** The problem that it is about; null where a file gives the example. */
  readonly question: string | null;
  readonly user: string;
  readonly assistant: string;
}

/** Problems of examples have a seed of their own: far from those that sets are posed with. */
const exampleSeed = 0x7e57;

/** A problem as every prompt shows it. */
export const shownProblem = (problem: Problem, task: Task): string => renderPrompt(problem, task);

const wrongAttempt = (script: Script, problem: Problem, at: number): string | undefined => {
  const wrong = script
    .injections(problem)
    .filter(({ attempt }) => script.feedback(problem, attempt).verdict === 'incorrect');
  return wrong[(at * 5) % Math.max(1, wrong.length)]?.attempt;
};

const textsOf = (
  kind: PromptKind,
  script: Script,
  problem: Problem,
  at: number,
): { readonly values: Readonly<Record<string, string>>; readonly assistant: string } | undefined => {
  if (kind === 'rationale') return { values: {}, assistant: script.gold(problem) };
  if (kind === 'hinted') return { values: { answer: problem.answer }, assistant: script.gold(problem) };
  // The third example of feedback is one in which nothing is wrong.
  const attempt = kind === 'feedback' && at % 3 === 2 ? script.gold(problem) : wrongAttempt(script, problem, at);
  if (attempt === undefined) return undefined;
  const verdict = script.feedback(problem, attempt);
  if (kind === 'feedback') {
    const said = renderFinding(verdict);
    return said === undefined ? undefined : { values: { attempt }, assistant: said };
  }
  const update = script.improve(problem, attempt, verdict);
  if (update === undefined || !splitAttempt(update).ok) return undefined;
  return { values: { attempt, feedback: verdict.text }, assistant: update };
};

/**
 * Examples by the task's own script: problems that it draws, answers with an error put in, its findings and updates. One
 * more than wanted, so that none need be about the problem that is asked. The same code gives the same ones.
 */
export const scriptedExamples = (task: Task, document: PromptDocument, count: number): readonly Example[] => {
  const { script } = task;
  if (script === undefined) return [];
  const configured = script.configure({});
  if (!configured.ok) return [];
  const made: Example[] = [];
  const seen = new Set<string>();
  for (let index = 0; made.length <= count && index < 20 * (count + 1); index++) {
    const problem = script.generate(configured.config, exampleSeed, 'seen', index);
    const shown = shownProblem(problem, task);
    const texts = seen.has(shown) ? undefined : textsOf(document.kind, script, problem, made.length);
    if (texts === undefined) continue;
    seen.add(shown);
    const user = filled(document.user, { problem: shown, ...texts.values });
    made.push({ question: shown, user, assistant: texts.assistant });
  }
  return made;
};
