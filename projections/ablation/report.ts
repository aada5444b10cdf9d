import { byText } from '../projection';
import type { ScoreName, Scores } from '../scoreboard';
import { metrics, parts } from '../scoreboard';
import { adjusted, compareArms, type Comparison } from '../statistics/compare';
import { meanOf, type PairedSeed } from '../statistics/paired';
import {
  iterationKey,
  type CollectionCost,
  type CurvePoint,
  type DerivedCounts,
  type Experiments,
  type ScoredItem,
  type ScoredStudent,
} from './experiments';

/** One iteration of one cell, as far as it has got. Iteration 0 is the base. */
export interface CellIteration {
  readonly iteration: number;
  readonly evaluation: string;
  readonly checkpoint: string;
  readonly scores: Scores;
  /** Share right when only the first k + 1 attempts count, k from 0 (an item keeps its last attempt). */
  readonly byAttempt: readonly number[];
  readonly rows: number | null;
  readonly dataset: string | null;
  readonly derived: DerivedCounts | null;
  readonly cost: CollectionCost | null;
  readonly curve: readonly CurvePoint[];
}

export interface ReportCell {
  readonly arm: string;
  readonly seed: number;
  readonly runId: string;
  /** Whether every iteration of the cell has been scored. */
  readonly whole: boolean;
  readonly iterations: readonly CellIteration[];
}

export interface Spread {
  readonly mean: number;
  /** Standard deviation over seeds (n - 1); null with one seed. */
  readonly sd: number | null;
  readonly values: readonly number[];
}

/** Scores of an arm after one iteration, over its seeds. Null where no seed has a value. */
export interface ArmScores {
  readonly arm: string;
  readonly iteration: number;
  readonly seeds: readonly number[];
  readonly scores: Readonly<Record<string, Spread | null>>;
}

/** One arm against the baseline, in one metric, after the last iteration that both arms have under the same seeds. */
export interface ReportComparison extends Comparison {
  readonly arm: string;
  readonly metric: string;
  readonly iteration: number;
  /** Adjusted for the number of comparisons of the report (Holm). */
  readonly adjusted: { readonly overItems: number; readonly overSeeds: number };
}

export interface AblationReport {
  readonly format: 1;
  readonly ablationId: string;
  readonly name: string;
  readonly baseline: string;
  readonly vary: readonly string[];
  readonly arms: readonly string[];
  readonly seeds: readonly number[];
  readonly metrics: readonly string[];
  readonly cells: readonly ReportCell[];
  readonly byIteration: readonly ArmScores[];
  readonly comparisons: readonly ReportComparison[];
  /** Cells without all of their results. */
  readonly missing: readonly { readonly arm: string; readonly seed: number }[];
}

const isRightAfter = ({ right }: ScoredItem, attempts: number): boolean =>
  right[Math.min(attempts, right.length) - 1] === true;

const byAttempt = (items: readonly ScoredItem[]): readonly number[] => {
  const most = Math.max(1, ...items.map(({ right }) => right.length));
  return Array.from({ length: most }, (_, k) => meanOf(items.map((item) => Number(isRightAfter(item, k + 1)))));
};

/** What one item counts in a metric, 0 or 1; undefined where the metric is no share of items. */
const itemValue: Readonly<Record<string, (item: ScoredItem) => boolean>> = {
  accuracy: (item) => isRightAfter(item, item.right.length),
  directlyCorrect: ({ right }) => right.length === 1 && right[0] === true,
  siFrequency: ({ right }) => right.length > 1,
  siContribution: ({ right }) => right.length > 1 && right.at(-1) === true,
  siContributionStrict: ({ right }) => right.length > 1 && right[0] === false && right.at(-1) === true,
  firstCorrect: ({ right }) => right[0] === true,
};

/** The metrics that can be compared item by item. */
export const comparableMetrics: readonly string[] = Object.keys(itemValue).flatMap((metric) =>
  parts.map((part) => `${metric}.${part}`),
);

const valuesOf = (student: ScoredStudent, metric: string): readonly number[] => {
  const [name = '', part = 'total'] = metric.split('.');
  const value = itemValue[name];
  if (value === undefined) throw new RangeError(`${metric} is no share of items: it cannot be compared item by item`);
  return student.items
    .filter(({ seen }) => part === 'total' || seen === (part === 'seen'))
    .map((item) => Number(value(item)));
};

