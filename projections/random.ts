import { sha256 } from '../events/digest';

/**
 * Counter-based random draws. A draw depends only on its key (seed, purpose, item id, ...) and its counter, so adding
 * an item never reshuffles another item's draws, and no draw depends on the order in which draws are made.
 *
 * Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 */
export type DrawKey = readonly (string | number)[];

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const { cos, imul, log, sin, sqrt } = Math;

/** High 32 bits of the 64-bit product of two unsigned 32-bit numbers. */
const mulHigh = (a: number, b: number): number => {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle1 = aHigh * bLow + (low >>> 16);
  const middle2 = aLow * bHigh + (middle1 & 0xffff);
  return (aHigh * bHigh + (middle1 >>> 16) + (middle2 >>> 16)) >>> 0;
};

/** One block of Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key. */
export const philox4x32 = (
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] => {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, c0);
    const low0 = Math.imul(M0, c0) >>> 0;
    const high1 = mulHigh(M1, c2);
    const low1 = Math.imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
};

/** A stream of draws under one key. */
export interface Draws {
  /** The i-th draw, uniform in [0, 1), 53 bits. */
  readonly uniform: (i: number) => number;
  /** The i-th draw as an integer in [0, n). */
  readonly integer: (i: number, n: number) => number;
  /** The i-th draw as a standard normal deviate (Box-Muller). */
  readonly normal: (i: number) => number;
}

/** Draws keyed by an identity: the key's SHA-256 gives the Philox key and half of the counter. */
export const draws = (key: DrawKey): Draws => {
  const hex = sha256(JSON.stringify(key));
  const word = (at: number): number => parseInt(hex.slice(at * 8, at * 8 + 8), 16);
  const philoxKey: readonly [number, number] = [word(0), word(1)];
  const c2 = word(2);
  const c3 = word(3);
  const block = (i: number): [number, number, number, number] =>
    philox4x32([i >>> 0, Math.floor(i / 0x100000000) >>> 0, c2, c3], philoxKey);
  const fraction = (high: number, low: number): number => ((high >>> 5) * 0x4000000 + (low >>> 6)) / 0x20000000000000;
  return {
    uniform: (i) => {
      const [a, b] = block(i);
      return fraction(a, b);
    },
    integer: (i, n) => {
      const [a, b] = block(i);
      return Math.floor(fraction(a, b) * n);
    },
    normal: (i) => {
      const [a, b, c, d] = block(i);
      return Math.sqrt(-2 * Math.log(1 - fraction(a, b))) * Math.cos(2 * Math.PI * fraction(c, d));
    },
  };
};

/** philox4x32 without allocation, for bulk use: the block of counter (c0, 0, c2, c3) into `words`. */
const philoxInto = (words: Uint32Array, c0: number, c2: number, c3: number, key: Uint32Array): void => {
  let [a, b, c, d] = [c0, 0, c2, c3];
  let k0 = key[0] ?? 0;
  let k1 = key[1] ?? 0;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, a);
    const high1 = mulHigh(M1, c);
    const low0 = imul(M0, a);
    const low1 = imul(M1, c);
    a = high1 ^ b ^ k0;
    b = low1;
    c = high0 ^ d ^ k1;
    d = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  words[0] = a;
  words[1] = b;
  words[2] = c;
  words[3] = d;
};

/** n words under one key, uniform in [0, 2^32), in bulk: four per Philox block. The first m of n are the m of any other n. */
export const words = (key: DrawKey, n: number): Uint32Array => {
  const hex = sha256(JSON.stringify(['words', ...key]));
  const [k0 = 0, k1 = 0, c2 = 0, c3 = 0] = [0, 8, 16, 24].map((at) => parseInt(hex.slice(at, at + 8), 16));
  const philoxKey = Uint32Array.of(k0, k1);
  const block = new Uint32Array(4);
  const result = new Uint32Array(n);
  for (let at = 0; at < n; at += 4) {
    philoxInto(block, at / 4, c2, c3, philoxKey);
    result.set(n - at < 4 ? block.subarray(0, n - at) : block, at);
  }
  return result;
};

/**
 * n standard normal deviates under one key, in bulk: four per Philox block, by two Box-Muller pairs of 32-bit uniforms.
 * The first m of n are the m of any other n. Not the numbers of `draws(key).normal`, which spends a block on each.
 */
export const normals = (key: DrawKey, n: number): Float64Array => {
  const hex = sha256(JSON.stringify(['normals', ...key]));
  const [k0 = 0, k1 = 0, c2 = 0, c3 = 0] = [0, 8, 16, 24].map((at) => parseInt(hex.slice(at, at + 8), 16));
  const philoxKey = Uint32Array.of(k0, k1);
  const block = new Uint32Array(4);
  const result = new Float64Array(n);
  for (let at = 0; at < n; at += 4) {
    philoxInto(block, at / 4, c2, c3, philoxKey);
    for (let i = 0; i < 4; i += 2) {
      const radius = sqrt(-2 * log(((block[i] ?? 0) + 0.5) / 0x100000000));
      const angle = (2 * Math.PI * (block[i + 1] ?? 0)) / 0x100000000;
      result[at + i] = radius * cos(angle);
      if (at + i + 1 < n) result[at + i + 1] = radius * sin(angle);
    }
  }
  return result;
};

/** The items in an order that depends only on the key and each item's own id: sorted by its draw, ties by id. */
export const shuffledById = <T>(items: readonly T[], idOf: (item: T) => string, key: DrawKey): T[] =>
  items
    .map((item) => ({ item, id: idOf(item), draw: draws([...key, idOf(item)]).uniform(0) }))
    .sort((a, b) => a.draw - b.draw || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .map(({ item }) => item);
