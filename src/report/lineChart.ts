import { axisOf } from './axis';
import { h, type Markup } from './markup';
import { dashOf, marker, seedDot, seriesClass } from './series';

/** A point over seeds: its mean, one standard deviation, and the seeds themselves. */
export interface LinePoint {
  readonly x: number;
  readonly y: number;
  readonly sd: number | null;
  readonly seeds: readonly { readonly seed: number; readonly y: number }[];
}

export interface Line {
  readonly name: string;
  readonly index: number;
  readonly points: readonly LinePoint[];
}

export interface LineChart {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly x: {
    readonly label: string;
    readonly ticks: readonly { readonly at: number; readonly text: string }[] | null;
  };
  readonly y: {
    readonly label: string;
    readonly write: (value: number) => string;
    readonly limits: readonly [number, number] | null;
  };
  readonly lines: readonly Line[];
  /** Whether lines stand side by side at each x, so that their seeds and deviations do not cover each other. */
  readonly spread: boolean;
  /** Values of x at which something ends, each a vertical line. */
  readonly borders?: readonly number[];
  readonly wide: boolean;
}

const height = 300;
const [top, right, bottom, left] = [30, 24, 46, 52];

/** Lines over an axis, one per arm: shapes are means, bars one standard deviation to each side, small rings the seeds. */
export const lineChart = (chart: LineChart): Markup => {
  const { id, lines, x, y, borders = [] } = chart;
  const width = chart.wide ? 760 : 420;
  const points = lines.flatMap((line) => line.points);
  const values = points.flatMap((point) => [
    point.y - (point.sd ?? 0),
    point.y + (point.sd ?? 0),
    ...point.seeds.map((seed) => seed.y),
  ]);
  const yAxis = axisOf(values, [height - bottom, top], y.limits === null ? {} : { limits: y.limits });
  const within = (value: number): number => Math.min(y.limits?.[1] ?? value, Math.max(y.limits?.[0] ?? value, value));
  const room = chart.spread ? Math.min(width / 6, 12 + 4.5 * (lines.length - 1)) : 0;
  const known = x.ticks === null ? points.map((point) => point.x) : x.ticks.map(({ at }) => at);
  const xAxis =
    x.ticks === null
      ? axisOf(known, [left, width - right], { count: chart.wide ? 8 : 4 })
      : fixedAxis(known, [left + room, width - right - room]);
  const xTicks = x.ticks ?? xAxis.ticks.map((at) => ({ at, text: String(at) }));
  const step = xTicks.length > 1 ? Math.min(...gaps(xTicks.map(({ at }) => xAxis.at(at)))) : width / 3;
  const shift = (line: number): number =>
    chart.spread && lines.length > 1 ? (line - (lines.length - 1) / 2) * Math.min(9, (step * 0.7) / lines.length) : 0;
  const dense = points.length > 24 * Math.max(1, lines.length) || points.every((point) => point.seeds.length === 0);
  return h(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-labelledby': `${id}-t ${id}-d`,
      class: chart.wide ? 'wide' : 'narrow',
    },
    h('title', { id: `${id}-t` }, chart.title),
    h('desc', { id: `${id}-d` }, chart.description),
    h('text', { class: 'axis-label', x: 4, y: 14 }, y.label),
    yAxis.ticks.map((tick) => [
      h('path', { class: 'grid', d: `M${left},${yAxis.at(tick).toFixed(2)}H${width - right}` }),
      h('text', { class: 'tick', x: left - 7, y: yAxis.at(tick) + 4, 'text-anchor': 'end' }, y.write(tick)),
    ]),
    borders.map((at) => h('path', { class: 'border', d: `M${xAxis.at(at).toFixed(2)},${top}V${height - bottom}` })),
    h('path', { class: 'frame', d: `M${left},${top}V${height - bottom}H${width - right}` }),
    apart(xTicks, xAxis.at).map(({ at, text }) =>
      h('text', { class: 'tick', x: xAxis.at(at), y: height - bottom + 19, 'text-anchor': 'middle' }, text),
    ),
    h('text', { class: 'axis-label', x: (left + width - right) / 2, y: height - 8, 'text-anchor': 'middle' }, x.label),
    lines.map((line, place) => {
      const at = (point: LinePoint): number => xAxis.at(point.x) + shift(place);
      const path = line.points
        .map(
          (point, i) =>
            `${isFirst(line.points, i, borders) ? 'M' : 'L'}${at(point).toFixed(2)},${yAxis.at(point.y).toFixed(2)}`,
        )
        .join('');
      return h(
        'g',
        {},
        h('path', { class: `line ${seriesClass(line.index)}`, d: path, 'stroke-dasharray': dashOf(line.index) }),
        line.points.map((point) => [
          point.sd === null || point.sd === 0
            ? null
            : h('path', {
                class: `deviation ${seriesClass(line.index)}`,
                d: `M${at(point).toFixed(2)},${yAxis.at(within(point.y - point.sd)).toFixed(2)}V${yAxis.at(within(point.y + point.sd)).toFixed(2)}`,
              }),
          point.seeds.map(({ seed, y: value }) =>
            seedDot(line.index, at(point), yAxis.at(value), `${line.name}, seed ${seed}: ${y.write(value)}`),
          ),
          dense ? null : marker(line.index, at(point), yAxis.at(point.y), `${line.name}: ${y.write(point.y)}`),
        ]),
      );
    }),
  );
};

/** Whether a line begins anew at a point: it is the first, or a border lies between it and the one before. */
const isFirst = (points: readonly LinePoint[], i: number, borders: readonly number[]): boolean => {
  const [before, here] = [points[i - 1], points[i]];
  return before === undefined || here === undefined || borders.some((at) => before.x <= at && at < here.x);
};

/** The marks whose texts have room beside the one before; the table has all values. */
const apart = (
  ticks: readonly { readonly at: number; readonly text: string }[],
  at: (value: number) => number,
): readonly { readonly at: number; readonly text: string }[] => {
  let end = Number.NEGATIVE_INFINITY;
  return ticks.filter((tick) => {
    const half = (tick.text.length * 7.5) / 2 + 3;
    if (at(tick.at) - half < end) return false;
    end = at(tick.at) + half;
    return true;
  });
};

const gaps = (sorted: readonly number[]): readonly number[] => sorted.slice(1).map((at, i) => at - (sorted[i] ?? 0));

const fixedAxis = (values: readonly number[], [from, to]: readonly [number, number]) => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = high - low;
  return {
    at: (value: number) => (span === 0 ? (from + to) / 2 : from + ((value - low) / span) * (to - from)),
    ticks: values,
  };
};
