import { tasks } from '../tasks';
import type { Problem, Script, Task } from '../tasks/task';

export interface Solved {
  readonly task: Task;
  readonly script: Script;
  readonly problem: Problem;
}

/** A task that can solve the question without being told the answer, with that answer. */
export const solved = (question: string, options: string | null, hint: string): Solved | undefined => {
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
