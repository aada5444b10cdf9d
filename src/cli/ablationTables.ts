import type { AblationReport, Spread } from '../../projections/ablation/report';
import { table } from './tables';

const points = (share: number): string => (100 * share).toFixed(1);

/** `56.8 ± 1.9`: per cent, mean and standard deviation over seeds. */
export const spreadText = (spread: Spread | null | undefined): string =>
  spread === null || spread === undefined
    ? '-'
    : `${points(spread.mean)}${spread.sd === null ? '' : ` ± ${points(spread.sd)}`}`;

const probability = (p: number): string => (p < 0.001 ? '<0.001' : p.toFixed(3));

/** The report for a terminal: scores of every arm by iteration, then each arm against the baseline. */
export const comparisonTables = (report: AblationReport): string => {
  const scores = table(
    ['arm', 'iteration', 'seeds', 'seen', 'unseen', 'total', 'directly correct', 'SI frequency', 'SI contribution'],
    report.byIteration.map(({ arm, iteration, seeds, scores: of }) => [
      arm,
      iteration === 0 ? 'base' : iteration,
      seeds.length,
      ...[
        'accuracy.seen',
        'accuracy.unseen',
        'accuracy.total',
        'directlyCorrect.total',
        'siFrequency.total',
        'siContribution.total',
      ].map((name) => spreadText(of[name])),
    ]),
  );
  const against = table(
    [
      `against ${report.baseline}`,
      'metric',
      'seeds',
      'items',
      'difference',
      '95% interval',
      "Cohen's h",
      'p items',
      'p seeds',
    ],
    report.comparisons.map((one) => [
      one.arm,
      one.metric,
      one.seeds,
      one.items,
      `${one.difference > 0 ? '+' : ''}${points(one.difference)}`,
      `${points(one.interval.low)} to ${points(one.interval.high)}`,
      one.effect.toFixed(2),
      probability(one.adjusted.overItems),
      probability(one.adjusted.overSeeds),
    ]),
  );
  const smallest = Math.min(...report.comparisons.map((one) => one.overSeeds.smallest));
  const notes = [
    'Per cent, mean and standard deviation over seeds. Intervals: seeds and items both drawn anew (pigeonhole bootstrap).',
    `p items: other test problems, these students; p seeds: other seeds (no smaller than ${probability(smallest)} with these). Both after Holm.`,
  ];
  const missing = report.missing.map(({ arm, seed }) => `${arm}, seed ${seed}`);
  return [
    scores,
    ...(report.comparisons.length > 0 ? [against, ...notes] : []),
    ...(missing.length > 0 ? [`not finished: ${missing.join('; ')}`] : []),
  ].join('\n');
};
