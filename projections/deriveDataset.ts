import type { DatasetDerived } from '../events/datasetDerived';
import { canonicalJson, contentId, sha256, type Digest } from '../events/digest';
import type { LedgerEvent } from '../events/index';
import {
  admitAll,
  goldRetraction,
  iterationsIn,
  refusal,
  trajectoriesIn,
  within,
  type Refusal,
  type Scope,
} from './policies/admit';
import { balanceAll } from './policies/balance';
import { policyDigest, type Policy } from './policies/policy';
import { goldUnits, isAttempt, splitAll, type BareSection, type Unit } from './policies/split';
import { project } from './projection';
import { shuffledById } from './random';
import { toLines, type Decision, type Manifest, type Row } from './replayDataset';
import { trajectories } from './trajectories';
import type { PosedProblem, Trajectories, Trajectory } from './trajectory';

/** Raise the version when the same prefix and policy would give other bytes. */
export const datasetProjection = { name: 'dataset', version: 2 } as const;

export interface DeriveOptions {
  readonly seed: number;
  /** What is left out means all: all runs, all iterations, the problem sets that the scope's iterations name. */
  readonly scope?: { readonly runId?: string; readonly iteration?: number; readonly problemSet?: string };
  /** Length of a row in tokens, end-of-text included; needed only by a policy with `maxTokens`. Pure. */
  readonly countTokens?: (sections: readonly BareSection[], end: boolean) => number;
  /** Digest of the tokenizer that counts. */
  readonly tokenizer?: Digest;
  /** The prefix that was folded: how many events, and their Merkle root. */
  readonly ledger?: { readonly size: number; readonly root: Digest };
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

type Fate =
  | { readonly kept: true; readonly rule: 'kept'; readonly value: number | null; readonly threshold: number | null }
  | ({ readonly kept: false } & Refusal);

const dropped = (why: Refusal): Fate => ({ kept: false, ...why });

const decide = (
  candidate: Pick<Decision, 'candidateId' | 'kind' | 'bucket' | 'problemId' | 'attemptIds' | 'eventIds'>,
  trajectory: Trajectory | null,
  fate: Fate,
): Decision => ({
  candidateId: candidate.candidateId,
  kind: candidate.kind,
  bucket: candidate.bucket,
  problemId: candidate.problemId,
  trajectoryId: trajectory?.trajectoryId ?? null,
  iteration: trajectory?.place?.iteration ?? null,
  pass: trajectory?.place?.pass ?? null,
  attemptIds: candidate.attemptIds,
  eventIds: candidate.eventIds,
  kept: fate.kept,
  rule: fate.rule,
  value: fate.value,
  threshold: fate.threshold,
  rowId: fate.kept ? candidate.candidateId : null,
  detail: fate.kept ? null : fate.detail,
});

const decideTrajectory = (trajectory: Trajectory, why: Refusal): Decision => {
  const { trajectoryId, place, turns } = trajectory;
  const candidateId = contentId(['trajectory', trajectoryId]);
  const attemptIds = turns.filter(isAttempt).map((t) => t.eventId);
  const eventIds = turns.map((t) => t.eventId);
  const problemId = place?.problemId ?? '';
  return decide(
    { candidateId, kind: 'trajectory', bucket: null, problemId, attemptIds, eventIds },
    trajectory,
    dropped(why),
  );
};

const decideUnit = (unit: Unit, fate: Fate): Decision => {
  const turns = unit.sections.filter((s) => s.kind !== 'prompt');
  const written = turns.filter((s) => s.kind !== 'feedback').map((s) => s.eventId);
  const gold = unit.trajectory === null;
  const eventIds = gold ? [unit.problem.eventId] : turns.map((s) => s.eventId);
  const { id: candidateId, kind, bucket, problem, trajectory } = unit;
  const { problemId } = problem.problem;
  return decide({ candidateId, kind, bucket, problemId, attemptIds: gold ? [] : written, eventIds }, trajectory, fate);
};

/** A candidate in canonical order: a unit still to be judged, or a decision that has fallen. */
type Candidate = Unit | Decision;
const isUnit = (c: Candidate): c is Unit => 'sections' in c;

const goldProblems = (all: Trajectories, scope: Scope, through: boolean): readonly PosedProblem[] => {
  const started = iterationsIn(all, scope, through);
  const named = scope.problemSet === null ? started.map((i) => i.problemSet) : [scope.problemSet];
  const narrow = scope.problemSet !== null || (scope.runId !== null && named.length > 0);
  const sets = new Set(named);
  return all.problems.filter((p) => p.problem.split === 'train' && (!narrow || sets.has(p.problem.set)));
};

const goldCandidates = (all: Trajectories, policy: Policy, problems: readonly PosedProblem[]): Candidate[] => {
  const out: Candidate[] = [];
  const seen = new Set<string>();
  for (const posed of problems) {
    const { problemId } = posed.problem;
    const unasked = !policy.select.sources.includes('gold');
    const source = unasked ? refusal('select.source', 'gold', policy.select.sources.join(', ')) : undefined;
    const twice = seen.has(problemId)
      ? refusal('admit.duplicate', problemId, null, `posed again in set ${posed.problem.set}`)
      : undefined;
    const out0 = source ?? goldRetraction(all, posed) ?? twice;
    const decideGold = (kind: 'gold' | 'gold-answer', why: Refusal): Decision => {
      const candidateId = contentId(['gold', kind, posed.eventId]);
      const bucket = kind === 'gold' ? 'GT' : 'answer';
      return decide(
        { candidateId, kind, bucket, problemId, attemptIds: [], eventIds: [posed.eventId] },
        null,
        dropped(why),
      );
    };
    if (out0 !== undefined) {
      out.push(decideGold('gold', out0));
      continue;
    }
    seen.add(problemId);
    const own = new Set<string>();
    for (const { kind, unit } of goldUnits(posed, policy.split.gold)) {
      const goldKind = kind === 'gold-answer' ? kind : 'gold';
      if (typeof unit === 'string') {
        const decision = decideGold(goldKind, refusal(unit));
        if (!own.has(decision.candidateId)) out.push(decision);
        own.add(decision.candidateId);
      } else out.push(unit);
    }
  }
  return out;
};

/** The rules that look at one row: its kind, its length, its text. */
const judgeRows = (candidates: readonly Candidate[], policy: Policy, options: DeriveOptions): Candidate[] => {
  const { maxTokens, dedupRows } = policy.admit;
  const seen = new Map<string, string>();
  return candidates.map((candidate) => {
    if (!isUnit(candidate)) return candidate;
    const out = (why: Refusal): Decision => decideUnit(candidate, dropped(why));
    if (!policy.split.keep.includes(candidate.kind))
      return out(refusal('split.kind', candidate.kind, policy.split.keep.join(', ')));
    if (maxTokens !== null) {
      if (options.countTokens === undefined) throw new Error(`Policy ${policy.name} has maxTokens: give countTokens.`);
      const tokens = options.countTokens(candidate.sections, candidate.end);
      if (tokens > maxTokens) return out(refusal('split.max-tokens', tokens, maxTokens));
    }
    if (dedupRows === 'none') return candidate;
    const texts = candidate.sections.map((s) => s.text);
    const key = JSON.stringify([...within(dedupRows, candidate.place), texts.join(''), candidate.end]);
    const twin = seen.get(key);
    if (twin !== undefined) return out(refusal('split.duplicate-row', twin, null, `same text within one ${dedupRows}`));
    seen.set(key, candidate.id);
    return candidate;
  });
};

const rowOf = (unit: Unit, policy: Policy): Row => {
  const weights = policy.weights[unit.kind];
  return {
    id: unit.id,
    bucket: unit.bucket,
    problemId: unit.problem.problem.problemId,
    trajectoryId: unit.trajectory?.trajectoryId ?? null,
    iteration: unit.place?.iteration ?? null,
    sections: unit.sections.map(({ kind, text, eventId, author }) => ({
      kind,
      text,
      weight: weights[kind],
      eventId,
      author,
    })),
    end: unit.end,
  };
};

const countBy = <T>(items: readonly T[], key: (item: T) => string): Record<string, number> => {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return Object.fromEntries(counts);
};

/**
 * Rows and one decision per candidate. Candidates are the trajectories in scope and the gold rationales of the train
 * problems in scope. Same prefix, policy, scope and seed: same bytes. An empty dataset is a result like any other.
 */
export const deriveDataset = (
  input: Iterable<LedgerEvent> | Trajectories,
  policy: Policy,
  options: DeriveOptions,
): Derived => {
  const all = 'trajectories' in input ? input : project(trajectories, input);
  const { seed } = options;
  const given = options.scope ?? {};
  const scope: Scope = {
    runId: given.runId ?? null,
    iteration: given.iteration ?? null,
    problemSet: given.problemSet ?? null,
  };
  const through = policy.select.iterations === 'through';

  const inScope = trajectoriesIn(all, scope, through);
  const { admitted, refused } = admitAll(all, inScope, policy, seed);
  const { units, partners } = splitAll(admitted, policy, seed);
  const candidates: Candidate[] = [];
  for (const trajectory of inScope) {
    const id = trajectory.trajectoryId;
    const why = refused.get(id);
    if (why !== undefined) candidates.push(decideTrajectory(trajectory, why));
    else if ((units.get(id)?.length ?? 0) > 0) candidates.push(...(units.get(id) ?? []));
    else if (!partners.has(id)) {
      const pairs = policy.split.trajectories.includes('pairs');
      candidates.push(decideTrajectory(trajectory, refusal(pairs ? 'split.no-partner' : 'split.nothing')));
    }
  }
  candidates.push(...goldCandidates(all, policy, goldProblems(all, scope, through)));

  const judged = judgeRows(candidates, policy, options);
  const left = judged.filter(isUnit);
  const balanced = balanceAll(left, policy, seed);
  const decisions = judged.map((candidate): Decision => {
    if (!isUnit(candidate)) return candidate;
    const why = balanced.refused.get(candidate.id);
    if (why !== undefined) return decideUnit(candidate, dropped(why));
    const drawn = balanced.drawn.get(candidate.id);
    return decideUnit(candidate, {
      kept: true,
      rule: 'kept',
      value: drawn?.rank ?? null,
      threshold: drawn?.kept ?? null,
    });
  });
  const keptUnits = left.filter((u) => balanced.kept.has(u.id));
  const ordered = policy.order === 'drawn' ? shuffledById(keptUnits, (u) => u.id, [seed, 'order']) : keptUnits;
  const rows = ordered.map((unit) => rowOf(unit, policy));

  const datasetBytes = toLines(rows);
  const decisionsBytes = toLines(decisions);
  const manifest: Manifest = {
    format: 1,
    dataset: sha256(datasetBytes),
    decisions: sha256(decisionsBytes),
    projection: datasetProjection,
    policy: { name: policy.name, digest: policyDigest(policy) },
    scope,
    seed,
    tokenizer: options.tokenizer ?? null,
    ledger: options.ledger ?? null,
    rows: rows.length,
    candidates: decisions.length,
    byBucket: countBy(rows, (r) => r.bucket),
    byKind: countBy(keptUnits, (u) => u.kind),
    byReason: countBy(decisions, (d) => d.rule),
    enough: rows.length >= policy.limit.min,
    min: policy.limit.min,
  };
  const manifestBytes = new TextEncoder().encode(`${canonicalJson(manifest)}\n`);
  return { rows, decisions, manifest, policy, datasetBytes, decisionsBytes, manifestBytes };
};

/** The DatasetDerived event's data. A derivation that was not told its ledger prefix cannot be recorded: it throws. */
export const datasetDerivedOf = ({ manifest, policy, manifestBytes }: Derived): DatasetDerived => {
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
