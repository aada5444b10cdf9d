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

export interface AxisOptions {
  /** About how many steps. */
  readonly count?: number;
  /** Whether zero is on it in any case. */
  readonly zero?: boolean;
  /** What no value can be below and above: 0 and 1 for shares. */
  readonly limits?: readonly [number, number];
}

/** An axis over values, rounded outwards to its own steps but not past the limits. Equal values get room on both sides. */
export const axisOf = (
  values: readonly number[],
  [from, to]: readonly [number, number],
  { count = 5, zero = false, limits: [least, most] = [-Infinity, Infinity] }: AxisOptions = {},
): Axis => {
  const known = values.length === 0 ? [0, 1] : values;
  const within = (value: number): number => Math.min(most, Math.max(least, value));
  let low = within(Math.min(...known, ...(zero ? [0] : [])));
  let high = within(Math.max(...known, ...(zero ? [0] : [])));
  if (high - low < 1e-9) {
    const room = Number.isFinite(most - least) ? (most - least) / 10 : 0.5;
    [low, high] = zero && low >= 0 ? [0, low + 2 * room] : [within(low - room), within(high + room)];
  }
  const step = stepOf(high - low, count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  const [start, end] = [first * step, last * step];
  return { at: (value) => from + ((value - start) / (end - start)) * (to - from), ticks };
};
