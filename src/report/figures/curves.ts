import type { CurvePoint } from '../../../projections/ablation/experiments';
import type { AblationReport } from '../../../projections/ablation/report';
import { meanOf } from '../../../projections/statistics/paired';
import { cellsOf, indexOf, iterationsOf } from '../cells';
import type { FigureOf } from '../figure';
import { lineChart, type Line } from '../lineChart';
import { iterationName } from '../reportTable';
import { legend } from '../series';

/** A picture has at most so many points a training; a longer curve is thinned to means of equally many steps. */
export const mostPoints = 40;

/** The order in which a row has them. */
const sectionOrder = ['loss', 'prompt', 'attempt', 'feedback', 'improvement'];

export interface ThinnedPoint {
  /** The first and last step that it is the mean of. */
  readonly from: number;
  readonly to: number;
  readonly value: number;
}

/** A curve in at most `mostPoints` means over consecutive steps, as many in each but the last. Steps without a value are left out. */
export const thinned = (
  curve: readonly CurvePoint[],
  valueOf: (point: CurvePoint) => number | undefined,
): readonly ThinnedPoint[] => {
  const size = Math.max(1, Math.ceil(curve.length / mostPoints));
  return Array.from({ length: Math.ceil(curve.length / size) }, (_, i) =>
    curve.slice(i * size, (i + 1) * size),
  ).flatMap((part) => {
    const values = part.flatMap((point) => valueOf(point) ?? []);
    const [first, last] = [part[0], part.at(-1)];
    return values.length === 0 || first === undefined || last === undefined
      ? []
      : [{ from: first.step, to: last.step, value: meanOf(values) }];
  });
};

const valueIn =
  (section: string) =>
  (point: CurvePoint): number | undefined =>
    section === 'loss' ? point.loss : point.sections[section];

/** Mean over an arm's seeds of the thinned curves of one iteration; a part counts where all seeds with a curve have it. */
const armCurve = (report: AblationReport, arm: string, iteration: number, section: string): readonly ThinnedPoint[] => {
  const curves = cellsOf(report, arm)
    .map(({ iterations }) => thinned(iterations[iteration]?.curve ?? [], valueIn(section)))
    .filter((curve) => curve.length > 0);
  const [first = []] = curves;
  return first.flatMap(({ from, to }) => {
    const values = curves.flatMap(
      (curve) => curve.find((point) => point.from === from && point.to === to)?.value ?? [],
    );
    return values.length === curves.length ? [{ from, to, value: meanOf(values) }] : [];
  });
};

/** Loss while training, by section of a row. Iterations follow each other from left to right. */
export const curves: FigureOf = ({ report }) => {
  const all = report.cells.flatMap(({ iterations }) => iterations.flatMap(({ curve }) => curve));
  if (all.length === 0) return null;
  const found = [...new Set(all.flatMap((point) => Object.keys(point.sections)))];
  const sections = [
    ...sectionOrder.filter((section) => section === 'loss' || found.includes(section)),
    ...found.filter((section) => !sectionOrder.includes(section)).sort(),
  ];
  const most = Math.max(0, ...report.arms.map((arm) => iterationsOf(report, arm))) - 1;
  const lengths = Array.from({ length: most }, (_, i) =>
    Math.max(0, ...report.cells.flatMap(({ iterations }) => iterations[i + 1]?.curve.at(-1)?.step ?? [])),
  );
  const before = (iteration: number): number => lengths.slice(0, iteration - 1).reduce((sum, n) => sum + n, 0);
  const data = sections.map((section) => ({
    section,
    arms: report.arms.map((arm) => ({
      arm,
      iterations: Array.from({ length: most }, (_, i) => ({
        iteration: i + 1,
        points: armCurve(report, arm, i + 1, section),
      })),
    })),
  }));
  const lines = (arms: (typeof data)[number]['arms']): readonly Line[] =>
    arms.map(({ arm, iterations }) => ({
      name: arm,
      index: indexOf(report, arm),
      points: iterations.flatMap(({ iteration, points }) =>
        points.map(({ from, to, value }) => ({
          x: before(iteration) + (from + to) / 2,
          y: value,
          sd: null,
          seeds: [],
        })),
      ),
    }));
  const title = (section: string): string => (section === 'loss' ? 'weighted loss' : `loss of ${section}`);
  return {
    id: 'curves',
    title: 'Training curves by section',
    text: `Mean over seeds. The weighted loss is what is minimised; the losses by section are nats per token, unweighted. Vertical lines are the ends of iterations. A training of more than ${mostPoints} steps is drawn as at most ${mostPoints} means of equally many steps; the JSON has every step.`,
    pictures: data
      .filter(({ arms }) => lines(arms).some((line) => line.points.length > 0))
      .map(({ section, arms }) =>
        lineChart({
          id: `curve-${section.replaceAll(/[^A-Za-z0-9]/g, '-')}`,
          title: `Training curve: ${title(section)}`,
          description: `The ${title(section)} over optimizer steps, a line for each arm. The numbers are in the table below.`,
          x: { label: 'optimizer step', ticks: null },
          y: { label: title(section), write: (value) => String(value), limits: null },
          lines: lines(arms),
          spread: false,
          borders: lengths.slice(0, -1).map((_, i) => before(i + 2)),
          wide: false,
        }),
      ),
    legend: legend(lines(data[0]?.arms ?? []).filter((line) => line.points.length > 0)),
    tables: [
      {
        id: 'curves',
        title: 'Training curves',
        notes: ['Mean over the steps of a line and over seeds; a dash where no token of the section was trained on.'],
        labels: 3,
        head: ['arm', 'iteration', 'steps', ...sections.map(title)],
        rows: report.arms.flatMap((arm) =>
          Array.from({ length: most }, (_, i) => i + 1).flatMap((iteration) => {
            const of = data.map(
              ({ arms }) => arms.find((one) => one.arm === arm)?.iterations[iteration - 1]?.points ?? [],
            );
            return (of[0] ?? []).map(({ from, to }) => [
              arm,
              iterationName(iteration),
              from === to ? String(from) : `${from} to ${to}`,
              ...of.map(
                (points) => points.find((point) => point.from === from && point.to === to)?.value.toFixed(4) ?? '-',
              ),
            ]);
          }),
        ),
      },
    ],
  };
};
