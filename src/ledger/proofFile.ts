import * as t from 'io-ts';
import { Count, DigestText, nullable } from '../../events/codecs';
import { sha256 } from '../../events/digest';
import { isConsistent, rootOfInclusion } from './merkleProof';
import type { LedgerRoot } from './seal';

/** The forms of proof files; docs/proofs.md says how a stranger checks one with SHA-256 alone. */

const PathStepCodec = t.strict({ side: t.keyof({ left: null, right: null }), hash: DigestText }, 'PathStep');

/**
 * An event is the one at `index` (from 0) of the first `size` events. `event` is the very text that was hashed: canonical
 * JSON of stream, revision, id, type, version, data and meta. `signature` is the seal's (docs/proofs.md), or null.
 */
export const InclusionProof = t.strict(
  {
    format: t.literal('tripost-inclusion-1'),
    eventId: t.string,
    event: t.string,
    leaf: DigestText,
    index: Count,
    size: Count,
    path: t.array(PathStepCodec),
    root: DigestText,
    signature: nullable(t.string),
  },
  'InclusionProof',
);
export type InclusionProof = t.TypeOf<typeof InclusionProof>;

const Head = t.strict({ size: Count, root: DigestText }, 'Head');

/** The first `from.size` of the `to.size` events are the ones that `from.root` is over. `signature` is that of `to`. */
export const ConsistencyProof = t.strict(
  {
    format: t.literal('tripost-consistency-1'),
    from: Head,
    to: Head,
    path: t.array(DigestText),
    signature: nullable(t.string),
  },
  'ConsistencyProof',
);
export type ConsistencyProof = t.TypeOf<typeof ConsistencyProof>;

/** What is published of a seal: enough to hold a ledger against, and for `verify --published`. */
export const SealFile = t.strict(
  { format: t.literal('tripost-seal-1'), size: Count, root: DigestText, signature: nullable(t.string) },
  'SealFile',
);
export type SealFile = t.TypeOf<typeof SealFile>;

export type Proof = InclusionProof | ConsistencyProof;

/** The newest seal that a proof speaks of: what must be compared with a seal that was published. */
export const headOf = (proof: Proof): LedgerRoot & { readonly signature: string | null } => {
  const { size, root } = 'to' in proof ? proof.to : proof;
  return { size, root, signature: proof.signature };
};

/** One thing that does not hold. */
export interface Flaw {
  readonly check: 'leaf' | 'event' | 'path' | 'root' | 'signature';
  readonly expected: string;
  readonly got: string;
}

const idIn = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  } catch {
    return undefined;
  }
};

const flawsOfInclusion = (proof: InclusionProof): readonly Flaw[] => {
  const flaws: Flaw[] = [];
  const leaf = sha256(`\u0000${proof.event}`);
  if (leaf !== proof.leaf) flaws.push({ check: 'leaf', expected: leaf, got: proof.leaf });
  const id = idIn(proof.event);
  if (id !== proof.eventId) flaws.push({ check: 'event', expected: `id ${proof.eventId}`, got: `id ${String(id)}` });
  const root = rootOfInclusion(leaf, proof.index, proof.size, proof.path);
  const place = `the path of event ${proof.index} of ${proof.size}`;
  if (root === undefined) flaws.push({ check: 'path', expected: place, got: `${proof.path.length} other steps` });
  else if (root !== proof.root) flaws.push({ check: 'root', expected: proof.root, got: root });
  return flaws;
};

/** Everything in a proof that does not hold; nothing: it proves what it says about `headOf(proof)`. */
export const flawsOf = (proof: Proof): readonly Flaw[] => {
  if ('event' in proof) return flawsOfInclusion(proof);
  if (isConsistent(proof.from, proof.to, proof.path)) return [];
  const expected = `a path from ${proof.from.size} to ${proof.to.size} events that gives both roots`;
  return [{ check: 'path', expected, got: `${proof.path.length} hashes that do not` }];
};
