import type { Author, ModelRef, VerdictKind } from '../events/codecs';
import type { ProblemPosed } from '../events/problemPosed';
import { problemFinder } from './policies/scope';
import { asAttempt, isAttempt } from './policies/split';
import { byText } from './projection';
import type { Trajectories } from './trajectory';

/** What a feedback says of an attempt: whether it is right, and the first wrong step, as the attempt numbers it. */
export interface Finding {
  readonly verdict: VerdictKind;
  readonly step: string | null;
}

/** A model's feedback that stands in a trajectory, and what it judges. */
export interface GivenFeedback {
  readonly eventId: string;
  readonly author: Author;
  readonly model: ModelRef;
  readonly problem: ProblemPosed;
  /** The attempt, or the update as if it were one: with its leading line break, without a header. */
  readonly attempt: string;
  readonly given: Finding;
}

/** A model's feedback that was not let into its trajectory. */
export interface RefusedFeedback {
  readonly task: string;
  readonly author: Author;
  readonly rule: string;
}

export interface ModelFeedbacks {
  readonly given: readonly GivenFeedback[];
  readonly refused: readonly RefusedFeedback[];
}

/** Every feedback that a model wrote, in the order of the trajectories, but for those whose problem is not on the ledger. */
export const modelFeedbacks = (all: Trajectories): ModelFeedbacks => {
  const problemOf = problemFinder(all);
  const given: GivenFeedback[] = [];
  const refused: RefusedFeedback[] = [];
  for (const trajectory of all.trajectories) {
    const problem = problemOf(trajectory)?.problem;
    if (problem === undefined) continue;
    const { turns, calls } = trajectory;
    for (const { eventId, author, generationId, round, verdict, step } of turns) {
      // Only a feedback has a verdict.
      if (verdict === null) continue;
      const model = calls.find((call) => call.eventId === generationId)?.model;
      const judged = turns.find((turn) => isAttempt(turn) && turn.round === round);
      if (model === undefined || judged === undefined) continue;
      given.push({ eventId, author, model, problem, attempt: asAttempt(judged).text, given: { verdict, step } });
    }
    for (const { turn, author, rule } of trajectory.refused)
      if (turn === 'feedback' && author !== 'script') refused.push({ task: problem.task, author, rule });
  }
  return { given, refused };
};

/** How far findings agree with those of a script. */
export interface Agreement {
  readonly feedbacks: number;
  /** Attempts that the script could judge; only these are compared. */
  readonly judged: number;
  /** How often each pair of verdicts came, `<given>/<script's>`, sorted. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly sameVerdict: number;
  /** Cohen's kappa of the verdicts (Cohen 1960): 0 is chance, 1 is full agreement; null where chance alone agrees fully. */
  readonly kappa: number | null;
  readonly bothIncorrect: number;
  /** Of those the ones that name the same first wrong step. */
  readonly sameStep: number;
}

/** A finding and the script's on the same attempt. */
export interface ScoredFinding {
  readonly given: Finding;
  readonly script: Finding;
}

const kappaOf = (pairs: readonly ScoredFinding[], same: number): number | null => {
  const all = pairs.length;
  const share = (of: (pair: ScoredFinding) => Finding, verdict: VerdictKind): number =>
    pairs.filter((pair) => of(pair).verdict === verdict).length / all;
  const kinds: readonly VerdictKind[] = ['correct', 'incorrect', 'error'];
  const chance = kinds.reduce(
    (sum, kind) => sum + share(({ given }) => given, kind) * share(({ script }) => script, kind),
    0,
  );
  return all === 0 || chance === 1 ? null : (same / all - chance) / (1 - chance);
};

export const agreementOf = (scored: readonly ScoredFinding[]): Agreement => {
  const pairs = scored.filter(({ script }) => script.verdict !== 'error');
  const counts = new Map<string, number>();
  for (const { given, script } of pairs) {
    const key = `${given.verdict}/${script.verdict}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const sameVerdict = pairs.filter(({ given, script }) => given.verdict === script.verdict).length;
  const incorrect = pairs.filter(({ given, script }) => [given, script].every((each) => each.verdict === 'incorrect'));
  return {
    feedbacks: scored.length,
    judged: pairs.length,
    verdicts: Object.fromEntries([...counts].sort((a, b) => byText(a[0], b[0]))),
    sameVerdict,
    kappa: kappaOf(pairs, sameVerdict),
    bothIncorrect: incorrect.length,
    sameStep: incorrect.filter(({ given, script }) => given.step === script.step).length,
  };
};
