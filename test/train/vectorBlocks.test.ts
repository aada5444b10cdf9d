import * as fc from 'fast-check';
import { sharedVectors, sharedWeights, unshared } from '../../src/train/vectorBlocks';

const isShared = ({ buffer }: Float32Array): boolean => buffer instanceof SharedArrayBuffer;

describe('shared vectors', () => {
  it('have their sizes, hold zeros and do not overlap, whatever the sizes are', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 20 }), (sizes) => {
        const vectors = sharedVectors(sizes);
        expect(vectors.map(({ length }) => length)).toEqual(sizes);
        expect(vectors.every((vector) => isShared(vector) && vector.every((x) => x === 0))).toBe(true);
        vectors.forEach((vector, i) => vector.fill(i + 1));
        vectors.forEach((vector, i) => expect(vector.every((x) => x === i + 1)).toBe(true));
      }),
    );
  });

  it('share blocks of 64 MiB at least, but for what is left', () => {
    const quarter = 2 ** 22;
    const blocks = sharedVectors([quarter, quarter, quarter, quarter, 5 * quarter, 1, 2]).map(({ buffer }) => buffer);
    const sizes = [...new Set(blocks)].map(({ byteLength }) => byteLength);
    expect(sizes).toEqual([2 ** 26, 5 * 2 ** 24, 12]);
    expect(blocks.map((block) => [...new Set(blocks)].indexOf(block))).toEqual([0, 0, 0, 0, 1, 2, 2]);
  });
});

describe('weights in shared memory', () => {
  const own = Float32Array.of(1, 2, 3);
  const [there = own] = sharedVectors([2]);
  const weights = new Map([
    ['own', own],
    ['there', there],
  ]);

  it('are the same weights, and those that are there already are not copied', () => {
    const shared = sharedWeights(weights);
    expect([...shared.keys()]).toEqual(['own', 'there']);
    expect(shared.get('own')).toEqual(own);
    expect(shared.get('there')).toBe(there);
    expect([...shared.values()].every(isShared)).toBe(true);
    expect(isShared(own)).toBe(false);
  });

  it('are copied back where memory must be of one thread, and only there', () => {
    const copy = unshared(there);
    expect(copy).toEqual(there);
    expect(isShared(copy)).toBe(false);
    expect(unshared(own)).toBe(own);
    const whole = BigInt64Array.of(1n);
    expect(unshared(whole)).toBe(whole);
  });
});