const cellOf = (
  known: Experiments,
  cell: { arm: string; seed: number; runId: string; iterations: number },
): ReportCell => {
  const iterations: CellIteration[] = [];
  for (let iteration = 0; iteration <= cell.iterations; iteration++) {
    const key = iterationKey(cell.runId, iteration);
    const student = known.students.get(known.scored.get(key) ?? '');
    if (student === undefined) break;
    const done = known.completed.get(key);
    const collection = known.collectionOf.get(key);
    iterations.push({
      iteration,
      evaluation: student.evaluationId,
      checkpoint: student.checkpoint,
      scores: student.scores,
      byAttempt: byAttempt(student.items),
      rows: done?.rows ?? null,
      dataset: done?.dataset ?? null,
      derived: done === undefined ? null : (known.derived.get(`${key} ${done.dataset}`) ?? null),
      cost: collection === undefined ? null : (known.costs.get(collection) ?? null),
      curve: done === undefined ? [] : (known.curves.get(done.trainingId) ?? []),
    });
  }
  const { arm, seed, runId } = cell;
  return { arm, seed, runId, whole: iterations.length === cell.iterations + 1, iterations };
};

/** Mean and standard deviation of values over seeds; null where there are none. */
export const spreadOf = (values: readonly number[]): Spread | null => {
  if (values.length === 0) return null;
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null, values };
};

const scoreNames: readonly ScoreName[] = metrics.flatMap((metric) =>
  parts.map((part): ScoreName => `${metric}.${part}`),
);

const armScores = (arm: string, cells: readonly ReportCell[]): readonly ArmScores[] => {
  const own = cells.filter((cell) => cell.arm === arm);
  const most = Math.max(0, ...own.map((cell) => cell.iterations.length));
  return Array.from({ length: most }, (_, iteration): ArmScores => {
    const there = own.filter((cell) => cell.iterations[iteration] !== undefined);
    const scores = scoreNames.map((name) => {
      const values = there.flatMap((cell) => cell.iterations[iteration]?.scores[name] ?? []);
      return [name, spreadOf(values)] as const;
    });
    return { arm, iteration, seeds: there.map((cell) => cell.seed), scores: Object.fromEntries(scores) };
  });
};

/** The pairs of two arms under the seeds that both have finished. */
const pairsOf = (
  known: Experiments,
  baseline: readonly ReportCell[],
  other: readonly ReportCell[],
  metric: string,
): readonly PairedSeed[] =>
  baseline.flatMap((base): readonly PairedSeed[] => {
    const match = other.find((cell) => cell.seed === base.seed);
    if (!base.whole || match?.whole !== true) return [];
    const students = [base, match].map((cell) => known.students.get(cell.iterations.at(-1)?.evaluation ?? ''));
    const [a, b] = students;
    if (a === undefined || b === undefined) return [];
    const same =
      a.items.length === b.items.length && a.items.every((item, i) => item.problemId === b.items[i]?.problemId);
    if (!same) throw new Error(`seed ${base.seed}: ${base.arm} and ${match.arm} were scored on other problems`);
    return [{ seed: base.seed, baseline: valuesOf(a, metric), other: valuesOf(b, metric) }];
  });

/**
 * The report of an ablation: a pure function of the ledger, so that every reader of the same prefix has the same bytes.
 * Draws of the statistics are keyed by ablation, arm and metric.
 */
export const reportOf = (known: Experiments, ablationId: string, wanted: readonly string[]): AblationReport => {
  const started = known.ablations.get(ablationId);
  if (started === undefined) throw new RangeError(`There is no ablation ${ablationId} on this ledger.`);
  const { name, baseline, vary } = started;
  const cells = started.cells.map((cell) => cellOf(known, cell));
  const arms = [...new Set(cells.map((cell) => cell.arm))];
  const of = (arm: string): readonly ReportCell[] => cells.filter((cell) => cell.arm === arm);
  const compared = wanted.flatMap((metric) =>
    arms.flatMap((arm) => {
      if (arm === baseline) return [];
      const pairs = pairsOf(known, of(baseline), of(arm), metric);
      if (pairs.length === 0 || (pairs[0]?.baseline.length ?? 0) === 0) return [];
      const iteration = of(arm)[0]?.iterations.at(-1)?.iteration ?? 0;
      return [{ arm, metric, iteration, ...compareArms(pairs, ['ablation', ablationId, arm, metric]) }];
    }),
  );
  const corrected = adjusted(compared);
  return {
    format: 1,
    ablationId,
    name,
    baseline,
    vary,
    arms,
    seeds: [...new Set(cells.map((cell) => cell.seed))].sort((a, b) => a - b),
    metrics: wanted,
    cells,
    byIteration: arms.flatMap((arm) => armScores(arm, cells)),
    comparisons: compared.map((one, i) => ({ ...one, adjusted: corrected[i] ?? { overItems: 1, overSeeds: 1 } })),
    missing: cells
      .filter((cell) => !cell.whole)
      .map(({ arm, seed }) => ({ arm, seed }))
      .sort((a, b) => byText(a.arm, b.arm) || a.seed - b.seed),
  };
};
