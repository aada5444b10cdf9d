import { finalResponse, readAttemptLine } from '../attemptText';
import { improving } from '../improving';
import type { Problem } from '../task';
import { readProblem } from './feedback';
import { afterStep, dueSteps, initialState } from './solution';
import { readStep } from './steps';

/** The lines given, exactly, then the reference solver's lines from where they leave off, numbered on from them. */
const continueFrom = (problem: Problem, prefix: readonly string[]): string | undefined => {
  const known = readProblem(problem);
  if (!known.ok) return undefined;
  let state = initialState;
  let id = 0;
  for (const line of prefix) {
    const read = readAttemptLine(line);
    const step = read && readStep(read.text, known.question);
    if (!read || !step) return undefined;
    state = afterStep(state, step);
    id = Number(read.id);
  }
  const steps = dueSteps(state, known.question).map((text, i) => `(${id + 1 + i}) ${text}`);
  return [...prefix, ...steps, `(${finalResponse}) So the answer is (${known.letter}).`].join('\n');
};

/** The gold rationale. Throws where the question is in no readable form or its answer is not what it asks for. */
export const gold = (problem: Problem): string => {
  const text = continueFrom(problem, []);
  if (text === undefined) throw new Error(`date-understanding: cannot answer "${problem.question}"`);
  return text;
};

/** IMP: the lines before the failed step verbatim, then the solver from what they have settled. */
export const improve = improving(continueFrom);
