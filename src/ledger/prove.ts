import * as E from 'fp-ts/Either';
import { canonicalJson, type Digest } from '../../events/digest';
import { leafHash, leafTextOf, type RecordedEvent } from '../../events/envelope';
import type { EventLog } from '../ports/eventLog';
import { createMerkleTree } from './merkle';
import { consistencyRanges, inclusionRanges, isConsistent, RangeRoots, rootOfInclusion } from './merkleProof';
import type { ConsistencyProof, InclusionProof } from './proofFile';
import type { LedgerRoot } from './seal';

export type ProveError =
  /** The event came after the seal. */
  | { readonly tag: 'NotSealed'; readonly eventId: string; readonly index: number; readonly size: number }
  /** The ledger's first `size` events do not have this root: it was changed, or the root is another ledger's. */
  | { readonly tag: 'RootDiffers'; readonly size: number; readonly expected: Digest; readonly got: Digest | null };

type Against = LedgerRoot & { readonly signature: string | null };

/** Two readings, up to the event and behind it, in O(log n) memory; no event is looked into but the one. */
export const proveInclusion = async (
  log: EventLog,
  event: RecordedEvent,
  { size, root, signature }: Against,
): Promise<E.Either<ProveError, InclusionProof>> => {
  const before = createMerkleTree();
  for await (const { id, leaf } of log.readAll({ until: event.position })) if (id !== event.id) before.append(leaf);
  const index = before.size();
  if (index >= size) return E.left({ tag: 'NotSealed', eventId: event.id, index, size });
  const left = new Map(before.subtrees().map((subtree) => [subtree.from, subtree.root]));
  const ranges = inclusionRanges(index, size);
  const right = new RangeRoots(ranges, index + 1);
  const max = size - index - 1;
  if (max > 0) for await (const { leaf } of log.readAll({ after: event.position, max })) right.append(leaf);
  const differs = (got: Digest | null): E.Either<ProveError, InclusionProof> =>
    E.left({ tag: 'RootDiffers', size, expected: root, got });
  const path: InclusionProof['path'] = [];
  for (const range of ranges) {
    const side = range.from > index ? 'right' : 'left';
    const hash = side === 'left' ? left.get(range.from) : right.rootOf(range);
    if (hash === undefined) return differs(null);
    path.push({ side, hash });
  }
  // From its content, not from what the store says of it: a changed event proves nothing.
  const leaf = leafHash(event);
  const found = rootOfInclusion(leaf, index, size, path);
  if (found !== root) return differs(found ?? null);
  const text = leafTextOf({ ...event, dataText: canonicalJson(event.data) });
  const proof = { eventId: event.id, event: text, leaf, index, size, path, root, signature };
  return E.right({ format: 'tripost-inclusion-1', ...proof });
};

/** One reading of the first `to.size` events. */
export const proveConsistency = async (
  log: EventLog,
  from: LedgerRoot,
  to: Against,
): Promise<E.Either<ProveError, ConsistencyProof>> => {
  const ranges = consistencyRanges(from.size, to.size);
  const roots = new RangeRoots(ranges);
  const tree = createMerkleTree();
  let old: Digest | null = from.size === 0 ? tree.root() : null;
  for await (const { leaf } of log.readAll({ max: to.size })) {
    roots.append(leaf);
    tree.append(leaf);
    if (tree.size() === from.size) old = tree.root();
  }
  if (old !== from.root) return E.left({ tag: 'RootDiffers', size: from.size, expected: from.root, got: old });
  const now = tree.size() === to.size ? tree.root() : null;
  if (now !== to.root) return E.left({ tag: 'RootDiffers', size: to.size, expected: to.root, got: now });
  const path = ranges.flatMap((range) => roots.rootOf(range) ?? []);
  if (!isConsistent(from, to, path)) throw new Error(`no path from ${from.size} to ${to.size} events`);
  const heads = { from: { size: from.size, root: from.root }, to: { size: to.size, root: to.root } };
  return E.right({ format: 'tripost-consistency-1', ...heads, path, signature: to.signature });
};
