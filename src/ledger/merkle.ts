import { sha256, sha256Bytes, type Digest } from '../../events/digest';

/** SHA-256 of 0x01, left, right. */
export const parentOf = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const pair = new Uint8Array(65);
  pair[0] = 1;
  pair.set(left, 1);
  pair.set(right, 33);
  return sha256Bytes(pair);
};

/** The root of a tree without leaves (RFC 6962, section 2.1): SHA-256 of nothing. */
export const emptyRoot: Digest = sha256('');

/**
 * A Merkle tree as RFC 6962 defines it, kept as its frontier: the roots of the perfect subtrees that make it up, one
 * per set bit of its size. Appending and asking for the root cost O(log n), memory is O(log n).
 * Leaves come in as leaf hashes (events/envelope.ts leafHash); inner nodes are SHA-256 of 0x01, left, right. One that starts
 * with another's subtrees goes on where that one is.
 */
export interface MerkleTree {
  /** Number of leaves. */
  size(): number;
  append(leaf: Digest): void;
  /** The root over all leaves so far. */
  root(): Digest;
  /** The perfect subtrees that make it up, from the first leaf on: their sizes are the set bits of the tree's size. */
  subtrees(): readonly Subtree[];
}

/** A run of leaves, `from` inclusive and `to` exclusive, and the root over them. */
export interface Subtree {
  readonly from: number;
  readonly to: number;
  readonly root: Digest;
}

export const createMerkleTree = (start: readonly Subtree[] = []): MerkleTree => {
  /** frontier[k] is the root of a perfect subtree of 2^k leaves, for every set bit k of the size. */
  const frontier: (Uint8Array | undefined)[] = [];
  for (const { from, to, root } of start) frontier[Math.log2(to - from)] = Buffer.from(root, 'hex');
  let size = start.at(-1)?.to ?? 0;
  return {
    size: () => size,
    append: (leaf) => {
      let node: Uint8Array = Buffer.from(leaf, 'hex');
      if (node.length !== 32) throw new TypeError(`Merkle leaf: expected 64 hex characters, got ${leaf}`);
      let level = 0;
      for (let left = frontier[level]; left !== undefined; left = frontier[level]) {
        node = parentOf(left, node);
        frontier[level] = undefined;
        level += 1;
      }
      frontier[level] = node;
      size += 1;
    },
    root: () => {
      let root: Uint8Array | undefined;
      for (const subtree of frontier) {
        if (subtree !== undefined) root = root === undefined ? subtree : parentOf(subtree, root);
      }
      return root === undefined ? emptyRoot : Buffer.from(root).toString('hex');
    },
    subtrees: () => {
      const found: Subtree[] = [];
      let from = 0;
      for (let level = frontier.length - 1; level >= 0; level--) {
        const root = frontier[level];
        if (root === undefined) continue;
        const to = from + 2 ** level;
        found.push({ from, to, root: Buffer.from(root).toString('hex') });
        from = to;
      }
      return found;
    },
  };
};
