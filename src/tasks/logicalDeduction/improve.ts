import { finalResponse, readAttemptLine } from '../attemptText';
import { improving } from '../improving';
import type { Problem } from '../task';
import { readJudgeable, setOfStep } from './feedback';
import { afterStep, dueSteps, finalText, initialState } from './solution';
import { readStep } from './steps';

/** The lines given, exactly, then the reference solver's lines from where they leave off, numbered on from them. */
const continueFrom = (problem: Problem, prefix: readonly string[]): string | undefined => {
  const known = readJudgeable(problem);
  if (!known.ok) return undefined;
  const { paragraph } = known;
  let state = initialState;
  let id = 0;
  for (const line of prefix) {
    const read = readAttemptLine(line);
    const step = read && readStep(read.text, paragraph);
    if (!read || !step) return undefined;
    state = afterStep(state, step, read.id, setOfStep(step, state, paragraph), paragraph);
    id = Number(read.id);
  }
  const steps = dueSteps(state, paragraph, id);
  return (
    steps &&
    [
      ...prefix,
      ...steps.map((text, i) => `(${id + 1 + i}) ${text}`),
      `(${finalResponse}) ${finalText(paragraph)}`,
    ].join('\n')
  );
};

/** The gold rationale. Throws where the paragraph is in no readable form or its answer is not what it says. */
export const gold = (problem: Problem): string => {
  const text = continueFrom(problem, []);
  if (text === undefined) throw new Error(`logical-deduction: cannot order "${problem.question}"`);
  return text;
};

/** IMP: the lines before the failed step verbatim, then the solver from what they have settled. */
export const improve = improving(continueFrom);
