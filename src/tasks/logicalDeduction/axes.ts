/** What objects are ordered by, and the words for it. Position 0 is the low end. */
export interface Axis {
  /** The ends as patterns name them, first as they are written. */
  readonly low: readonly string[];
  readonly high: readonly string[];
  /** `X <phrase> Y`: X is nearer to the low end than Y; and the other way. The verb is left out. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The n-th place from an end, n from 1, first as it is written. The verb is left out. */
  readonly fromLow: (n: number) => readonly string[];
  readonly fromHigh: (n: number) => readonly string[];
  /** `is`, `are` or `finished`: what stands between an object and its place. */
  readonly verbs: readonly string[];
}

const ordinals = ['zeroth', 'first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'];
const ordinal = (n: number): string => ordinals[n] ?? `${n}th`;

const superlatives =
  (...words: readonly string[]) =>
  (n: number): readonly string[] =>
    words.map((word) => (n === 1 ? `the ${word}` : `the ${ordinal(n)}-${word}`));

/** An axis of a comparison: shorter, taller; shortest, tallest. */
const comparison = (
  [less, ...lesses]: readonly [string, ...string[]],
  [more, ...mores]: readonly [string, ...string[]],
  low: readonly [string, ...string[]],
  high: readonly [string, ...string[]],
  ends: { readonly low: readonly string[]; readonly high: readonly string[] } = { low: [], high: [] },
): Axis => ({
  low: [...low, ...ends.low],
  high: [...high, ...ends.high],
  before: [less, ...lesses].map((word) => `${word} than`),
  after: [more, ...mores].map((word) => `${word} than`),
  fromLow: superlatives(...low),
  fromHigh: superlatives(...high),
  verbs: ['is', 'are'],
});

const side =
  (extreme: string, from: string) =>
  (n: number): readonly string[] =>
    n === 1 ? [`the ${extreme}`] : [`the ${ordinal(n)} from the ${from}`];

const row: Axis = {
  low: ['left', 'leftmost'],
  high: ['right', 'rightmost'],
  before: ['to the left of'],
  after: ['to the right of'],
  fromLow: side('leftmost', 'left'),
  fromHigh: side('rightmost', 'right'),
  verbs: ['is', 'are'],
};

const ranking: Axis = {
  low: ['first', 'above', 'best', 'top'],
  high: ['last', 'below', 'worst', 'bottom'],
  before: ['above', 'before', 'ahead of'],
  after: ['below', 'after', 'behind'],
  fromLow: (n) => [ordinal(n)],
  fromHigh: (n) => [n === 1 ? 'last' : `${ordinal(n)}-to-last`],
  verbs: ['finished', 'came in'],
};

export const axes = {
  row,
  ranking,
  price: comparison(
    ['less expensive', 'cheaper'],
    ['more expensive'],
    ['cheapest', 'least expensive'],
    ['most expensive'],
    { low: ['cheap', 'cheaper', 'least'], high: ['expensive', 'most'] },
  ),
  age: comparison(['older'], ['newer'], ['oldest'], ['newest']),
  weight: comparison(['lighter'], ['heavier'], ['lightest'], ['heaviest']),
  height: comparison(['shorter'], ['taller'], ['shortest'], ['tallest']),
  speed: comparison(['slower'], ['faster'], ['slowest'], ['fastest']),
  noise: comparison(['quieter'], ['louder'], ['quietest'], ['loudest']),
  heat: comparison(['colder'], ['warmer'], ['coldest'], ['warmest']),
} satisfies Readonly<Record<string, Axis>>;

export const allAxes: readonly Axis[] = Object.values(axes);

/** A place that words name, counted from 0 at the low end; `words` in lower case, the verb left out. */
export const placesOf = (axis: Axis, k: number): ReadonlyMap<string, number> => {
  const places = new Map<string, number>();
  for (let n = 1; n <= k; n++) {
    for (const words of axis.fromHigh(n)) places.set(words, k - n);
    for (const words of axis.fromLow(n)) places.set(words, n - 1);
  }
  return places;
};
