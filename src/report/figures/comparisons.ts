import { indexOf } from '../cells';
import type { Figure, FigureOf } from '../figure';
import { h } from '../markup';
import { plain, points, probability, signedPoints } from '../numbers';
import { iterationName, type ReportTable } from '../reportTable';
import { rowChart } from '../rowChart';
import { marker, seriesClass } from '../series';

const tablesOf = (report: Parameters<FigureOf>[0]['report']): readonly ReportTable[] => {
  const smallest = Math.min(...report.comparisons.map(({ overSeeds }) => overSeeds.smallest));
  const level = report.comparisons[0]?.interval.level ?? 0.95;
  return [
    {
      id: 'comparisons',
      title: `Against ${report.baseline}`,
      notes: [
        `Points of per cent. Intervals (${plain(100 * level)}%): seeds and items both drawn anew (pigeonhole bootstrap).`,
        `p items: other test problems, these students. p seeds: other seeds; no smaller than ${probability(smallest)} with these. Sign-flip tests, both adjusted for ${report.comparisons.length} comparisons (Holm).`,
      ],
      labels: 2,
      head: [
        'arm',
        'metric',
        'iteration',
        'seeds',
        'items',
        'baseline %',
        'arm %',
        'difference',
        'interval',
        "Cohen's h",
        'p items',
        'p seeds',
      ],
      rows: report.comparisons.map((one) => [
        one.arm,
        one.metric,
        iterationName(one.iteration),
        String(one.seeds),
        String(one.items),
        points(one.baseline),
        points(one.other),
        signedPoints(one.difference),
        `${points(one.interval.low)} to ${points(one.interval.high)}`,
        one.effect.toFixed(2),
        probability(one.adjusted.overItems),
        probability(one.adjusted.overSeeds),
      ]),
    },
    {
      id: 'comparisons-by-seed',
      title: `Against ${report.baseline}, seed by seed`,
      notes: [
        "Lost: items that the baseline has and the arm has not; won: the other way round. McNemar's exact test of one seed, not adjusted.",
      ],
      labels: 3,
      head: ['arm', 'metric', 'seed', 'difference', 'lost', 'won', 'p'],
      rows: report.comparisons.flatMap((one) =>
        one.perSeed.map((seed) => [
          one.arm,
          one.metric,
          String(seed.seed),
          signedPoints(seed.difference),
          String(seed.lost),
          String(seed.won),
          probability(seed.p),
        ]),
      ),
    },
  ];
};

/** Each arm against the baseline: difference with its interval, and one dot per seed. A picture for each metric. */
export const comparisons: FigureOf = ({ report }): Figure | null => {
  if (report.comparisons.length === 0) return null;
  const metrics = report.metrics.filter((metric) => report.comparisons.some((one) => one.metric === metric));
  return {
    id: 'comparisons',
    title: `Differences against ${report.baseline}`,
    text: 'Shapes are mean differences over seeds, bars their intervals over new seeds and new test problems, small rings single seeds. An interval that crosses zero is no finding.',
    pictures: metrics.flatMap((metric, i) => {
      const own = report.comparisons.filter((one) => one.metric === metric);
      return rowChart({
        id: `comparison-${i}`,
        title: `${metric}: difference against ${report.baseline}`,
        description: `Mean difference of each arm against ${report.baseline} in ${metric}, with its interval and the single seeds. The numbers are in the table below.`,
        label: `${metric}: points of difference`,
        write: signedPoints,
        values: own.flatMap((one) => [
          one.interval.low,
          one.interval.high,
          ...one.perSeed.map((seed) => seed.difference),
        ]),
        wide: true,
        rows: own.map((one) => ({
          label: one.arm,
          draw: (at, y) => {
            const index = indexOf(report, one.arm);
            const [low, high] = [at(one.interval.low).toFixed(2), at(one.interval.high).toFixed(2)];
            return [
              h('path', {
                class: `deviation ${seriesClass(index)}`,
                d: `M${low},${y}H${high}M${low},${y - 5}V${y + 5}M${high},${y - 5}V${y + 5}`,
              }),
              one.perSeed.map(({ seed, difference }) =>
                h(
                  'circle',
                  { class: `seed ${seriesClass(index)}`, cx: at(difference), cy: y + 9, r: 2.6 },
                  h('title', {}, `${one.arm}, seed ${seed}: ${signedPoints(difference)}`),
                ),
              ),
              marker(
                index,
                at(one.difference),
                y,
                `${one.arm}: ${signedPoints(one.difference)}, ${points(one.interval.low)} to ${points(one.interval.high)}`,
              ),
            ];
          },
        })),
      });
    }),
    legend: null,
    tables: tablesOf(report),
  };
};
