import {
  spreadOf,
  type AblationReport,
  type CellIteration,
  type ReportCell,
  type Spread,
} from '../../projections/ablation/report';

export const indexOf = ({ arms }: AblationReport, arm: string): number => arms.indexOf(arm);

/** The cells of an arm, by seed. */
export const cellsOf = ({ cells }: AblationReport, arm: string): readonly ReportCell[] =>
  cells.filter((cell) => cell.arm === arm).sort((a, b) => a.seed - b.seed);

/** How many iterations of an arm any seed has, the base among them. */
export const iterationsOf = (report: AblationReport, arm: string): number =>
  Math.max(0, ...cellsOf(report, arm).map(({ iterations }) => iterations.length));

export interface SeedValue {
  readonly seed: number;
  readonly value: number;
}

/** What one iteration of an arm has under each seed, where it has it. */
export const seedValues = (
  report: AblationReport,
  arm: string,
  iteration: number,
  valueOf: (of: CellIteration) => number | null | undefined,
): readonly SeedValue[] =>
  cellsOf(report, arm).flatMap(({ seed, iterations }) => {
    const of = iterations[iteration];
    const value = of === undefined ? null : (valueOf(of) ?? null);
    return value === null ? [] : [{ seed, value }];
  });

export const spreadOfSeeds = (values: readonly SeedValue[]): Spread | null =>
  spreadOf(values.map(({ value }) => value));

/** The seeds behind a table row: `1 2 3`. */
export const seedNames = (values: readonly SeedValue[]): string => values.map(({ seed }) => seed).join(' ');

/** The last iteration of an arm, where any seed has finished; null where none has: what is half done is not held against the rest. */
export const lastIteration = (report: AblationReport, arm: string): number | null => {
  const whole = cellsOf(report, arm).filter((cell) => cell.whole);
  return whole.length === 0 ? null : Math.max(...whole.map(({ iterations }) => iterations.length)) - 1;
};
