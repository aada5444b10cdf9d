/** A straight scale from values to coordinates, with the values at which it has marks. */
export interface Axis {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** The step of 1, 2 or 5 times a power of ten that gives about `count` steps over a span. */
const stepOf = (span: number, count: number): number => {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
};

/** An axis over values, rounded outwards to its own steps. Equal values get room on both sides. */
export const axisOf = (
  values: readonly number[],
  [from, to]: readonly [number, number],
  { count = 5, zero = false }: { readonly count?: number; readonly zero?: boolean } = {},
): Axis => {
  const known = values.length === 0 ? [0, 1] : values;
  let low = Math.min(...known, ...(zero ? [0] : []));
  let high = Math.max(...known, ...(zero ? [0] : []));
  if (high - low < 1e-9) [low, high] = zero && low >= 0 ? [0, low + 1] : [low - 0.5, high + 0.5];
  const step = stepOf(high - low, count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  const [start, end] = [first * step, last * step];
  return { at: (value) => from + ((value - start) / (end - start)) * (to - from), ticks };
};
