import { answerText } from '../attemptText';
import { configured } from '../configFields';
import type { Task } from '../task';
import { feedback } from './feedback';
import { cellOfExpression, generate, readConfig } from './generate';
import { gold, improve } from './improve';
import { injections } from './injections';
import { readQuestion } from './steps';

/** Multistep arithmetic (BIG-bench; MSA in TriPosT, arXiv 2310.13522): nested sums and products of small integers. */
export const multistepArithmetic: Task = {
  name: 'multistep-arithmetic',
  hint: ' Work out the brackets first, then multiplications, then additions and subtractions from left to right.',
  answerOf: (attempt) => {
    const text = answerText(attempt);
    return text !== undefined && /^-?\d{1,15}(\.\d{1,9})?$/.test(text) ? String(Number(text) + 0) : undefined;
  },
  isCorrect: (problem, answer) => /^-?\d+(\.\d+)?$/.test(answer) && Number(answer) === Number(problem.answer),
  cellOf: (problem) => {
    const parsed = readQuestion(problem.question);
    return parsed.ok ? cellOfExpression(parsed.expression) : { name: 'other', seen: false };
  },
  script: {
    configure: (config) => configured('multistep-arithmetic', () => JSON.parse(JSON.stringify(readConfig(config)))),
    generate,
    gold,
    feedback,
    improve,
    injections,
  },
};
