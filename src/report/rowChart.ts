import { axisOf } from './axis';
import { h, type Child, type Markup } from './markup';

export interface ChartRow {
  readonly label: string;
  /** What is drawn of the row, about the height `y`, on the scale `at`. */
  readonly draw: (at: (value: number) => number, y: number) => Child;
}

export interface RowChart {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly label: string;
  readonly write: (value: number) => string;
  /** Values that must have room. */
  readonly values: readonly number[];
  /** What no value can be below and above. */
  readonly limits?: readonly [number, number];
  readonly rows: readonly ChartRow[];
  readonly wide: boolean;
}

const [top, right, bottom, left, rowHeight] = [8, 26, 46, 26, 46];

/** A label on one line of so many units; signs beyond Latin count double. The whole name is in the table, and in the label's title. */
const fitted = (text: string, width: number): string => {
  let room = Math.floor(width / 7.2) - 1;
  let fit = '';
  for (const sign of text) {
    room -= sign < '\u0250' ? 1 : 2;
    if (room < 0) return `${fit}…`;
    fit += sign;
  }
  return fit;
};

/** Rows with their names above them, over one axis that has zero in it; no picture where there is no row. */
export const rowChart = (chart: RowChart): readonly Markup[] => (chart.rows.length === 0 ? [] : [picture(chart)]);

const picture = ({ id, title, description, label, write, values, limits, rows, wide }: RowChart): Markup => {
  const width = wide ? 760 : 420;
  const height = top + rows.length * rowHeight + bottom;
  const axis = axisOf(values, [left, width - right], {
    count: wide ? 8 : 4,
    zero: true,
    ...(limits === undefined ? {} : { limits }),
  });
  const floor = height - bottom;
  return h(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-labelledby': `${id}-t ${id}-d`,
      class: wide ? 'wide' : 'narrow',
    },
    h('title', { id: `${id}-t` }, title),
    h('desc', { id: `${id}-d` }, description),
    axis.ticks.map((tick) => [
      h('path', { class: tick === 0 ? 'zero' : 'grid', d: `M${axis.at(tick).toFixed(2)},${top}V${floor}` }),
      h('text', { class: 'tick', x: axis.at(tick), y: floor + 19, 'text-anchor': 'middle' }, write(tick)),
    ]),
    h('path', { class: 'frame', d: `M${left},${floor}H${width - right}` }),
    h('text', { class: 'axis-label', x: width / 2, y: height - 8, 'text-anchor': 'middle' }, label),
    rows.map((row, i) => {
      const y = top + i * rowHeight;
      return h(
        'g',
        {},
        h(
          'text',
          { class: 'row-label', x: left + 4, y: y + 14 },
          h('title', {}, row.label),
          fitted(row.label, width - left - right),
        ),
        row.draw(axis.at, y + 30),
      );
    }),
  );
};
