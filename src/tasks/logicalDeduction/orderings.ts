/**
 * Orderings of k objects and what patterns say about them. An ordering is a position for each object, 0 at the low end;
 * a set of orderings is a mask over all k! of them. k is at most 8.
 */
export type OrderingSet = Uint8Array;

export const mostObjects = 8;

const spaces = new Map<number, readonly Uint8Array[]>();

/** Every ordering of k objects, in lexicographic order; positions by object. */
export const orderingsOf = (k: number): readonly Uint8Array[] => {
  const known = spaces.get(k);
  if (known) return known;
  const all: Uint8Array[] = [];
  const place = (positions: readonly number[]): void => {
    if (positions.length === k) all.push(Uint8Array.from(positions));
    for (let at = 0; at < k && positions.length < k; at++) if (!positions.includes(at)) place([...positions, at]);
  };
  place([]);
  spaces.set(k, all);
  return all;
};

export const setOf = (k: number, holds: (positions: Uint8Array) => boolean): OrderingSet => {
  const all = orderingsOf(k);
  const set = new Uint8Array(all.length);
  // Plain loops here and below: a set of 7 objects has 5,040 members, and a verdict looks at dozens of sets.
  for (let i = 0; i < set.length; i++) {
    const positions = all[i];
    if (positions && holds(positions)) set[i] = 1;
  }
  return set;
};

export const everything = (k: number): OrderingSet => new Uint8Array(orderingsOf(k).length).fill(1);

export const both = (a: OrderingSet, b: OrderingSet): OrderingSet => {
  const shared = new Uint8Array(a.length);
  for (let i = 0; i < a.length; i++) shared[i] = (a[i] ?? 0) & (b[i] ?? 0);
  return shared;
};

export const size = (set: OrderingSet): number => {
  let sum = 0;
  for (let i = 0; i < set.length; i++) sum += set[i] ?? 0;
  return sum;
};

export const isWithin = (inner: OrderingSet, outer: OrderingSet): boolean => {
  for (let i = 0; i < inner.length; i++) if (inner[i] === 1 && outer[i] === 0) return false;
  return true;
};

export const isSame = (a: OrderingSet, b: OrderingSet): boolean => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/** The first ordering of one set that another lacks. */
export const firstOutside = (k: number, set: OrderingSet, other: OrderingSet): Uint8Array | undefined =>
  orderingsOf(k)[set.findIndex((inside, i) => inside === 1 && other[i] === 0)];

/** Objects by position. */
export const inOrder = (positions: Uint8Array): readonly number[] =>
  [...positions.keys()].sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0));

/** What a statement says: one object before another, or at a place counted from 0 at the low end. */
export type Constraint =
  | { readonly kind: 'before'; readonly first: number; readonly second: number }
  | { readonly kind: 'place'; readonly object: number; readonly at: number };

export const sameConstraint = (a: Constraint, b: Constraint): boolean =>
  a.kind === 'before'
    ? b.kind === 'before' && a.first === b.first && a.second === b.second
    : b.kind === 'place' && a.object === b.object && a.at === b.at;

const constraintSets = new Map<string, OrderingSet>();

export const setOfConstraint = (k: number, constraint: Constraint): OrderingSet => {
  const { kind } = constraint;
  const parts = kind === 'before' ? [constraint.first, constraint.second] : [constraint.object, constraint.at];
  const key = [k, kind, ...parts].join(' ');
  const known = constraintSets.get(key);
  if (known) return known;
  const [a = 0, b = 0] = parts;
  const set = setOf(k, (positions) => {
    return kind === 'before' ? (positions[a] ?? 0) < (positions[b] ?? 0) : positions[a] === b;
  });
  constraintSets.set(key, set);
  return set;
};

/** How many objects stand in a gap: exactly so many, or (open) at least. */
export interface Gap {
  readonly least: number;
  readonly open: boolean;
}

/** `?? a ? b`: objects from the low end on, a gap before each and one after the last. */
export interface Pattern {
  readonly objects: readonly number[];
  readonly gaps: readonly Gap[];
}

/** The pattern that allows one ordering: these objects, all of them, from the low end on. */
export const wholePattern = (objects: readonly number[]): Pattern => ({
  objects,
  gaps: [...objects, -1].map(() => ({ least: 0, open: false })),
});

const anything: Gap = { least: 0, open: true };

const fits = ({ least, open }: Gap, count: number): boolean => (open ? count >= least : count === least);

const matches = ({ objects, gaps }: Pattern, positions: Uint8Array): boolean => {
  let last = -1;
  for (let i = 0; i < objects.length; i++) {
    const at = positions[objects[i] ?? 0] ?? 0;
    if (!fits(gaps[i] ?? anything, at - last - 1)) return false;
    last = at;
  }
  return fits(gaps[objects.length] ?? anything, positions.length - last - 1);
};

export const setOfPattern = (k: number, pattern: Pattern): OrderingSet =>
  setOf(k, (positions) => matches(pattern, positions));

/** Objects and single gaps that a pattern needs room for. */
export const leastLength = ({ objects, gaps }: Pattern): number =>
  objects.length + gaps.reduce((sum, { least }) => sum + least, 0);

