import { answerText } from './attemptText';
import type { Cell, Task } from './task';

/** The letter of an answer such as `(C)`. */
export const choiceOf = (attempt: string): string | undefined =>
  /^\(([A-Z])\)$/.exec(answerText(attempt)?.trim() ?? '')?.[1];

/** The cell by reasoning steps of the gold rationale: 1 or 2 are trained on. */
export const cellBySteps = (steps: number): Cell => ({
  name: steps > 2 ? '3+ steps' : '1-2 steps',
  seen: steps <= 2,
});

/** Date understanding: no script; answers are checked by letter. */
export const dateUnderstanding: Task = {
  name: 'date-understanding',
  hint: '',
  answerOf: choiceOf,
  isCorrect: (problem, answer) => answer === problem.answer,
  // The number of steps is a property of the gold rationale, which a problem does not hold: see cellBySteps.
  cellOf: () => ({ name: 'all', seen: true }),
};
