import { decideGold, decideTrajectory, decideUnit, dropped, goldCandidateId } from './decide';
import { balanceRules } from './policies/balance';
import { customRowRule } from './policies/customRules';
import { goldRules, goldSplitRules, type GoldAsked } from './policies/goldRules';
import { rowRules } from './policies/rowRules';
import type { Fates } from './policies/fates';
import {
  judging,
  type Refusal,
  type Rule,
  type RuleContext,
  type RuleFinding,
  type StageWatch,
  type Work,
} from './policies/rule';
import { iterationsIn, problemFinder, trajectoriesIn, type Asked, type Scope } from './policies/scope';
import { goldKindOf, goldUnit, type Unit } from './policies/split';
import { splitStage } from './policies/splitRules';
import { trajectoryRules } from './policies/trajectoryRules';
import type { Decision } from './replayDataset';
import type { JudgedLedger, JudgedTrajectory, PosedProblem, TextSource } from './trajectory';

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

const refusalAt = (fates: Fates, at: number): Refusal => {
  const refusal = fates.refusal(at);
  if (refusal === undefined) throw new Error(`nothing keeps candidate ${at} out`);
  return refusal;
};

/** A trajectory that got no row: the stage that kept it out, and its place there. */
class FallenTrajectory {
  constructor(
    private readonly trajectory: JudgedTrajectory,
    private readonly fates: Fates,
    private readonly at: number,
  ) {}

  get refusal(): Refusal {
    return refusalAt(this.fates, this.at);
  }

  decide(): Decision {
    return decideTrajectory(this.trajectory, this.refusal);
  }
}

/** A gold rationale that gave no row of a kind. */
class FallenGold {
  constructor(
    private readonly kind: 'gold' | 'gold-answer',
    private readonly posed: PosedProblem,
    private readonly fates: Fates,
    private readonly at: number,
  ) {}

  get refusal(): Refusal {
    return refusalAt(this.fates, this.at);
  }

  decide(): Decision {
    return decideGold(this.kind, this.posed, this.refusal);
  }
}

/** A candidate in canonical order: a unit still to be judged, or one that has fallen. */
type Candidate = Unit | FallenTrajectory | FallenGold;
const isUnit = (c: Candidate): c is Unit => !(c instanceof FallenTrajectory || c instanceof FallenGold);

/** What came of all candidates. Nothing of it holds a text. */
export interface JudgedCandidates {
  readonly size: number;
  /** One on every candidate, in canonical order; each is made when it is asked for. */
  readonly decisions: () => Iterable<Decision>;
  /** The rule that decided over each, in the same order. */
  readonly rules: () => Iterable<string>;
  /** The rows that the policy keeps, in canonical order. */
  readonly kept: readonly Unit[];
}

