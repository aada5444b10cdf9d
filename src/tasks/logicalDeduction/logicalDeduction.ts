import { choiceOf } from '../choices';
import { configured } from '../configFields';
import type { Task } from '../task';
import { feedback } from './feedback';
import { cellOf, generate, paragraphOf, readConfig } from './generate';
import { gold, improve } from './improve';
import { injections } from './injections';

/** Logical deduction (BIG-bench; LD in TriPosT, arXiv 2310.13522): the order of 3, 5 or 7 objects from statements. */
export const logicalDeduction: Task = {
  name: 'logical-deduction',
  hint: ' "?" stands for exactly one object, "??" for any number of objects.',
  answerOf: choiceOf,
  isCorrect: (problem, answer) => answer === problem.answer,
  cellOf,
  script: {
    configure: (config) => configured('logical-deduction', () => JSON.parse(JSON.stringify(readConfig(config)))),
    identityOf: paragraphOf,
    generate,
    gold,
    feedback,
    improve,
    injections,
  },
};
