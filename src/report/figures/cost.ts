import type { CellIteration } from '../../../projections/ablation/report';
import { iterationsOf, lastIteration, seedNames, seedValues, spreadOfSeeds, type SeedValue } from '../cells';
import type { FigureOf } from '../figure';
import { h } from '../markup';
import { amount, spreadBy } from '../numbers';
import { iterationName } from '../reportTable';
import { rowChart } from '../rowChart';

const perRow =
  (of: (cost: NonNullable<CellIteration['cost']>) => number) =>
  ({ cost, rows }: CellIteration): number | null =>
    cost === null || rows === null || rows === 0 ? null : of(cost) / rows;

const measures = [
  { id: 'calls', name: 'calls per row', of: perRow(({ calls }) => calls), write: (value: number) => value.toFixed(2) },
  {
    id: 'tokens',
    name: 'tokens per row',
    of: perRow(({ promptTokens, completionTokens }) => promptTokens + completionTokens),
    write: (value: number) => value.toFixed(1),
  },
] as const;

/** What a kept row cost in calls and tokens of its iteration's collection. */
export const cost: FigureOf = ({ report }) => {
  const all = report.arms
    .flatMap((arm) =>
      Array.from({ length: iterationsOf(report, arm) }, (_, iteration) => {
        const of = (valueOf: (of: CellIteration) => number | null | undefined): readonly SeedValue[] =>
          seedValues(report, arm, iteration, valueOf);
        return {
          arm,
          iteration,
          calls: of(({ cost: its }) => its?.calls),
          prompt: of(({ cost: its }) => its?.promptTokens),
          completion: of(({ cost: its }) => its?.completionTokens),
          rows: of(({ rows }) => rows),
          perRow: measures.map((measure) => of(measure.of)),
        };
      }),
    )
    .filter(({ rows }) => rows.length > 0);
  const drawn = report.arms.flatMap(
    (arm) =>
      all.find(
        (row) => row.arm === arm && row.iteration === lastIteration(report, arm) && (row.perRow[0]?.length ?? 0) > 0,
      ) ?? [],
  );
  if (all.every(({ calls }) => calls.length === 0)) return null;
  return {
    id: 'cost',
    title: 'Cost per kept row',
    text: 'Calls and tokens (prompt and completion) of the collection of an iteration, by rows of the dataset derived after it; the last iteration of each arm that has finished. Bars are means over seeds, small rings single seeds. Arms that share a collection are each counted with all of it, tokens are those of calls whose usage is known; arms without one have no cost.',
    pictures: measures.flatMap(({ id, name, write }, i) =>
      rowChart({
        id: `cost-${id}`,
        title: `Cost: ${name}`,
        description: `${name} of each arm after its last iteration. The numbers are in the table below.`,
        label: name,
        write: (value) => String(value),
        values: drawn.flatMap((row) => (row.perRow[i] ?? []).map(({ value }) => value)),
        wide: false,
        rows: drawn.map((row) => ({
          label: row.arm,
          draw: (at, y) => {
            const values = row.perRow[i] ?? [];
            const mean = spreadOfSeeds(values)?.mean ?? 0;
            return [
              h(
                'rect',
                { class: 'bar s0', x: at(0), y: y - 10, width: at(mean) - at(0), height: 20 },
                h('title', {}, `${row.arm}, ${name}: ${write(mean)}`),
              ),
              values.map(({ seed, value }) =>
                h(
                  'circle',
                  { class: 'seed plain', cx: at(value), cy: y, r: 2.6 },
                  h('title', {}, `${row.arm}, seed ${seed}, ${name}: ${write(value)}`),
                ),
              ),
            ];
          },
        })),
      }),
    ),
    legend: null,
    tables: [
      {
        id: 'cost',
        title: 'Cost',
        notes: ['Of one iteration, mean ± standard deviation over seeds.'],
        labels: 2,
        head: [
          'arm',
          'iteration',
          'seeds',
          'calls',
          'prompt tokens',
          'completion tokens',
          'rows',
          ...measures.map(({ name }) => name),
        ],
        rows: all.map(({ arm, iteration, calls, prompt, completion, rows, perRow: per }) => [
          arm,
          iterationName(iteration),
          seedNames(rows),
          ...[calls, prompt, completion, rows].map((values) => spreadBy(spreadOfSeeds(values), amount)),
          ...measures.map(({ write }, i) => spreadBy(spreadOfSeeds(per[i] ?? []), write)),
        ]),
      },
    ],
  };
};
