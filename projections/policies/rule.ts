import type { Json } from '../../events/digest';
import type { JudgedLedger, TextSource } from '../trajectory';
import { Fates } from './fates';
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
  readonly all: JudgedLedger;
  /** Length of a row in tokens, end-of-text included. */
  readonly countTokens: ((sections: readonly BareSection[], end: boolean) => number) | undefined;
}

/** Texts that must be at hand until the next reading. */
export interface Reading {
  readonly texts: readonly TextSource[];
}

/** Work that says which texts it needs before it goes on; whoever runs it has them at hand, or reads them. */
export type Work<T> = Generator<Reading, T, void>;

/** Does work of which all texts are at hand. */
export const finished = <T>(work: Work<T>): T => {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
};

/** What a rule measures of one candidate: a number, or a text that is equal where the candidates are. */
export type Measure = number | string;

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
  /**
   * All that it gets from texts: asked once of every candidate that reaches it, with its texts at hand. A large ledger's
   * texts are in memory for nothing else; a rule that reads them elsewhere says so with `readsTexts`.
   */
  readonly measure?: (candidate: C, context: RuleContext) => Measure;
  /** It reads texts outside of `measure`: all texts of what reaches it are then in memory at once. */
  readonly readsTexts?: true;
  /**
   * Looks at all that reach it; gives what judges each. `at` is a place in `reaching`, `measured` what was measured there.
   * `null`: it is not about this candidate.
   */
  readonly prepare: (
    reaching: readonly C[],
    context: RuleContext,
    measured: (at: number) => Measure,
  ) => (candidate: C, at: number) => Verdict | null;
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

/** Measures straight from the texts, for the few that are told. */
const measuring =
  <C>(rule: Rule<C>, candidates: readonly C[], context: RuleContext) =>
  (at: number): Measure => {
    const candidate = candidates[at];
    const value = candidate === undefined ? undefined : rule.measure?.(candidate, context);
    if (value === undefined) throw new Error(`${rule.id} measures nothing at ${at}`);
    return value;
  };

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
  const there = new Map(reaching.map((candidate, at) => [candidate, at]));
  const judge = isAsked ? rule.prepare(reaching, context, measuring(rule, reaching, context)) : undefined;
  for (const one of watched) {
    if (judge === undefined) {
      found(one, { rule: id, settings, status: 'notAsked', verdict: null });
      continue;
    }
    const at = there.get(one);
    if (at !== undefined) {
      const verdict = judge(one, at);
      const status = verdict === null ? 'notAsked' : verdict.passed ? 'passed' : 'failed';
      found(one, { rule: id, settings, status, verdict });
      continue;
    }
    let verdict: Verdict | null = null;
    if (beyond) {
      // What it would have said, had this one come so far beside the others.
      const more = candidates.filter((each) => each === one || there.has(each));
      verdict = rule.prepare(more, context, measuring(rule, more, context))(one, more.indexOf(one));
    }
    found(one, { rule: id, settings, status: 'notReached', verdict });
  }
};

/** What is left of a stage's candidates, in their order. */
export interface Judged<C> {
  readonly left: readonly C[];
  /** Of every candidate, by its place. */
  readonly fates: Fates;
}

export interface Judging<C> {
  readonly watch?: StageWatch<C> | undefined;
  /** Those that an earlier stage kept out as well: a watched one among them is told what these rules would have said. */
  readonly everyone?: readonly C[];
  /** What the texts of a candidate are read from. */
  readonly textsOf?: (candidate: C) => readonly TextSource[];
  /** The same for a rule that reads more than the candidate itself; `textsOf` when left out. */
  readonly textsAround?: (candidate: C) => readonly TextSource[];
}

/** Candidates whose texts are in memory at once. */
const batch = 32;

/** What the rules of a stage measured, by rule and by the candidates' places in the stage. */
type Measures<C> = Map<Rule<C>, Measure[]>;

/** Measures what is left for this rule, and on the same reading for those behind it that it may reach. */
function* measure<C>(
  rules: readonly Rule<C>[],
  { left, places }: { readonly left: readonly C[]; readonly places: Uint32Array },
  context: RuleContext,
  textsOf: (candidate: C) => readonly TextSource[],
  measures: Measures<C>,
): Work<void> {
  const own = rules.filter((rule) => rule.measure !== undefined && (rule.isAsked?.(context.policy) ?? true));
  const values = own.map((): Measure[] => []);
  for (const [r, rule] of own.entries()) measures.set(rule, values[r] ?? []);
  for (let from = 0; from < left.length; from += batch) {
    const some = left.slice(from, from + batch);
    yield { texts: some.flatMap(textsOf) };
    for (const [i, candidate] of some.entries())
      for (const [r, rule] of own.entries()) {
        const value = rule.measure?.(candidate, context);
        const at = places[from + i];
        const list = values[r];
        if (value !== undefined && at !== undefined && list !== undefined) list[at] = value;
      }
  }
}

/** Asks the rules of a stage in order; each sees what the ones before it let through. */
export function* judging<C>(
  rules: readonly Rule<C>[],
  candidates: readonly C[],
  context: RuleContext,
  { watch, everyone = candidates, textsOf = () => [], textsAround = textsOf }: Judging<C> = {},
): Work<Judged<C>> {
  const fates = new Fates(candidates.length);
  const watched = watch === undefined ? [] : everyone.filter(watch.isWatched);
  const measures: Measures<C> = new Map();
  let left = candidates;
  let places = Uint32Array.from(candidates, (_, at) => at);
  for (const [r, rule] of rules.entries()) {
    if (watch !== undefined && watched.length > 0) tell(rule, everyone, left, watched, context, watch);
    if (rule.isAsked !== undefined && !rule.isAsked(context.policy)) continue;
    if (rule.measure !== undefined && !measures.has(rule))
      yield* measure(rules.slice(r), { left, places }, context, textsOf, measures);
    if (rule.readsTexts === true) yield { texts: left.flatMap(textsAround) };
    const values = measures.get(rule);
    const here = places;
    const judge = rule.prepare(left, context, (at) => {
      const value = values?.[here[at] ?? -1];
      if (value === undefined) throw new Error(`${rule.id} measured nothing at ${at}`);
      return value;
    });
    const kept: C[] = [];
    const keptPlaces = new Uint32Array(left.length);
    for (const [at, candidate] of left.entries()) {
      const verdict = judge(candidate, at);
      const place = places[at] ?? 0;
      if (verdict?.passed === false) {
        fates.refuse(place, verdict.as ?? rule.id, verdict);
        continue;
      }
      if (verdict !== null && rule.ranks === true) fates.rank(place, verdict);
      keptPlaces[kept.length] = place;
      kept.push(candidate);
    }
    measures.delete(rule);
    left = kept.length === left.length ? left : kept;
    places = kept.length === places.length ? places : keptPlaces.slice(0, kept.length);
  }
  return { left, fates };
}

/** The same at once, of candidates whose texts are at hand: what is left, and why the others are out. */
export const judgeAll = <C>(
  rules: readonly Rule<C>[],
  candidates: readonly C[],
  context: RuleContext,
  watch?: StageWatch<C>,
): { readonly left: readonly C[]; readonly refused: ReadonlyMap<C, Refusal> } => {
  const { left, fates } = finished(judging(rules, candidates, context, { watch }));
  const refused = new Map<C, Refusal>();
  for (const [at, candidate] of candidates.entries()) {
    const why = fates.refusal(at);
    if (why !== undefined) refused.set(candidate, why);
  }
  return { left, refused };
};
