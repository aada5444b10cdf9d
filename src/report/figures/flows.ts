import type { CellIteration } from '../../../projections/ablation/report';
import { iterationsOf, lastIteration, seedNames, seedValues, spreadOfSeeds } from '../cells';
import type { FigureOf } from '../figure';
import { h } from '../markup';
import { amount, points, spreadBy } from '../numbers';
import { iterationName } from '../reportTable';
import { rowChart } from '../rowChart';

const kinds = ['wrongToRight', 'rightToWrong', 'rightToRight', 'wrongToWrong'] as const;

const shareOf =
  (kind: (typeof kinds)[number]) =>
  ({ scores }: CellIteration): number | null => {
    const [count, items] = [scores[`${kind}.total`], scores['items.total']];
    return count === null || items === null || items === 0 ? null : count / items;
  };

/** What updates did to answers: wrong ones that became right, and right ones that became wrong. */
export const flows: FigureOf = ({ report }) => {
  const arms = report.arms.filter((arm) => iterationsOf(report, arm) > 0);
  if (arms.length === 0) return null;
  const all = arms.flatMap((arm) =>
    Array.from({ length: iterationsOf(report, arm) }, (_, iteration) => ({
      arm,
      iteration,
      counts: kinds.map((kind) => seedValues(report, arm, iteration, ({ scores }) => scores[`${kind}.total`])),
      gained: seedValues(report, arm, iteration, shareOf('wrongToRight')),
      lost: seedValues(report, arm, iteration, shareOf('rightToWrong')),
    })),
  );
  const drawn = arms.flatMap(
    (arm) => all.find((row) => row.arm === arm && row.iteration === lastIteration(report, arm)) ?? [],
  );
  return {
    id: 'flows',
    title: 'Wrong to right, right to wrong',
    text: 'Of the test problems whose answer the student updated: how many became right (to the right of zero) and how many became wrong (to the left), first answer against last, after the last iteration of each arm that has finished. Bars are means over seeds, small rings single seeds.',
    pictures: rowChart({
      id: 'flows-picture',
      title: 'Wrong-to-right and right-to-wrong flows',
      description:
        'Per cent of all test problems by arm: wrong to right to the right of zero, right to wrong to the left. The numbers are in the table below.',
      label: '% of test problems:  ← right to wrong  |  wrong to right →',
      write: (value) => points(Math.abs(value)),
      values: drawn.flatMap(({ gained, lost }) => [
        ...gained.map(({ value }) => value),
        ...lost.map(({ value }) => -value),
      ]),
      limits: [-1, 1],
      wide: true,
      rows: drawn.map(({ arm, gained, lost }) => ({
        label: arm,
        draw: (at, y) =>
          [
            { name: 'wrong to right', style: 's0', sign: 1, values: gained, top: y - 10 },
            { name: 'right to wrong', style: 's1', sign: -1, values: lost, top: y - 10 },
          ].map(({ name, style, sign, values, top }) => {
            const mean = spreadOfSeeds(values)?.mean ?? 0;
            const [from, to] = [at(0), at(sign * mean)].sort((a, b) => a - b);
            return [
              h(
                'rect',
                { class: `bar ${style}`, x: from ?? 0, y: top, width: (to ?? 0) - (from ?? 0), height: 20 },
                h('title', {}, `${arm}, ${name}: ${points(mean)}%`),
              ),
              values.map(({ seed, value }) =>
                h(
                  'circle',
                  { class: 'seed plain', cx: at(sign * value), cy: y, r: 2.6 },
                  h('title', {}, `${arm}, seed ${seed}, ${name}: ${points(value)}%`),
                ),
              ),
            ];
          }),
      })),
    }),
    legend: null,
    tables: [
      {
        id: 'flows',
        title: 'What updates did',
        notes: ['Test problems with an update, by first and last answer: mean ± standard deviation over seeds.'],
        labels: 2,
        head: ['arm', 'iteration', 'seeds', 'wrong to right', 'right to wrong', 'right to right', 'wrong to wrong'],
        rows: all.map(({ arm, iteration, counts }) => [
          arm,
          iterationName(iteration),
          seedNames(counts[0] ?? []),
          ...counts.map((values) => spreadBy(spreadOfSeeds(values), amount)),
        ]),
      },
    ],
  };
};
