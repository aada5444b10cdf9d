import * as E from 'fp-ts/Either';
import { ablationStarted, type AblationStarted } from '../../events/ablationStarted';
import { contentId } from '../../events/digest';
import { appendOnce } from '../ledger/openStream';
import type { AppendError, EventLog } from '../ports/eventLog';
import { runIdOf } from '../run/beginRun';
import type { RunError, RunInput, RunSummary } from '../run/runContext';
import { differencesBetween, unnamed, type Difference } from './differences';
import { armsOf, cellsOf, matrixJson, variedBy, type Cell, type Matrix } from './matrix';

/** A cell with the run that stands for it. */
export interface PlannedCell {
  readonly cell: Cell;
  readonly input: RunInput;
  readonly runId: string;
}

export type AblateError =
  | RunError
  | AppendError
  /** Two arms differ in more than the settings that may vary. */
  | {
      readonly tag: 'ArmsDiffer';
      readonly baseline: string;
      readonly arm: string;
      readonly vary: readonly string[];
      readonly differences: readonly Difference[];
    }
  /** Two arms are the same run: nothing would be compared. */
  | { readonly tag: 'ArmsAlike'; readonly baseline: string; readonly arm: string };

export interface Ablation {
  readonly started: AblationStarted;
  readonly cells: readonly PlannedCell[];
}

/**
 * Plans a comparison: makes every cell's run and refuses arms that differ in anything but the named settings, or in
 * nothing. `load` puts settings over the matrix's config and reads what it names.
 */
export const planAblation = (matrix: Matrix, load: (cell: Cell) => RunInput): E.Either<AblateError, Ablation> => {
  const cells = cellsOf(matrix).map((cell): PlannedCell => {
    const input = load(cell);
    return { cell, input, runId: runIdOf(input) };
  });
  const arms = armsOf(matrix);
  const baseline = matrix.baseline ?? arms[0]?.name ?? '';
  const vary = variedBy(matrix);
  for (const one of cells) {
    const { arm, seed } = one.cell;
    const base = cells.find((other) => other.cell.seed === seed && other.cell.arm.name === baseline);
    if (base === undefined || base === one) continue;
    const differences = differencesBetween(base.input, one.input);
    if (differences.length === 0) return E.left({ tag: 'ArmsAlike', baseline, arm: arm.name });
    const other = unnamed(differences, vary);
    if (other.length > 0) return E.left({ tag: 'ArmsDiffer', baseline, arm: arm.name, vary, differences: other });
  }
  const named = cells.map(({ cell, input, runId }) => ({
    arm: cell.arm.name,
    seed: cell.seed,
    runId,
    iterations: input.config.iterations,
  }));
  const document = matrixJson(matrix);
  const ablationId = contentId(['ablation', document, named]);
  const { name } = matrix;
  return E.right({
    started: { ablationId, name, matrix: document, vary: [...vary], baseline, cells: named },
    cells,
  });
};

export interface AblateProgress {
  readonly done: number;
  readonly total: number;
  readonly arm: string;
  readonly seed: number;
}

/** A cell whose policy keeps too little to train on: a result of the arm, no reason to stop the others. */
export interface EmptyCell {
  readonly arm: string;
  readonly seed: number;
  readonly fault: Extract<RunError, { readonly tag: 'TooFewRows' }>;
}

export interface Ablated {
  readonly empty: readonly EmptyCell[];
}

/**
 * Runs every cell, one after the other, on one ledger: what two cells agree in is made once, what is there already is
 * used, so that running it again after any stop is going on. An arm that keeps too few rows is passed over; any other fault
 * ends it, with all before it kept.
 */
export const ablate = async (
  { started, cells }: Ablation,
  log: EventLog,
  run: (cell: PlannedCell) => Promise<E.Either<RunError, RunSummary>>,
  onProgress: (progress: AblateProgress) => void,
): Promise<E.Either<AblateError, Ablated>> => {
  const noted = await appendOnce(log, ablationStarted.stream(started), ablationStarted.create(started));
  return E.isLeft(noted) ? noted : runCells(cells, cells.length, run, onProgress);
};

/** Runs some of an ablation's cells, one after the other. */
export const runCells = async (
  cells: readonly PlannedCell[],
  total: number,
  run: (cell: PlannedCell) => Promise<E.Either<RunError, RunSummary>>,
  onProgress: (progress: AblateProgress) => void,
): Promise<E.Either<RunError, Ablated>> => {
  const empty: EmptyCell[] = [];
  for (const [done, cell] of cells.entries()) {
    onProgress({ done, total, arm: cell.cell.arm.name, seed: cell.cell.seed });
    const summary = await run(cell);
    if (E.isRight(summary)) continue;
    if (summary.left.tag !== 'TooFewRows') return summary;
    empty.push({ arm: cell.cell.arm.name, seed: cell.cell.seed, fault: summary.left });
  }
  return E.right({ empty });
};
