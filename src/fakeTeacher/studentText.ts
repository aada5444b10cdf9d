import type { Draws } from '../../projections/random';
import { tasks } from '../tasks';
import type { Problem, Script, Task } from '../tasks/task';
import { renderTurn } from '../tasks/trajectoryText';
import { anAnswer } from './protocol';

const form = /^Q: ([^\n]*)\n([\s\S]*?)Answer: Let's think step by step\.([^\n]*)(?:\n([\s\S]*))?$/;

/** A task that can solve the question without being told the answer, with that answer. */
const solved = (
  question: string,
  options: string | null,
  hint: string,
): { readonly task: Task; readonly script: Script; readonly problem: Problem } | undefined => {
  for (const task of tasks.values()) {
    const { script } = task;
    if (script === undefined || task.hint !== hint) continue;
    try {
      const blank = { question, options, answer: '' };
      const answer = task.answerOf(script.gold(blank));
      if (answer === undefined) continue;
      const problem = { question, options, answer };
      if (script.feedback(problem, script.gold(problem)).verdict === 'correct') return { task, script, problem };
    } catch {
      // A question of another task: its script cannot read it.
    }
  }
  return undefined;
};

/** An answer's own feedback, and an update where it is wrong. */
const judged = ({ task, script, problem }: NonNullable<ReturnType<typeof solved>>, attempt: string): string => {
  const verdict = script.feedback(problem, attempt);
  const said = renderTurn('feedback', verdict.text, '');
  const better = verdict.verdict === 'incorrect' ? script.improve(problem, attempt, verdict) : undefined;
  return better === undefined ? said : `${said}${renderTurn('improvement', better, task.hint)}`;
};

/**
 * What a well-trained student would go on with behind a student's prompt (src/tasks/trajectoryText.ts): an answer, right or
 * wrong, its feedback, and an update where it is wrong; behind a prompt that ends with an answer, feedback and update.
 * Undefined where the prompt is of another form, or of a question that no task's script can solve.
 */
export const studentText = (prompt: string, drawn: Draws): string | undefined => {
  const [, question, lines = '', hint = '', attempt] = form.exec(prompt) ?? [];
  if (question === undefined) return undefined;
  const found = solved(question, lines === '' ? null : lines.replace(/\n$/, ''), hint);
  if (found === undefined) return undefined;
  if (attempt !== undefined && attempt !== '') return judged(found, attempt);
  const answer = anAnswer(found.script, found.problem, drawn);
  return `${renderTurn('attempt', answer, '')}${judged(found, answer)}`;
};
