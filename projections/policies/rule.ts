import type { Json } from '../../events/digest';
import type { Trajectories } from '../trajectory';
import type { Policy } from './policy';
import type { RuleId } from './rules';
import type { BareSection } from './split';

/** What a rule measured, or measured it against. */
export type Measured = number | string | null;

/** A setting of a policy (dotted path) given another value. */
export interface Change {
  readonly setting: string;
  readonly from: Json;
  readonly to: Json;
}

interface Finding {
  readonly value: Measured;
  readonly threshold: Measured;
  readonly detail: string | null;
}

/** What a rule says of one candidate. */
export type Verdict =
  | ({ readonly passed: true } & Finding)
  | ({
      readonly passed: false;
      /** The name it decides under, where that is not the rule's own: `collect.<reason>`. */
      readonly as: string | null;
      /** Changes of settings that this rule reads, each of which may let the candidate pass it; the least first. */
      readonly remedies: () => readonly Change[];
    } & Finding);

export const pass = (value: Measured = null, threshold: Measured = null, detail: string | null = null): Verdict => ({
  passed: true,
  value,
  threshold,
  detail,
});

const none = (): readonly Change[] => [];

export const fail = (
  value: Measured = null,
  threshold: Measured = null,
  detail: string | null = null,
  remedies: () => readonly Change[] = none,
  as: string | null = null,
): Verdict => ({ passed: false, as, value, threshold, detail, remedies });

/** What rules may look at beside the candidates. */
export interface RuleContext {
  readonly policy: Policy;
  readonly seed: number;
  readonly all: Trajectories;
  /** Length of a row in tokens, end-of-text included. */
  readonly countTokens: ((sections: readonly BareSection[], end: boolean) => number) | undefined;
}

/**
 * One rule as data. Stages are lists of rules, asked in order; a rule sees all candidates that come as far as it does,
 * in canonical order, and so may count, draw or look for twins. Adding a rule is an entry in a stage's list and a
 * sentence in rules.ts; derive, why, diff and funnel follow.
 */
export interface Rule<C> {
  readonly id: RuleId;
  /** Settings of the policy that it reads; none: no policy lets in what it keeps out. */
  readonly settings: readonly string[];
  /** Whether this policy asks it at all; yes, when left out. */
  readonly isAsked?: (policy: Policy) => boolean;
  /** Its value is a rank, which is recorded on what it keeps too. */
  readonly ranks?: true;
  /** `null`: it is not about this candidate. */
  readonly prepare: (reaching: readonly C[], context: RuleContext) => (candidate: C) => Verdict | null;
}

/** Why a candidate is out: the rule, what it measured, against what. */
export interface Refusal {
  readonly rule: string;
  readonly value: Measured;
  readonly threshold: Measured;
  readonly detail: string | null;
}

/** What one rule says of a watched candidate. `notReached`: an earlier rule decided; `verdict` is what it would have said. */
export interface RuleFinding {
  readonly rule: RuleId;
  readonly settings: readonly string[];
  readonly status: 'passed' | 'failed' | 'notReached' | 'notAsked';
  readonly verdict: Verdict | null;
}

/** Candidates of one stage of which every rule is to be told. */
export interface StageWatch<C> {
  readonly isWatched: (candidate: C) => boolean;
  readonly found: (candidate: C, finding: RuleFinding) => void;
  /** Whether rules that are not reached are asked what they would have said. */
  readonly beyond: boolean;
}

const tell = <C>(
  rule: Rule<C>,
  candidates: readonly C[],
  reaching: readonly C[],
  watched: readonly C[],
  context: RuleContext,
  { found, beyond }: StageWatch<C>,
): void => {
  const { id, settings } = rule;
  const isAsked = rule.isAsked?.(context.policy) ?? true;
  const there = new Set(reaching);
  const judge = isAsked ? rule.prepare(reaching, context) : undefined;
  for (const one of watched) {
    if (judge === undefined) {
      found(one, { rule: id, settings, status: 'notAsked', verdict: null });
      continue;
    }
    if (there.has(one)) {
      const verdict = judge(one);
      const status = verdict === null ? 'notAsked' : verdict.passed ? 'passed' : 'failed';
      found(one, { rule: id, settings, status, verdict });
      continue;
    }
    // What it would have said, had this one come so far beside the others.
    const verdict = beyond
      ? rule.prepare(
          candidates.filter((each) => each === one || there.has(each)),
          context,
        )(one)
      : null;
    found(one, { rule: id, settings, status: 'notReached', verdict });
  }
};

export interface Judged<C> {
  /** What passed every rule, in the given order. */
  readonly left: readonly C[];
  readonly refused: ReadonlyMap<C, Refusal>;
  /** What ranking rules said of what they kept. */
  readonly ranked: ReadonlyMap<C, Verdict>;
}

/**
 * Asks the rules of a stage in order; each sees what the ones before it let through. `everyone` has those that an earlier
 * stage kept out as well: a watched one among them is told what these rules would have said.
 */
export const judgeAll = <C>(
  rules: readonly Rule<C>[],
  candidates: readonly C[],
  context: RuleContext,
  watch?: StageWatch<C>,
  everyone: readonly C[] = candidates,
): Judged<C> => {
  const refused = new Map<C, Refusal>();
  const ranked = new Map<C, Verdict>();
  const watched = watch === undefined ? [] : everyone.filter(watch.isWatched);
  let left = candidates;
  for (const rule of rules) {
    if (watch !== undefined && watched.length > 0) tell(rule, everyone, left, watched, context, watch);
    if (rule.isAsked !== undefined && !rule.isAsked(context.policy)) continue;
    const judge = rule.prepare(left, context);
    const kept: C[] = [];
    for (const candidate of left) {
      const verdict = judge(candidate);
      if (verdict === null || verdict.passed) kept.push(candidate);
      if (verdict?.passed === true && rule.ranks === true) ranked.set(candidate, verdict);
      if (verdict === null || verdict.passed) continue;
      const { as, value, threshold, detail } = verdict;
      refused.set(candidate, { rule: as ?? rule.id, value, threshold, detail });
    }
    left = kept;
  }
  return { left, refused, ranked };
};
