import { choiceOf } from './dateUnderstanding';
import type { Task } from './task';

/** Logical deduction: no script; answers are checked by letter. Cells by number of objects. */
export const logicalDeduction: Task = {
  name: 'logical-deduction',
  hint: ' "?" stands for exactly one object, "??" for any number of objects.',
  answerOf: choiceOf,
  isCorrect: (problem, answer) => answer === problem.answer,
  cellOf: (problem) => {
    const objects = (problem.options ?? '').split('\n').filter((line) => /^\([A-Z]\) /.test(line)).length;
    return { name: `${objects} objects`, seen: objects === 3 || objects === 5 };
  },
};
