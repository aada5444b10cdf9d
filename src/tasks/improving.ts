import { linesBefore } from './attemptText';
import type { Problem, Script } from './task';

/** IMP: the lines before the failed step verbatim, then what the reference solver continues them with. */
export const improving =
  (continueFrom: (problem: Problem, prefix: readonly string[]) => string | undefined): Script['improve'] =>
  (problem, attempt, verdict) => {
    const prefix = verdict.verdict === 'incorrect' ? linesBefore(attempt, verdict.step) : undefined;
    return prefix && continueFrom(problem, prefix);
  };
