import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import { createMerkleTree } from '../../src/ledger/merkle';
import {
  consistencyRanges,
  inclusionRanges,
  isConsistent,
  RangeRoots,
  rootOfInclusion,
  type LeafRange,
  type PathStep,
} from '../../src/ledger/merkleProof';
import { the } from '../support/events';

/** RFC 6962: the leaf hash is SHA-256 of 0x00 and the data. */
const leafOf = (data: Uint8Array): string => sha256(Buffer.concat([Buffer.from([0]), data]));
const leaves = Array.from({ length: 70 }, (_, i) => leafOf(Buffer.from(`leaf ${i}`)));

const rootOf = (some: readonly string[]): string => {
  const tree = createMerkleTree();
  for (const leaf of some) tree.append(leaf);
  return tree.root();
};

const rootsOf = (ranges: readonly LeafRange[], some: readonly string[]): readonly string[] => {
  const roots = new RangeRoots(ranges);
  for (const leaf of some) roots.append(leaf);
  return ranges.map((range) => the(roots.rootOf(range)));
};

const pathOf = (index: number, some: readonly string[]): readonly PathStep[] => {
  const ranges = inclusionRanges(index, some.length);
  const hashes = rootsOf(ranges, some);
  return ranges.map(({ from }, i) => ({ side: from > index ? 'right' : 'left', hash: the(hashes[i]) }));
};

const consistencyOf = (old: number, some: readonly string[]): readonly string[] =>
  rootsOf(consistencyRanges(old, some.length), some);

const flipped = (hash: string): string => `${hash.startsWith('0') ? '1' : '0'}${hash.slice(1)}`;

describe('the certificate-transparency test vectors', () => {
  const data = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const hashes = data.map((hex) => leafOf(Buffer.from(hex, 'hex')));
  const a = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7';
  const b = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e';
  const c = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4';
  const d = 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b';
  const e = 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0';
  const f = 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7';
  const g = 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125';
  const h = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';
  const i = '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a';

  it.each([
    [0, 1, []],
    [0, 8, [a, b, c]],
    [5, 8, [d, e, f]],
    [2, 3, [g]],
    [1, 5, [h, b, d]],
  ])('inclusion of leaf %i in %i', (index, size, path) => {
    expect(pathOf(index, hashes.slice(0, size)).map(({ hash }) => hash)).toEqual(path);
  });

  it.each([
    [1, 1, []],
    [1, 8, [a, b, c]],
    [6, 8, [i, e, f]],
    [2, 5, [b, d]],
  ])('consistency of %i with %i', (old, size, path) => {
    expect(consistencyOf(old, hashes.slice(0, size))).toEqual(path);
  });
});

describe('inclusion', () => {
  it('leads to the root, for every leaf of every size up to 70', () => {
    for (let size = 1; size <= 70; size++) {
      const some = leaves.slice(0, size);
      const root = rootOf(some);
      for (let index = 0; index < size; index++) {
        const path = pathOf(index, some);
        expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
        expect(rootOfInclusion(the(leaves[index]), index, size, path)).toBe(root);
      }
    }
  });

  it('takes the subtrees left of a leaf from a tree of what came before it', () => {
    for (let size = 1; size <= 70; size++) {
      for (let index = 0; index < size; index++) {
        const before = createMerkleTree();
        for (const leaf of leaves.slice(0, index)) before.append(leaf);
        const left = inclusionRanges(index, size).filter((range) => range.to <= index);
        const whole = leaves.slice(0, size);
        expect(before.subtrees()).toEqual(
          left.map(({ from, to }) => ({ from, to, root: rootOf(whole.slice(from, to)) })).reverse(),
        );
      }
    }
  });

  it('holds for no other leaf, place, size, side, hash or length', () => {
    const anyPlace = fc
      .integer({ min: 2, max: 70 })
      .chain((size) =>
        fc.record({ size: fc.constant(size), index: fc.nat(size - 1), other: fc.nat(90), at: fc.nat(6) }),
      );
    fc.assert(
      fc.property(anyPlace, ({ size, index, other, at }) => {
        const some = leaves.slice(0, size);
        const [root, path] = [rootOf(some), pathOf(index, some)];
        const leaf = the(leaves[index]);
        const i = at % path.length;
        const step = the(path[i]);
        const turned: PathStep = { ...step, side: step.side === 'left' ? 'right' : 'left' };
        const forged: readonly (readonly [string, number, number, readonly PathStep[]])[] = [
          [flipped(leaf), index, size, path],
          ...(other === index ? [] : [[leaf, other, size, path] as const]),
          [leaf, index, size, path.with(i, { ...step, hash: flipped(step.hash) })],
          [leaf, index, size, path.with(i, turned)],
          [leaf, index, size, path.slice(0, -1)],
          [leaf, index, size, [...path, step]],
          [leaf, size + index, size, path],
        ];
        for (const [l, n, of, steps] of forged) expect(rootOfInclusion(l, n, of, steps)).not.toBe(root);
      }),
      { numRuns: 300 },
    );
  });

  it('asks for a leaf that is there', () => {
    expect(() => inclusionRanges(5, 5)).toThrow('there is no leaf 5 in a tree of 5');
    expect(rootOfInclusion(the(leaves[0]), 0, 0, [])).toBeUndefined();
  });
});

describe('consistency', () => {
  it('holds for every two sizes up to 70, in at most as many hashes as the tree is deep, and one', () => {
    for (let size = 0; size <= 70; size++) {
      const some = leaves.slice(0, size);
      const now = { size, root: rootOf(some) };
      for (let old = 0; old <= size; old++) {
        const path = consistencyOf(old, some);
        expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(Math.max(size, 1))) + 1);
        expect(isConsistent({ size: old, root: rootOf(leaves.slice(0, old)) }, now, path)).toBe(true);
      }
    }
  });

  it('never holds where a leaf of the old tree was another one, or a size, a root or a hash differs', () => {
    const anySizes = fc
      .integer({ min: 1, max: 70 })
      .chain((size) => fc.record({ size: fc.constant(size), old: fc.integer({ min: 1, max: size }), at: fc.nat(69) }));
    fc.assert(
      fc.property(anySizes, ({ size, old, at }) => {
        const some = leaves.slice(0, size);
        const was = { size: old, root: rootOf(some.slice(0, old)) };
        const rewritten = some.with(at % old, leafOf(Buffer.from('another')));
        // The forger may give any path of the rewritten tree.
        const forged = { size, root: rootOf(rewritten) };
        expect(isConsistent(was, forged, consistencyOf(old, rewritten))).toBe(false);
        expect(isConsistent(was, forged, consistencyOf(old, some))).toBe(false);
        const now = { size, root: rootOf(some) };
        const path = consistencyOf(old, some);
        expect(isConsistent({ ...was, root: flipped(was.root) }, now, path)).toBe(false);
        expect(isConsistent(was, { ...now, root: flipped(now.root) }, path)).toBe(false);
        expect(isConsistent(was, now, [...path, was.root])).toBe(false);
        if (path.length === 0) return;
        const i = at % path.length;
        expect(isConsistent(was, now, path.with(i, flipped(the(path[i]))))).toBe(false);
        expect(isConsistent(was, now, path.slice(1))).toBe(false);
        expect(isConsistent(was, now, [])).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('goes one way', () => {
    const root = rootOf(leaves.slice(0, 4));
    expect(isConsistent({ size: 5, root }, { size: 4, root }, [])).toBe(false);
    expect(() => consistencyRanges(5, 4)).toThrow('no beginning');
  });
});
