import { choiceOf } from '../choices';
import { configured } from '../configFields';
import type { Task } from '../task';
import { feedback } from './feedback';
import { cellOf, factsOf, generate, readConfig } from './generate';
import { gold, improve } from './improve';
import { injections } from './injections';

/** Date understanding (BIG-bench; DU in TriPosT, arXiv 2310.13522): which date a text asks for, out of a few options. */
export const dateUnderstanding: Task = {
  name: 'date-understanding',
  hint: '',
  answerOf: choiceOf,
  isCorrect: (problem, answer) => answer === problem.answer,
  cellOf,
  script: {
    configure: (config) => configured('date-understanding', () => JSON.parse(JSON.stringify(readConfig(config)))),
    identityOf: factsOf,
    generate,
    gold,
    feedback,
    improve,
    injections,
  },
};
