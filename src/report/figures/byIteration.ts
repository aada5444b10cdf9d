import { parts } from '../../../projections/scoreboard';
import { indexOf, iterationsOf, seedValues, spreadOfSeeds } from '../cells';
import type { FigureOf } from '../figure';
import { lineChart, type Line } from '../lineChart';
import { each, points, spreadText } from '../numbers';
import { iterationName, type ReportTable } from '../reportTable';
import { legend } from '../series';

const shown = [
  'accuracy.seen',
  'accuracy.unseen',
  'accuracy.total',
  'directlyCorrect.total',
  'siFrequency.total',
  'siContribution.total',
  'siContributionStrict.total',
] as const;

/** Accuracy after each iteration: of all test problems, of the seen and of the unseen cells. */
export const byIteration: FigureOf = ({ report }) => {
  const names = report.arms.map((name) => ({ name, index: indexOf(report, name) }));
  const rows = report.arms.flatMap((arm) =>
    Array.from({ length: iterationsOf(report, arm) }, (_, iteration) => ({ arm, iteration })),
  );
  if (rows.length === 0) return null;
  const most = Math.max(...rows.map(({ iteration }) => iteration));
  const ticks = Array.from({ length: most + 1 }, (_, at) => ({ at, text: iterationName(at) }));
  const pictures = parts.flatMap((part) => {
    const lines = report.arms.map(
      (name): Line => ({
        name,
        index: indexOf(report, name),
        points: Array.from({ length: iterationsOf(report, name) }, (_, iteration) => {
          const values = seedValues(report, name, iteration, ({ scores }) => scores[`accuracy.${part}`]);
          return { iteration, values, spread: spreadOfSeeds(values) };
        }).flatMap(({ iteration, values, spread }) =>
          spread === null
            ? []
            : [
                {
                  x: iteration,
                  y: spread.mean,
                  sd: spread.sd,
                  seeds: values.map(({ seed, value }) => ({ seed, y: value })),
                },
              ],
        ),
      }),
    );
    if (lines.every((line) => line.points.length === 0)) return [];
    return [
      lineChart({
        id: `by-iteration-${part}`,
        title: `Accuracy by iteration, ${part}`,
        description: `Share of ${part === 'total' ? 'all' : part} test problems whose last answer is right, by iteration, a line for each arm. The numbers are in the table below.`,
        x: { label: 'iteration', ticks },
        y: { label: `% right, ${part}`, write: points, limits: [0, 1] },
        lines,
        spread: true,
        wide: part === 'total',
      }),
    ];
  });
  const table: ReportTable = {
    id: 'scores',
    title: 'Scores by iteration',
    notes: [
      'Per cent of the test problems, mean ± standard deviation over seeds; iteration base is the student before the first.',
    ],
    labels: 2,
    head: [
      'arm',
      'iteration',
      'seeds',
      'seen',
      'unseen',
      'total',
      'directly correct',
      'SI frequency',
      'SI contribution',
      'of those from wrong',
      'total by seed',
    ],
    rows: report.byIteration.map(({ arm, iteration, seeds, scores }) => [
      arm,
      iterationName(iteration),
      seeds.join(' '),
      ...shown.map((name) => spreadText(scores[name])),
      each(
        seedValues(report, arm, iteration, (of) => of.scores['accuracy.total']).map(({ value }) => value),
        points,
      ),
    ]),
  };
  return {
    id: 'by-iteration',
    title: 'Accuracy by iteration',
    text: 'Shapes are means over seeds, bars one standard deviation to each side, small rings single seeds.',
    pictures,
    legend: legend(names.filter(({ name }) => iterationsOf(report, name) > 0)),
    tables: [table],
  };
};
