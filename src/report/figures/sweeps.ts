import { canonicalJson } from '../../../events/digest';
import type { ReportDocument } from '../../../projections/ablation/reportDocument';
import { lastIteration, seedNames, seedValues, spreadOfSeeds, type SeedValue } from '../cells';
import type { FigureOf } from '../figure';
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

/** Accuracy over the values of a numeric setting. */
export const sweeps: FigureOf = (document) => {
  const found = sweepsOf(document);
  if (found.length === 0) return null;
  const lines = found.map(({ key, arms }) => {
    const rests = [...new Set(arms.map(({ rest }) => rest))];
    return {
      key,
      lines: rests.map(
        (rest, index): Line => ({
          name: rest === '' ? key : rest,
          index,
          points: arms
            .filter((one) => one.rest === rest)
            .sort((a, b) => a.value - b.value)
            .flatMap(({ value, values }) => {
              const spread = spreadOfSeeds(values);
              return spread === null
                ? []
                : [
                    {
                      x: value,
                      y: spread.mean,
                      sd: spread.sd,
                      seeds: values.map(({ seed, value: y }) => ({ seed, y })),
                    },
                  ];
            }),
        }),
      ),
    };
  });
  const most = lines.reduce(
    (longest, one) => (one.lines.length > longest.length ? one.lines : longest),
    lines[0]?.lines ?? [],
  );
  return {
    id: 'sweeps',
    title: 'Accuracy over a setting',
    text: 'Accuracy over all test problems after the last iteration, over the values of each numeric setting; arms that agree in all other settings are one line.',
    pictures: lines.map((one, i) => {
      const values = [...new Set(one.lines.flatMap((line) => line.points.map(({ x }) => x)))].sort((a, b) => a - b);
      return lineChart({
        id: `sweep-${i}`,
        title: `Accuracy over ${one.key}`,
        description: `Share of test problems that are right over the values of ${one.key}. The numbers are in the table below.`,
        x: { label: one.key, ticks: values.map((at) => ({ at, text: plain(at) })) },
        y: { label: '% right', write: points, zero: false },
        lines: one.lines,
        spread: one.lines.length > 1,
        wide: true,
      });
    }),
    legend: most.length > 1 ? legend(most) : null,
    tables: found.map(({ key, arms }, i) => ({
      id: i === 0 ? 'sweep' : `sweep-${i + 1}`,
      title: `Accuracy over ${key}`,
      notes: ['Per cent of all test problems, mean ± standard deviation over seeds.'],
      labels: 3,
      head: [key, 'arm', 'iteration', 'seeds', 'right', 'by seed'],
      rows: arms.map(({ arm, value, iteration, values }) => [
        plain(value),
        arm,
        iterationName(iteration),
        seedNames(values),
        spreadText(spreadOfSeeds(values)),
        each(
          values.map((of) => of.value),
          points,
        ),
      ]),
    })),
  };
};