/** The least and most distance from one object to another over a set; the low end is object k, the high end k + 1. */
interface Distances {
  readonly least: (from: number, to: number) => number;
  readonly most: (from: number, to: number) => number;
}

const distancesIn = (k: number, set: OrderingSet): Distances => {
  const width = k + 2;
  const least = new Int8Array(width * width).fill(width);
  const most = new Int8Array(width * width).fill(-width);
  const at = new Int8Array(width);
  const all = orderingsOf(k);
  for (let i = 0; i < set.length; i++) {
    if (set[i] === 0) continue;
    at.set(all[i] ?? []);
    at[k] = -1;
    at[k + 1] = k;
    for (let a = 0; a < width; a++) {
      for (let b = a + 1; b < width; b++) {
        const distance = (at[b] ?? 0) - (at[a] ?? 0);
        const place = a * width + b;
        if (distance < (least[place] ?? 0)) least[place] = distance;
        if (distance > (most[place] ?? 0)) most[place] = distance;
      }
    }
  }
  const read = (of: Int8Array, from: number, to: number): number => of[from * width + to] ?? 0;
  return {
    least: (from, to) => (from < to ? read(least, from, to) : -read(most, to, from)),
    most: (from, to) => (from < to ? read(most, from, to) : -read(least, to, from)),
  };
};

/** Ways to place the pattern's objects from its i-th on at positions from `from` on. */
const waysFrom = (k: number, pattern: Pattern, i: number, from: number): number => {
  const { least, open } = pattern.gaps[i] ?? anything;
  const rest = k - from;
  if (i === pattern.objects.length) return (open ? rest >= least : rest === least) ? 1 : 0;
  if (!open) return from + least < k ? waysFrom(k, pattern, i + 1, from + least + 1) : 0;
  let sum = 0;
  for (let at = from + least; at < k; at++) sum += waysFrom(k, pattern, i + 1, at + 1);
  return sum;
};

/** How many orderings a pattern allows: places for its objects, any order of the others. */
const countOf = (k: number, pattern: Pattern): number => {
  let others = 1;
  for (let n = 2; n <= k - pattern.objects.length; n++) others *= n;
  return waysFrom(k, pattern, 0, 0) * others;
};

const subsets = new Map<number, readonly (readonly number[])[]>();

/** Every set of k objects; a set's place has a bit for each. */
const subsetsOf = (k: number): readonly (readonly number[])[] => {
  const known = subsets.get(k);
  if (known) return known;
  const objects = Array.from({ length: k }, (_, object) => object);
  const all = Array.from({ length: 1 << k }, (_, bits) => objects.filter((object) => (bits & (1 << object)) !== 0));
  subsets.set(k, all);
  return all;
};

/** The same pattern with `??` for a run of `?` at its longer end, where that allows no more. */
const shorter = (k: number, { objects, gaps }: Pattern, count: number): Pattern => {
  const [first, last] = [gaps[0], gaps.at(-1)];
  if (!first || !last || first.open || last.open) return { objects, gaps };
  const at = first.least > last.least ? 0 : objects.length;
  const opened = { objects, gaps: gaps.map((gap, i) => (i === at && gap.least > 0 ? { least: 0, open: true } : gap)) };
  return countOf(k, opened) === count ? opened : { objects, gaps };
};

/**
 * The strongest pattern that a set of orderings implies, and whether it allows that set and no more. Its objects stand in
 * one order throughout the set.
 */
export const strongestPattern = (
  k: number,
  set: OrderingSet,
): { readonly pattern: Pattern; readonly count: number; readonly exact: boolean } => {
  const { least, most } = distancesIn(k, set);
  const within = (from: number, to: number): Gap => {
    const low = least(from, to);
    return { least: low - 1, open: low !== most(from, to) };
  };
  // Bit b of `after[a]`: b stands after a throughout; of `ordered[a]`: before or after.
  const after = Array.from({ length: k }, (_, a) => {
    let bits = 0;
    for (let b = 0; b < k; b++) if (b !== a && least(a, b) > 0) bits |= 1 << b;
    return bits;
  });
  const ordered = after.map((bits, a) => {
    return after.reduce((all, others, b) => ((others & (1 << a)) === 0 ? all : all | (1 << b)), bits);
  });
  let best: { pattern: Pattern; count: number } | undefined;
  for (const [bits, subset] of subsetsOf(k).entries()) {
    if (bits === 0 || subset.some((a) => (bits & ~(1 << a) & ~(ordered[a] ?? 0)) !== 0)) continue;
    const objects =
      subset.length < 2 ? subset : [...subset].sort((a, b) => ((((after[a] ?? 0) >> b) & 1) === 1 ? -1 : 1));
    const stops = [k, ...objects, k + 1];
    const gaps: Gap[] = [];
    for (let i = 1; i < stops.length; i++) gaps.push(within(stops[i - 1] ?? 0, stops[i] ?? 0));
    const pattern = { objects, gaps };
    const count = countOf(k, pattern);
    if (!best || count < best.count || (count === best.count && objects.length > best.pattern.objects.length)) {
      best = { pattern, count };
    }
  }
  if (!best) throw new Error('a set of orderings of no objects');
  const { count } = best;
  return { pattern: shorter(k, best.pattern, count), count, exact: count === size(set) };
};
