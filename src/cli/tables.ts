import Table from 'cli-table3';
import type { IterationSummary } from '../run/runContext';

export const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '-' : `${(100 * value).toFixed(1)}%`;

/** A table with one line a row and no colours of its own. */
export const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string => {
  const made = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
};

/** One row per iteration: what the paper's tables show. */
export const iterationTable = (iterations: readonly IterationSummary[]): string =>
  table(
    ['iteration', 'seen', 'unseen', 'total', 'directly correct', 'SI frequency', 'SI contribution', 'rows'],
    iterations.map(({ iteration, rows, evaluation: { scores } }) => [
      iteration === 0 ? 'base' : iteration,
      percent(scores['accuracy.seen']),
      percent(scores['accuracy.unseen']),
      percent(scores['accuracy.total']),
      percent(scores['directlyCorrect.total']),
      percent(scores['siFrequency.total']),
      percent(scores['siContribution.total']),
      iteration === 0 ? '-' : rows,
    ]),
  );
