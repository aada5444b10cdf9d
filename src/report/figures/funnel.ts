import { byText } from '../../../projections/projection';
import { ruleText, rules } from '../../../projections/policies/rules';
import { iterationsOf, lastIteration, seedNames, seedValues, spreadOfSeeds } from '../cells';
import type { FigureOf } from '../figure';
import { h } from '../markup';
import { amount, spreadBy } from '../numbers';
import { iterationName } from '../reportTable';
import { rowChart } from '../rowChart';
import { colours } from '../series';

const stages = ['select', 'collect', 'admit', 'split', 'balance', 'limit'];

/** Rules in the order in which they are asked; those of a collection's own reasons by name. */
const inAskedOrder = (found: readonly string[]): readonly string[] => {
  const known = Object.keys(rules);
  const place = (rule: string): number => stages.indexOf(rule.split('.')[0] ?? '');
  const rank = (rule: string): number => (known.includes(rule) ? known.indexOf(rule) : known.length);
  return found.toSorted((a, b) => place(a) - place(b) || rank(a) - rank(b) || byText(a, b));
};

/** What became of the candidates of each arm's last dataset: rows, and what each rule took. */
export const funnel: FigureOf = ({ report }) => {
  const derived = report.cells.flatMap(({ iterations }) => iterations.flatMap((of) => of.derived ?? []));
  if (derived.length === 0) return null;
  const lost = inAskedOrder(
    [...new Set(derived.flatMap(({ byReason }) => Object.keys(byReason)))].filter((rule) => rule !== 'kept'),
  );
  const buckets = [...new Set(derived.flatMap(({ byBucket }) => Object.keys(byBucket)))].sort();
  const all = report.arms
    .flatMap((arm) =>
      Array.from({ length: iterationsOf(report, arm) }, (_, iteration) => ({
        arm,
        iteration,
        candidates: seedValues(report, arm, iteration, (of) => of.derived?.candidates),
        rows: seedValues(report, arm, iteration, (of) => of.derived?.rows),
        byRule: lost.map((rule) =>
          seedValues(report, arm, iteration, ({ derived: of }) => (of === null ? null : (of.byReason[rule] ?? 0))),
        ),
        byBucket: buckets.map((bucket) =>
          seedValues(report, arm, iteration, ({ derived: of }) => (of === null ? null : (of.byBucket[bucket] ?? 0))),
        ),
      })),
    )
    .filter(({ rows }) => rows.length > 0);
  const drawn = report.arms.flatMap(
    (arm) => all.find((row) => row.arm === arm && row.iteration === lastIteration(report, arm)) ?? [],
  );
  const partName = (place: number): string => (place === 0 ? 'rows' : (lost[place - 1] ?? ''));
  return {
    id: 'funnel',
    title: 'From candidates to rows',
    text: 'What became of every candidate of the last dataset of each arm that has finished, mean over seeds: 0 is what was kept as a row, the numbered parts what each rule took, in the order in which rules are asked.',
    pictures: rowChart({
      id: 'funnel-picture',
      title: 'Candidates, kept and lost',
      description:
        'A bar for each arm, as long as its candidates: rows first, then what each rule took. The numbers are in the table below.',
      label: 'candidates',
      write: amount,
      values: drawn.map(({ candidates }) => spreadOfSeeds(candidates)?.mean ?? 0),
      wide: true,
      rows: drawn.map(({ arm, rows, byRule }) => ({
        label: arm,
        draw: (at, y) => {
          let from = 0;
          return [rows, ...byRule].map((values, place) => {
            const mean = spreadOfSeeds(values)?.mean ?? 0;
            const [x, to] = [at(from), at(from + mean)];
            from += mean;
            if (mean === 0) return null;
            return [
              h(
                'rect',
                { class: `bar s${place % colours} part`, x, y: y - 10, width: to - x, height: 20 },
                h('title', {}, `${arm}, ${partName(place)}: ${amount(mean)}`),
              ),
              to - x < 18
                ? null
                : h(
                    'text',
                    { class: `part-label on${place % colours}`, x: (x + to) / 2, y: y + 4, 'text-anchor': 'middle' },
                    place,
                  ),
            ];
          });
        },
      })),
    }),
    legend: h(
      'ul',
      { class: 'legend' },
      ['rows', ...lost].map((rule, place) =>
        h(
          'li',
          {},
          h(
            'svg',
            { viewBox: '0 0 22 16', width: 22, height: 16, 'aria-hidden': 'true' },
            h('rect', { class: `bar s${place % colours}`, x: 0, y: 0, width: 22, height: 16 }),
            h('text', { class: `part-label on${place % colours}`, x: 11, y: 12, 'text-anchor': 'middle' }, place),
          ),
          h('span', {}, place === 0 ? 'rows' : `${rule}: ${ruleText(rule)}`),
        ),
      ),
    ),
    tables: [
      {
        id: 'funnel',
        title: 'From candidates to rows',
        notes: ['Counts, mean ± standard deviation over seeds; a rule is where its candidates were lost.'],
        labels: 2,
        head: [
          'arm',
          'iteration',
          'seeds',
          'candidates',
          ...lost,
          'rows',
          ...buckets.map((bucket) => `of them ${bucket}`),
        ],
        rows: all.map(({ arm, iteration, candidates, byRule, rows, byBucket }) => [
          arm,
          iterationName(iteration),
          seedNames(rows),
          ...[candidates, ...byRule, rows, ...byBucket].map((values) => spreadBy(spreadOfSeeds(values), amount)),
        ]),
      },
    ],
  };
};
