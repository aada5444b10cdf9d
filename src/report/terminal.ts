import type { ReportDocument } from '../../projections/ablation/reportDocument';
import { byIteration } from './figures/byIteration';
import { comparisons } from './figures/comparisons';
import { figuresOf } from './figures/all';
import { headOf, missingText } from './heading';
import type { ReportTable } from './reportTable';

/** Draws a grid for a terminal: a line a row. */
export type Grid = (head: readonly string[], rows: readonly (readonly string[])[]) => string;

const short = (table: ReportTable, grid: Grid): string => [grid(table.head, table.rows), ...table.notes].join('\n');

/** What `ablate` ends with: scores by iteration, then each arm against the baseline. */
export const summary = (document: ReportDocument, grid: Grid): string =>
  [
    ...[byIteration(document), comparisons(document)].flatMap((figure) => {
      const [table] = figure?.tables ?? [];
      return table === undefined ? [] : [short(table, grid)];
    }),
    ...missingText(document.report),
  ].join('\n');

/** The tables that a terminal is too narrow for, or that are too long for one. */
const leftOut = new Set(['curves', 'provenance']);

/** The report for a terminal. */
export const terminal = (document: ReportDocument, grid: Grid): string => {
  const tables = figuresOf(document)
    .flatMap((figure) => figure.tables)
    .filter(({ id }) => !leftOut.has(id));
  const head = headOf(document).map(([name, value]) => `${name.padEnd(12)}${value}`);
  return [
    ...head,
    ...tables.map((table) => `\n${table.title}\n${short(table, grid)}`),
    ...missingText(document.report),
    '',
  ].join('\n');
};
