import * as fc from 'fast-check';
import { draws, philox4x32, shuffledById, words } from '../../projections/random';

const hex = (block: readonly number[]): string => block.map((word) => word.toString(16).padStart(8, '0')).join(' ');
const ones = 0xffffffff;

describe('Philox4x32-10', () => {
  /** kat_vectors of the Random123 distribution. */
  it('gives the known answers of Random123', () => {
    expect(hex(philox4x32([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    expect(hex(philox4x32([ones, ones, ones, ones], [ones, ones]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
    const pi = philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]);
    expect(hex(pi)).toBe('d16cfe09 94fdcceb 5001e420 24126ea1');
  });

  it('multiplies 32-bit words exactly (against bigint)', () => {
    const word = fc.integer({ min: 0, max: ones });
    const round = (c: readonly [number, number, number, number], k: readonly [number, number]): readonly number[] => {
      let [c0, c1, c2, c3] = [BigInt(c[0]), BigInt(c[1]), BigInt(c[2]), BigInt(c[3])];
      let [k0, k1] = [BigInt(k[0]), BigInt(k[1])];
      const mask = 0xffffffffn;
      for (let i = 0; i < 10; i++) {
        const p0 = 0xd2511f53n * c0;
        const p1 = 0xcd9e8d57n * c2;
        [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
        k0 = (k0 + 0x9e3779b9n) & mask;
        k1 = (k1 + 0xbb67ae85n) & mask;
      }
      return [c0, c1, c2, c3].map(Number);
    };
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        expect(philox4x32(counter, key)).toEqual(round(counter, key));
      }),
    );
  });
});

const many = 20000;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('draws', () => {
  it('depend on key and counter alone', () => {
    const key = [7, 'sample', 'problem-3', 0];
    expect(draws(key).uniform(5)).toBe(draws([...key]).uniform(5));
    expect(draws([7, 'sample']).uniform(0)).toBe(0.7158772537690244);
  });

  it('differ between keys that only look alike', () => {
    const keys = [['ab', 'c'], ['a', 'bc'], ['abc'], [1], ['1'], [1, ''], ['', 1], []];
    expect(new Set(keys.map((key) => draws(key).uniform(0))).size).toBe(keys.length);
  });

  it('are uniform in [0, 1): every twentieth has its share, neighbours do not go together', () => {
    const { uniform } = draws([1, 'uniformity']);
    const values = Array.from({ length: many }, (_, i) => uniform(i));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    const counts = Array.from({ length: 20 }, () => 0);
    for (const value of values) counts[Math.floor(value * 20)]! += 1;
    const expected = many / 20;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 19 degrees of freedom: 43.8 is passed once in a thousand keys; this key is fixed.
    expect(chiSquare).toBeLessThan(43.8);
    const pairs = values.slice(1).map((value, i) => (value - 0.5) * ((values[i] ?? NaN) - 0.5));
    expect(Math.abs(mean(pairs)) * 12).toBeLessThan(4 / Math.sqrt(many));
  });

  it('of different keys do not go together', () => {
    const pairs = Array.from({ length: many }, (_, i) => {
      return (draws([1, 'a', i]).uniform(0) - 0.5) * (draws([1, 'b', i]).uniform(0) - 0.5);
    });
    expect(Math.abs(mean(pairs)) * 12).toBeLessThan(4 / Math.sqrt(many));
  });

  it('as integers are in [0, n), each equally often', () => {
    const { integer } = draws([1, 'integers']);
    const counts = Array.from({ length: 7 }, () => 0);
    for (let i = 0; i < many; i++) counts[integer(i, 7)]! += 1;
    const chiSquare = counts.reduce((sum, count) => sum + (count - many / 7) ** 2 / (many / 7), 0);
    expect(chiSquare).toBeLessThan(22.5);
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 2 ** 31 }), (i, n) => {
        const drawn = integer(i, n);
        expect(Number.isInteger(drawn) && drawn >= 0 && drawn < n).toBe(true);
      }),
    );
  });

  it('as normal deviates have mean 0 and variance 1, and are finite', () => {
    const { normal } = draws([1, 'normal']);
    const values = Array.from({ length: many }, (_, i) => normal(i));
    expect(values.every(Number.isFinite)).toBe(true);
    expect(Math.abs(mean(values))).toBeLessThan(4 / Math.sqrt(many));
    expect(Math.abs(mean(values.map((value) => value ** 2)) - 1)).toBeLessThan(6 / Math.sqrt(many));
  });

  it('go on beyond 2^32', () => {
    const { uniform } = draws([1]);
    expect(uniform(2 ** 32)).not.toBe(uniform(0));
    expect(uniform(2 ** 32 + 1)).not.toBe(uniform(2 ** 32));
  });
});

describe('an order by draws', () => {
  it('does not change among the others when an item is added, and not with the order given', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1 }), fc.string(), (items, added) => {
        const order = (list: readonly string[]): readonly string[] => shuffledById(list, (item) => item, [7, 'order']);
        const with1 = order([...items.filter((item) => item !== added), added]);
        expect(with1.filter((item) => item !== added)).toEqual(order(items.filter((item) => item !== added)));
        expect(order(items.toReversed())).toEqual(order(items));
      }),
    );
  });

  it('is another one for another key', () => {
    const items = Array.from({ length: 20 }, (_, i) => `item-${i}`);
    const [a, b] = [1, 2].map((seed) => shuffledById(items, (item) => item, [seed]));
    expect(a).not.toEqual(b);
    expect([...(a ?? [])].sort()).toEqual([...items].sort());
  });
});

describe('words', () => {
  it('are the same for any number of them, and differ by key', () => {
    const ten = words(['a', 1], 10);
    expect(words(['a', 1], 7)).toEqual(ten.slice(0, 7));
    expect(words(['a', 1], 0)).toHaveLength(0);
    expect(words(['a', 2], 10)).not.toEqual(ten);
  });

  it('use every bit evenly', () => {
    const n = 20000;
    const drawn = words(['bits'], n);
    for (let bit = 0; bit < 32; bit++) {
      const set = drawn.reduce((sum, word) => sum + ((word >>> bit) & 1), 0);
      expect(Math.abs(set - n / 2)).toBeLessThan(4 * Math.sqrt(n / 4));
    }
  });
});
