import { h, type Markup } from './markup';

/** How many colours there are (style.ts); arms beyond them repeat a colour with another shape and dash. */
export const colours = 7;

const dashes = ['none', '7 3', '2 3', '9 3 2 3', '4 2', '12 4', '2 5', '6 2 2 2 2 2'];

/** Shapes about 0,0, of equal weight to the eye. */
const shapes = [
  'M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0Z',
  'M-4,-4H4V4H-4Z',
  'M0,-5.5L5.2,4H-5.2Z',
  'M0,-5.8L5.8,0L0,5.8L-5.8,0Z',
  'M0,5.5L5.2,-4H-5.2Z',
  'M-1.8,-5.4H1.8V-1.8H5.4V1.8H1.8V5.4H-1.8V1.8H-5.4V-1.8H-1.8Z',
  'M0,-5.6L5.3,-1.7L3.3,4.6H-3.3L-5.3,-1.7Z',
  'M-5.4,-3L-3,-5.4L0,-2.4L3,-5.4L5.4,-3L2.4,0L5.4,3L3,5.4L0,2.4L-3,5.4L-5.4,3L-2.4,0Z',
];

/** The class that gives an arm its colour. */
export const seriesClass = (index: number): string => `s${index % colours}`;

/** Colour, shape and dash come round after 7, 8 and 8 arms, and together after 56. */
export const dashOf = (index: number): string => dashes[index % dashes.length] ?? 'none';

export const marker = (index: number, x: number, y: number, title: string | null): Markup =>
  h(
    'path',
    {
      class: `mark ${seriesClass(index)}`,
      d: shapes[index % shapes.length] ?? '',
      transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`,
    },
    title === null ? null : h('title', {}, title),
  );

/** One seed's value: small, and hollow so that several show. */
export const seedDot = (index: number, x: number, y: number, title: string): Markup =>
  h('circle', { class: `seed ${seriesClass(index)}`, cx: x, cy: y, r: 2.6 }, h('title', {}, title));

/** Which colour, shape and dash is which arm. In HTML, so that long names wrap and none is cut. */
export const legend = (entries: readonly { readonly name: string; readonly index: number }[]): Markup =>
  h(
    'ul',
    { class: 'legend' },
    entries.map(({ name, index }) =>
      h(
        'li',
        {},
        h(
          'svg',
          { viewBox: '0 0 36 14', width: 36, height: 14, 'aria-hidden': 'true' },
          h('path', { class: `line ${seriesClass(index)}`, d: 'M1,7H35', 'stroke-dasharray': dashOf(index) }),
          marker(index, 18, 7, null),
        ),
        h('span', {}, name),
      ),
    ),
  );
