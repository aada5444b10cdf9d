import { answerText } from '../attemptText';
import { configured } from '../configFields';
import type { Task } from '../task';
import { feedback } from './feedback';
import { cellOf, generate, readConfig } from './generate';
import { gold, improve } from './improve';
import { injections } from './injections';

/** Word sorting (BIG-bench; WS in TriPosT, arXiv 2310.13522): order a list of words letter by letter. */
export const wordSorting: Task = {
  name: 'word-sorting',
  hint: '',
  answerOf: (attempt) => {
    const text = answerText(attempt)?.trim();
    return text === undefined || text === '' ? undefined : text.split(/\s+/).join(' ');
  },
  isCorrect: (problem, answer) => answer === problem.answer,
  cellOf,
  script: {
    configure: (config) => configured('word-sorting', () => JSON.parse(JSON.stringify(readConfig(config)))),
    generate,
    gold,
    feedback,
    improve,
    injections,
  },
};
