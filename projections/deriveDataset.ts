import type { DatasetDerived } from '../events/datasetDerived';
import { canonicalJson, sha256, type Digest } from '../events/digest';
import type { LedgerEvent } from '../events/index';
import { judgeCandidates, type Watch } from './candidates';
import { weightsOf } from './policies/factors';
import { policyDigest, type Policy } from './policies/policy';
import { finished, type RuleContext, type Work } from './policies/rule';
import type { Scope } from './policies/scope';
import type { BareSection, Unit } from './policies/split';
import { project } from './projection';
import { shuffledById } from './random';
import { toLines, type Decision, type Manifest, type Row } from './replayDataset';
import { trajectories } from './trajectories';
import type { JudgedLedger, Trajectories } from './trajectory';

/** Raise the version when the same prefix and policy would give other bytes. */
export const datasetProjection = { name: 'dataset', version: 2 } as const;

export interface DeriveOptions {
  readonly seed: number;
  /** What is left out or null means all: all runs, all iterations, the problem sets that the scope's iterations name. */
  readonly scope?: Partial<Scope>;
  /** Length of a row in tokens, end-of-text included; needed only by a policy with `maxTokens`. Pure. */
  readonly countTokens?: (sections: readonly BareSection[], end: boolean) => number;
  /** Digest of the tokenizer that counts. */
  readonly tokenizer?: Digest;
  /** The prefix that was folded: how many events, and their Merkle root. */
  readonly ledger?: { readonly size: number; readonly root: Digest };
  /** Is told what every rule says of the candidates that it watches; what is derived is the same without it. */
  readonly watch?: Watch;
}

export interface Derived {
  readonly rows: readonly Row[];
  /** One for every candidate, in canonical order. */
  readonly decisions: readonly Decision[];
  readonly manifest: Manifest;
  readonly policy: Policy;
  readonly datasetBytes: Uint8Array;
  readonly decisionsBytes: Uint8Array;
  readonly manifestBytes: Uint8Array;
}

/** A row of a dataset; the texts of its sections are read. */
export const rowOf = (unit: Unit, policy: Policy, all: JudgedLedger): Row => {
  const weights = weightsOf(unit, policy, all);
  return {
    id: unit.id,
    bucket: unit.bucket,
    problemId: unit.problem.problem.problemId,
    trajectoryId: unit.trajectory?.trajectoryId ?? null,
    iteration: unit.place?.iteration ?? null,
    sections: unit.sections.map(({ kind, text, eventId, author }, i) => ({
      kind,
      text,
      weight: weights[i] ?? 1,
      eventId,
      author,
    })),
    end: unit.end,
  };
};

const countBy = <T>(items: Iterable<T>, key: (item: T) => string): Record<string, number> => {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return Object.fromEntries(counts);
};

/** A dataset that has been decided over and not yet written. */
export interface Settled {
  readonly all: JudgedLedger;
  readonly policy: Policy;
  /** In the order of the dataset. */
  readonly ordered: readonly Unit[];
  readonly candidates: number;
  readonly decisions: () => Iterable<Decision>;
  /** The manifest, once rows and decisions are written and have their digests. */
  readonly manifest: (dataset: Digest, decisions: Digest) => Manifest;
}

/** Decides over every candidate; says which texts it needs on the way, and holds none of them at the end. */
export function* settle(all: JudgedLedger, policy: Policy, options: DeriveOptions): Work<Settled> {
  const { seed, countTokens, watch } = options;
  const given = options.scope ?? {};
  const scope: Scope = {
    runId: given.runId ?? null,
    iteration: given.iteration ?? null,
    problemSet: given.problemSet ?? null,
  };
  const context: RuleContext = { policy, seed, all, countTokens };
  const { size: candidates, decisions, rules, kept } = yield* judgeCandidates(scope, context, watch);
  const ordered = policy.order === 'drawn' ? shuffledById(kept, (u) => u.id, [seed, 'order']) : kept;
  const manifest = (datasetDigest: Digest, decisionsDigest: Digest): Manifest => ({
    format: 1,
    dataset: datasetDigest,
    decisions: decisionsDigest,
    projection: datasetProjection,
    policy: { name: policy.name, digest: policyDigest(policy) },
    scope,
    seed,
    tokenizer: options.tokenizer ?? null,
    ledger: options.ledger ?? null,
    rows: ordered.length,
    candidates,
    byBucket: countBy(ordered, (unit) => unit.bucket),
    byKind: countBy(kept, (unit) => unit.kind),
    byReason: countBy(rules(), (rule) => rule),
    enough: ordered.length >= policy.limit.min,
    min: policy.limit.min,
  });
  return { all, policy, ordered, candidates, decisions, manifest };
}

export const manifestBytesOf = (manifest: Manifest): Uint8Array =>
  new TextEncoder().encode(`${canonicalJson(manifest)}\n`);

/**
 * Rows and one decision per candidate, all in memory. Candidates are the trajectories in scope and the gold rationales of
 * the train problems in scope. Same prefix, policy, scope and seed: same bytes. An empty dataset is a result like any other.
 */
export const deriveDataset = (
  input: Iterable<LedgerEvent> | Trajectories,
  policy: Policy,
  options: DeriveOptions,
): Derived => {
  const all = 'trajectories' in input ? input : project(trajectories, input);
  const settled = finished(settle(all, policy, options));
  const rows = settled.ordered.map((unit) => rowOf(unit, policy, all));
  const decisions = [...settled.decisions()];
  const datasetBytes = toLines(rows);
  const decisionsBytes = toLines(decisions);
  const manifest = settled.manifest(sha256(datasetBytes), sha256(decisionsBytes));
  return { rows, decisions, manifest, policy, datasetBytes, decisionsBytes, manifestBytes: manifestBytesOf(manifest) };
};

/** The DatasetDerived event's data. A derivation that was not told its ledger prefix cannot be recorded: it throws. */
export const datasetDerivedOf = ({
  manifest,
  policy,
  manifestBytes,
}: Pick<Derived, 'manifest' | 'policy' | 'manifestBytes'>): DatasetDerived => {
  if (manifest.ledger === null) throw new Error('datasetDerivedOf: derive with the ledger prefix (size, root) given.');
  return {
    dataset: manifest.dataset,
    policy: { ...manifest.policy, document: policy },
    projection: manifest.projection,
    scope: manifest.scope,
    tokenizer: manifest.tokenizer,
    seed: manifest.seed,
    ledger: manifest.ledger,
    rows: manifest.rows,
    candidates: manifest.candidates,
    byBucket: manifest.byBucket,
    byReason: manifest.byReason,
    decisions: manifest.decisions,
    manifest: sha256(manifestBytes),
  };
};
