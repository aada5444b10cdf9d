import { indexOf, lastIteration, seedNames, seedValues, spreadOfSeeds } from '../cells';
import type { FigureOf } from '../figure';
import { lineChart } from '../lineChart';
import { each, points, spreadText } from '../numbers';
import { iterationName } from '../reportTable';
import { legend } from '../series';

/** Accuracy when only the first attempts of each answer count, after the last iteration of each arm. */
export const byAttempt: FigureOf = ({ report }) => {
  const arms = report.arms.filter((arm) => lastIteration(report, arm) !== null);
  const most = Math.max(0, ...report.cells.map(({ iterations }) => iterations.at(-1)?.byAttempt.length ?? 0));
  if (arms.length === 0 || most === 0) return null;
  const rows = arms.flatMap((arm) => {
    const iteration = lastIteration(report, arm) ?? 0;
    return Array.from({ length: most }, (_, attempt) => {
      // An item keeps its last attempt.
      const values = seedValues(report, arm, iteration, (of) => of.byAttempt[attempt] ?? of.byAttempt.at(-1));
      return { arm, iteration, attempt, values, spread: spreadOfSeeds(values) };
    });
  });
  const lines = arms.map((name) => ({
    name,
    index: indexOf(report, name),
    points: rows
      .filter(({ arm }) => arm === name)
      .flatMap(({ attempt, values, spread }) =>
        spread === null
          ? []
          : [
              {
                x: attempt,
                y: spread.mean,
                sd: spread.sd,
                seeds: values.map(({ seed, value }) => ({ seed, y: value })),
              },
            ],
      ),
  }));
  return {
    id: 'by-attempt',
    title: 'Accuracy by attempt',
    text: 'Attempt 0 is the first answer, 1 the first update, and so on; a problem that was not updated keeps its answer. After the last iteration of each arm that has finished.',
    pictures: [
      lineChart({
        id: 'by-attempt-picture',
        title: 'Accuracy by attempt',
        description:
          'Share of test problems that are right when only the first attempts count, a line for each arm. The numbers are in the table below.',
        x: { label: 'attempt', ticks: Array.from({ length: most }, (_, at) => ({ at, text: String(at) })) },
        y: { label: '% right', write: points, limits: [0, 1] },
        lines,
        spread: true,
        wide: true,
      }),
    ],
    legend: legend(lines),
    tables: [
      {
        id: 'by-attempt',
        title: 'Accuracy by attempt',
        notes: ['Per cent of all test problems, mean ± standard deviation over seeds.'],
        labels: 3,
        head: ['arm', 'iteration', 'attempt', 'seeds', 'right', 'by seed'],
        rows: rows.map(({ arm, iteration, attempt, values, spread }) => [
          arm,
          iterationName(iteration),
          String(attempt),
          seedNames(values),
          spreadText(spread),
          each(
            values.map(({ value }) => value),
            points,
          ),
        ]),
      },
    ],
  };
};
