import { canonicalJson } from '../../../events/digest';
import type { ReportDocument } from '../../../projections/ablation/reportDocument';
import { lastIteration, seedNames, seedValues, spreadOfSeeds, type SeedValue } from '../cells';
import type { Figure } from '../figure';
import { lineChart, type Line } from '../lineChart';
import { each, plain, points, spreadText } from '../numbers';
import { iterationName } from '../reportTable';
import { legend } from '../series';

interface SweptArm {
  readonly arm: string;
  readonly value: number;
  /** The arm's other settings: arms that agree in them are one line. */
  readonly rest: string;
  readonly iteration: number;
  readonly values: readonly SeedValue[];
}

interface Sweep {
  readonly key: string;
  readonly arms: readonly SweptArm[];
}

/** The settings that take two or more numbers among arms which agree in everything else. */
export const sweepsOf = ({ report, settings }: ReportDocument): readonly Sweep[] => {
  const keys = [...new Set(settings.flatMap((of) => of.settings.map(([key]) => key)))];
  return keys.flatMap((key) => {
    const arms = settings.flatMap(({ arm, settings: of }): readonly SweptArm[] => {
      const value = of.findLast(([name]) => name === key)?.[1];
      const iteration = lastIteration(report, arm);
      if (typeof value !== 'number' || iteration === null) return [];
      const others = of.filter(([name]) => name !== key);
      const rest = others
        .map(([name, given]) => `${name}=${typeof given === 'string' ? given : canonicalJson(given)}`)
        .join(' ');
      return [
        {
          arm,
          value,
          rest,
          iteration,
          values: seedValues(report, arm, iteration, ({ scores }) => scores['accuracy.total']),
        },
      ];
    });
    const swept = arms.filter((one) => arms.some((other) => other.rest === one.rest && other.value !== one.value));
    return swept.length === 0 ? [] : [{ key, arms: swept }];
  });
};

/** Values that go through two powers of ten or more, as learning rates do, are put by their logarithms. */
const isWide = (values: readonly number[]): boolean =>
  Math.min(...values) > 0 && Math.max(...values) >= 100 * Math.min(...values);

const figureOf = ({ key, arms }: Sweep, i: number): Figure => {
  const values = [...new Set(arms.map(({ value }) => value))].sort((a, b) => a - b);
  const wide = isWide(values);
  const place = (value: number): number => (wide ? Math.log10(value) : value);
  const rests = [...new Set(arms.map(({ rest }) => rest))];
  const lines = rests.map((rest, index): Line => {
    const own = arms.filter((one) => one.rest === rest).sort((a, b) => a.value - b.value);
    return {
      name: rest === '' ? key : rest,
      index,
      points: own.flatMap(({ value, values: of }) => {
        const spread = spreadOfSeeds(of);
        const seeds = of.map(({ seed, value: y }) => ({ seed, y }));
        return spread === null ? [] : [{ x: place(value), y: spread.mean, sd: spread.sd, seeds }];
      }),
    };
  });
  const id = i === 0 ? 'sweep' : `sweep-${i + 1}`;
  return {
    id,
    title: `Accuracy over ${key}`,
    text: 'Accuracy over all test problems after the last iteration; arms that agree in all other settings are one line.',
    pictures: [
      lineChart({
        id: `${id}-picture`,
        title: `Accuracy over ${key}`,
        description: `Share of test problems that are right over the values of ${key}. The numbers are in the table below.`,
        x: {
          label: wide ? `${key} (logarithmic)` : key,
          ticks: values.map((at) => ({ at: place(at), text: plain(at) })),
        },
        y: { label: '% right', write: points, limits: [0, 1] },
        lines,
        spread: lines.length > 1,
        wide: true,
      }),
    ],
    legend: lines.length > 1 ? legend(lines) : null,
    tables: [
      {
        id,
        title: `Accuracy over ${key}`,
        notes: ['Per cent of all test problems, mean ± standard deviation over seeds.'],
        labels: 3,
        head: [key, 'arm', 'iteration', 'seeds', 'right', 'by seed'],
        rows: arms.map(({ arm, value, iteration, values: of }) => [
          plain(value),
          arm,
          iterationName(iteration),
          seedNames(of),
          spreadText(spreadOfSeeds(of)),
          each(
            of.map(({ value: share }) => share),
            points,
          ),
        ]),
      },
    ],
  };
};

/** Accuracy over the values of each numeric setting. */
export const sweeps = (document: ReportDocument): readonly Figure[] => sweepsOf(document).map(figureOf);
