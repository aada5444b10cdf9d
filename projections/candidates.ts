import { decideGold, decideTrajectory, decideUnit, dropped, goldCandidateId } from './decide';
import { balanceRules } from './policies/balance';
import { customRowRule } from './policies/customRules';
import { goldRules, goldSplitRules, type GoldAsked } from './policies/goldRules';
import { rowRules } from './policies/rowRules';
import { judgeAll, type Rule, type RuleContext, type RuleFinding, type StageWatch } from './policies/rule';
import { iterationsIn, problemFinder, trajectoriesIn, type Asked, type Scope } from './policies/scope';
import { goldKindOf, goldUnit, type Unit } from './policies/split';
import { splitStage } from './policies/splitRules';
import { trajectoryRules } from './policies/trajectoryRules';
import type { Decision } from './replayDataset';
import type { PosedProblem, Trajectories, Trajectory } from './trajectory';

/**
 * Candidates of which every rule is to be told, by key: a trajectory's id or a posed problem's event, which stand for all
 * that comes of them. `found` has the key of the candidate itself: the trajectory, the problem, or the row's id.
 */
export interface Watch {
  readonly isWatched: (key: string) => boolean;
  readonly found: (key: string, finding: RuleFinding) => void;
  /** Whether rules that are not reached are asked what they would have said. */
  readonly beyond: boolean;
}

/** The rules that a possible row meets, in order. */
export const unitRules: readonly Rule<Unit>[] = [...rowRules, customRowRule, ...balanceRules];

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

/** A watch as one stage sees it: whose a candidate is, and the key under which it is told. */
const watchOf = <C>(
  watch: Watch | undefined,
  ownerOf: (candidate: C) => string,
  keyOf: (candidate: C) => string = ownerOf,
): StageWatch<C> | undefined =>
  watch && {
    isWatched: (candidate) => watch.isWatched(ownerOf(candidate)),
    found: (candidate, finding) => watch.found(keyOf(candidate), finding),
    beyond: watch.beyond,
  };

/** Candidates of trajectories, in their order: rows where there are some, else what kept the trajectory out. */
const trajectoryCandidates = (
  inScope: readonly Trajectory[],
  context: RuleContext,
  watch: Watch | undefined,
): Candidate[] => {
  const find = problemFinder(context.all);
  const asked = inScope.map((trajectory): Asked => ({ trajectory, problem: find(trajectory) }));
  const idOf = ({ trajectory }: Asked): string => trajectory.trajectoryId;
  const watched = watchOf(watch, idOf);
  const admitted = judgeAll(trajectoryRules, asked, context, watched);
  const { rules, splits } = splitStage(admitted.left, context);
  const split = judgeAll(rules, admitted.left, context, watched, asked);
  return asked.flatMap((each): readonly Candidate[] => {
    const why = admitted.refused.get(each) ?? split.refused.get(each);
    return why === undefined ? (splits.units.get(idOf(each)) ?? []) : [decideTrajectory(each.trajectory, why)];
  });
};

/** Candidates of gold rationales, in the order of their problems: rows, and what kept the others out. */
const goldCandidates = (
  problems: readonly PosedProblem[],
  context: RuleContext,
  watch: Watch | undefined,
): Candidate[] => {
  const { gold: modes } = context.policy.split;
  const admitted = judgeAll(
    goldRules,
    problems,
    context,
    watchOf(watch, (posed) => posed.eventId),
  );
  const asked = admitted.left.flatMap((posed) =>
    modes.map((mode): GoldAsked => ({ posed, mode, unit: goldUnit(posed, mode) })),
  );
  const idOf = ({ posed, mode, unit }: GoldAsked): string =>
    unit?.id ?? goldCandidateId(goldKindOf(mode), posed.eventId);
  const split = judgeAll(
    goldSplitRules,
    asked,
    context,
    watchOf(watch, ({ posed }) => posed.eventId, idOf),
  );
  const told = new Set<string>();
  const rows = new Map<PosedProblem, Candidate[]>(admitted.left.map((posed) => [posed, []]));
  for (const each of asked) {
    const { posed, mode, unit } = each;
    const why = split.refused.get(each);
    if (why === undefined && unit !== undefined) rows.get(posed)?.push(unit);
    // Two forms of one kind of row that a rationale cannot give are one candidate.
    if (why === undefined || told.has(idOf(each))) continue;
    told.add(idOf(each));
    rows.get(posed)?.push(decideGold(goldKindOf(mode), posed, why));
  }
  return problems.flatMap((posed): readonly Candidate[] => {
    const why = admitted.refused.get(posed);
    return why === undefined ? (rows.get(posed) ?? []) : [decideGold('gold', posed, why)];
  });
};

/** The rows that a policy keeps, in canonical order, and a decision on every candidate, in canonical order. */
export const judgeCandidates = (
  scope: Scope,
  context: RuleContext,
  watch: Watch | undefined,
): { readonly decisions: readonly Decision[]; readonly kept: readonly Unit[] } => {
  const { all, policy } = context;
  const through = policy.select.iterations === 'through';
  const inScope = trajectoriesIn(all, scope, through);
  const candidates = [
    ...trajectoryCandidates(inScope, context, watch),
    ...goldCandidates(goldProblems(all, scope, through), context, watch),
  ];
  const ownerOf = ({ trajectory, problem }: Unit): string => trajectory?.trajectoryId ?? problem.eventId;
  const watched = watchOf(watch, ownerOf, ({ id }) => id);
  const { left, refused, ranked } = judgeAll(unitRules, candidates.filter(isUnit), context, watched);
  const decisions = candidates.map((candidate): Decision => {
    if (!isUnit(candidate)) return candidate;
    const why = refused.get(candidate);
    if (why !== undefined) return decideUnit(candidate, dropped(why));
    const { value = null, threshold = null } = ranked.get(candidate) ?? {};
    return decideUnit(candidate, { kept: true, rule: 'kept', value, threshold });
  });
  return { decisions, kept: left };
};
