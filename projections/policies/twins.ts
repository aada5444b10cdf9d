import type { Measure } from './rule';

/** For each of n places the first one before it that measured the same; -1: there is none. */
export const twinsOf = (n: number, measured: (at: number) => Measure): Int32Array => {
  const first = new Map<Measure, number>();
  const twins = new Int32Array(n).fill(-1);
  for (let at = 0; at < n; at++) {
    const value = measured(at);
    const twin = first.get(value);
    if (twin === undefined) first.set(value, at);
    else twins[at] = twin;
  }
  return twins;
};
