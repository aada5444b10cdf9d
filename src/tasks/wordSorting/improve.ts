import { finalResponse, readAttemptLine } from '../attemptText';
import { improving } from '../improving';
import type { Problem } from '../task';
import { afterStep, dueIn, dueText, initialState, nextId } from './derivation';
import { readList, readStep } from './steps';

/** The lines given, exactly, then the reference solver's lines from where they leave off. */
const continueFrom = (problem: Problem, prefix: readonly string[]): string | undefined => {
  const words = readList(problem.options);
  if (!words) return undefined;
  const lines = [...prefix];
  let state = initialState(words);
  for (const line of prefix) {
    const read = readAttemptLine(line);
    const step = read && readStep(read.text);
    if (!read || !step) return undefined;
    state = afterStep(state, step, read.id);
  }
  // Each pass settles a letter or a conclusion, so the longest word bounds them.
  const most = 10 * (words.length + 1) * (Math.max(...words.map((word) => word.length)) + 2);
  for (let pass = 0; pass < most; pass++) {
    const due = dueIn(state);
    const text = dueText(due);
    if (due.kind === 'final') return [...lines, `(${finalResponse}) ${text}`].join('\n');
    const id = nextId(state);
    const step = readStep(text);
    if (!step) return undefined;
    lines.push(`(${id}) ${text}`);
    state = afterStep(state, step, id);
  }
  return undefined;
};

/** The gold rationale. Throws where the list is missing or has a word twice or with a capital letter. */
export const gold = (problem: Problem): string => {
  const text = continueFrom(problem, []);
  if (text === undefined) throw new Error(`word-sorting: cannot sort "${problem.options ?? ''}"`);
  return text;
};

/** IMP: the lines before the failed step verbatim, then the solver with the prefix's own groups and numbering. */
export const improve = improving(continueFrom);
