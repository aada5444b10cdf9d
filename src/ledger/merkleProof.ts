import type { Digest } from '../../events/digest';
import { createMerkleTree, emptyRoot, parentOf, type MerkleTree } from './merkle';
import type { LedgerRoot } from './seal';

/** A run of leaves: `from` inclusive, `to` exclusive. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/** One step of an audit path: the hash that joins, and on which side of what is known so far. */
export interface PathStep {
  readonly side: 'left' | 'right';
  readonly hash: Digest;
}

/** The largest power of two below n, for n from 2: where RFC 6962 splits a tree. */
const splitOf = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

/**
 * The subtrees whose roots are the audit path of a leaf (RFC 6962, section 2.1.1), from the leaf to the root. `index`
 * counts from 0. Those left of the leaf are the perfect subtrees of a tree of `index` leaves.
 */
export const inclusionRanges = (index: number, size: number): readonly LeafRange[] => {
  if (!(index >= 0 && index < size)) throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
};

/** The subtrees whose roots prove that a tree of `old` leaves is the beginning of one of `size` (section 2.1.2). */
export const consistencyRanges = (old: number, size: number): readonly LeafRange[] => {
  if (!(old >= 0 && old <= size)) throw new RangeError(`a tree of ${old} leaves is no beginning of one of ${size}`);
  if (old === 0 || old === size) return [];
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to !== old) {
    const middle = from + splitOf(to - from);
    if (old <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  // The old tree itself is left out where it is a subtree of the new one: its root is known.
  if (from > 0) ranges.push({ from, to });
  return ranges.reverse();
};

/** Computes the roots of disjoint ranges while leaves go by, in O(log n) memory. */
export class RangeRoots {
  private readonly trees = new Map<number, MerkleTree>();
  private readonly ordered: readonly LeafRange[];
  private current = 0;
  private at: number;

  /** `start` is the index of the first leaf that will be appended; ranges before it are not asked for. */
  constructor(ranges: readonly LeafRange[], start = 0) {
    this.ordered = ranges.filter((range) => range.from >= start).sort((a, b) => a.from - b.from);
    this.at = start;
  }

  append(leaf: Digest): void {
    let range = this.ordered[this.current];
    if (range !== undefined && this.at >= range.to) range = this.ordered[++this.current];
    if (range !== undefined && this.at >= range.from) {
      const tree = this.trees.get(range.from) ?? createMerkleTree();
      this.trees.set(range.from, tree);
      tree.append(leaf);
    }
    this.at += 1;
  }

  /** The root of a range, once all its leaves have gone by. */
  rootOf({ from, to }: LeafRange): Digest | undefined {
    const tree = this.trees.get(from);
    return tree?.size() === to - from ? tree.root() : undefined;
  }
}

const bytesOf = (hash: Digest): Uint8Array => Buffer.from(hash, 'hex');
const join = (left: Digest, right: Digest): Digest =>
  Buffer.from(parentOf(bytesOf(left), bytesOf(right))).toString('hex');

const isOdd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

/**
 * The root that an audit path leads to (RFC 9162, section 2.1.3.2), or undefined where its length or its sides are not
 * those of this leaf in a tree of this size. The size is not in the root: whoever compares roots compares sizes too.
 */
export const rootOfInclusion = (
  leaf: Digest,
  index: number,
  size: number,
  path: readonly PathStep[],
): Digest | undefined => {
  if (index >= size) return undefined;
  let [node, last, hash] = [index, size - 1, leaf];
  for (const step of path) {
    if (last === 0) return undefined;
    const isRight = isOdd(node) || node === last;
    if (step.side !== (isRight ? 'left' : 'right')) return undefined;
    hash = isRight ? join(step.hash, hash) : join(hash, step.hash);
    if (isRight) while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? hash : undefined;
};

/** Whether a path proves that the old tree is the beginning of the new one (RFC 9162, section 2.1.4.2). */
export const isConsistent = (old: LedgerRoot, now: LedgerRoot, path: readonly Digest[]): boolean => {
  if (old.size > now.size) return false;
  if (old.size === now.size) return path.length === 0 && old.root === now.root;
  if (old.size === 0) return path.length === 0 && old.root === emptyRoot;
  const isPerfect = splitOf(old.size + 1) === old.size;
  const [first, ...rest] = isPerfect ? [old.root, ...path] : path;
  if (first === undefined || (isPerfect && path.length === 0)) return false;
  let [node, last] = [old.size - 1, now.size - 1];
  while (isOdd(node)) [node, last] = [half(node), half(last)];
  let [oldRoot, newRoot] = [first, first];
  for (const hash of rest) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      [oldRoot, newRoot] = [join(hash, oldRoot), join(hash, newRoot)];
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      newRoot = join(newRoot, hash);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && oldRoot === old.root && newRoot === now.root;
};