const goldProblems = (all: JudgedLedger, scope: Scope, through: boolean): readonly PosedProblem[] => {
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

/** What the texts of a trajectory, of a problem and of a possible row are read from. */
const textsOfAsked = ({ trajectory, problem }: Asked): readonly TextSource[] =>
  problem === undefined ? trajectory.turns : [problem, ...trajectory.turns];
const textsOfUnit = ({ sections }: Unit): readonly TextSource[] => sections.map(({ source }) => source);
/** All that a rule may be shown of a row: its trajectory too. */
const textsAround = (unit: Unit): readonly TextSource[] => [
  unit.problem,
  ...(unit.trajectory?.turns ?? []),
  ...textsOfUnit(unit),
];

/** Candidates of trajectories, in their order: rows where there are some, else what kept the trajectory out. */
function* trajectoryCandidates(
  inScope: readonly JudgedTrajectory[],
  context: RuleContext,
  watch: Watch | undefined,
): Work<Candidate[]> {
  const find = problemFinder(context.all);
  const asked = inScope.map((trajectory): Asked => ({ trajectory, problem: find(trajectory) }));
  const watched = watchOf(watch, ({ trajectory }: Asked) => trajectory.trajectoryId);
  const textsOf = textsOfAsked;
  const admitted = yield* judging(trajectoryRules, asked, context, { watch: watched, textsOf });
  const { rules, splits } = splitStage(admitted.left, context);
  const split = yield* judging(rules, admitted.left, context, { watch: watched, everyone: asked, textsOf });
  const candidates: Candidate[] = [];
  const fell = ({ trajectory }: Asked, fates: Fates, at: number): void => {
    candidates.push(new FallenTrajectory(trajectory, fates, at));
  };
  let next = 0;
  for (const [at, each] of asked.entries()) {
    if (admitted.fates.refusal(at) !== undefined) {
      fell(each, admitted.fates, at);
      continue;
    }
    if (split.fates.refusal(next) !== undefined) fell(each, split.fates, next);
    else for (const unit of splits.at(next)) candidates.push(unit);
    next += 1;
  }
  return candidates;
}

/** Candidates of gold rationales, in the order of their problems: rows, and what kept the others out. */
function* goldCandidates(
  problems: readonly PosedProblem[],
  context: RuleContext,
  watch: Watch | undefined,
): Work<Candidate[]> {
  const { gold: modes } = context.policy.split;
  const ownerOf = (posed: PosedProblem): string => posed.eventId;
  const admitted = yield* judging(goldRules, problems, context, {
    watch: watchOf(watch, ownerOf),
    textsOf: (posed) => [posed],
  });
  const asked = admitted.left.flatMap((posed) =>
    modes.map((mode): GoldAsked => ({ posed, mode, unit: goldUnit(posed, mode) })),
  );
  const idOf = ({ posed, mode, unit }: GoldAsked): string =>
    unit?.id ?? goldCandidateId(goldKindOf(mode), posed.eventId);
  const split = yield* judging(goldSplitRules, asked, context, {
    watch: watchOf(watch, ({ posed }: GoldAsked) => posed.eventId, idOf),
    textsOf: ({ posed }) => [posed],
  });
  const candidates: Candidate[] = [];
  let next = 0;
  for (const [at, posed] of problems.entries()) {
    const { fates } = admitted;
    if (fates.refusal(at) !== undefined) {
      candidates.push(new FallenGold('gold', posed, fates, at));
      continue;
    }
    const told = new Set<string>();
    for (const each of asked.slice(next, next + modes.length)) {
      const place = next;
      next += 1;
      if (split.fates.refusal(place) === undefined) {
        if (each.unit !== undefined) candidates.push(each.unit);
        continue;
      }
      // Two forms of one kind of row that a rationale cannot give are one candidate.
      if (told.has(idOf(each))) continue;
      told.add(idOf(each));
      candidates.push(new FallenGold(goldKindOf(each.mode), posed, split.fates, place));
    }
  }
  return candidates;
}

/** Judges every candidate of a scope; says which texts it needs on the way. */
export function* judgeCandidates(scope: Scope, context: RuleContext, watch: Watch | undefined): Work<JudgedCandidates> {
  const { all, policy } = context;
  const through = policy.select.iterations === 'through';
  const inScope = trajectoriesIn(all, scope, through);
  const candidates = yield* trajectoryCandidates(inScope, context, watch);
  for (const one of yield* goldCandidates(goldProblems(all, scope, through), context, watch)) candidates.push(one);
  const ownerOf = ({ trajectory, problem }: Unit): string => trajectory?.trajectoryId ?? problem.eventId;
  const { left, fates } = yield* judging(unitRules, candidates.filter(isUnit), context, {
    watch: watchOf(watch, ownerOf, ({ id }) => id),
    textsOf: textsOfUnit,
    textsAround,
  });
  const decisions = function* (): Generator<Decision> {
    let at = 0;
    for (const candidate of candidates) {
      if (!isUnit(candidate)) {
        yield candidate.decide();
        continue;
      }
      const why = fates.refusal(at);
      yield decideUnit(candidate, why === undefined ? { kept: true, rule: 'kept', ...fates.ranked(at) } : dropped(why));
      at += 1;
    }
  };
  const decidedBy = function* (): Generator<string> {
    let at = 0;
    for (const candidate of candidates)
      yield isUnit(candidate) ? (fates.refusal(at++)?.rule ?? 'kept') : candidate.refusal.rule;
  };
  return { size: candidates.length, decisions, rules: decidedBy, kept: left };
}
