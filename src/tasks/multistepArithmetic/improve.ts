import { finalResponse, readAttemptLine } from '../attemptText';
import { evaluate } from '../expression';
import { improving } from '../improving';
import type { Problem } from '../task';
import { afterStep, initialState, solveFrom } from './solution';
import { readQuestion, readStep } from './steps';

/** The lines given, exactly, then the reference solver's lines from where they leave off, numbered on from them. */
const continueFrom = (problem: Problem, prefix: readonly string[]): string | undefined => {
  const parsed = readQuestion(problem.question);
  if (!parsed.ok || !evaluate(parsed.expression).ok) return undefined;
  let state = initialState;
  let id = 0;
  for (const line of prefix) {
    const read = readAttemptLine(line);
    const step = read && readStep(read.text);
    if (!read || !step) return undefined;
    state = afterStep(state, step);
    id = Number(read.id);
  }
  const { steps, final } = solveFrom(state, parsed.expression);
  return [...prefix, ...steps.map((text, i) => `(${id + 1 + i}) ${text}`), `(${finalResponse}) ${final}`].join('\n');
};

/** The gold rationale. Throws where the question has no value. */
export const gold = (problem: Problem): string => {
  const text = continueFrom(problem, []);
  if (text === undefined)
    throw new Error(
      `multistep-arithmetic: the question "${problem.question}" is no expression with a safe integer value`,
    );
  return text;
};

/** IMP: the lines before the failed step verbatim, then the solver with the prefix's own definitions and values. */
export const improve = improving(continueFrom);
