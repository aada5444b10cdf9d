import { contentId } from '../events/digest';
import type { Measured, Refusal } from './policies/rule';
import { isAttempt, type Unit } from './policies/split';
import type { Decision } from './replayDataset';
import type { JudgedTrajectory, PosedProblem } from './trajectory';

/** What became of a candidate, and by which rule. */
export type Fate =
  | { readonly kept: true; readonly rule: 'kept'; readonly value: Measured; readonly threshold: Measured }
  | ({ readonly kept: false } & Refusal);

export const dropped = (why: Refusal): Fate => ({ kept: false, ...why });

const decide = (
  candidate: Pick<Decision, 'candidateId' | 'kind' | 'bucket' | 'problemId' | 'attemptIds' | 'eventIds'>,
  trajectory: JudgedTrajectory | null,
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

/** A trajectory that gave no row. */
export const decideTrajectory = (trajectory: JudgedTrajectory, why: Refusal): Decision => {
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

/** A possible row. */
export const decideUnit = (unit: Unit, fate: Fate): Decision => {
  const turns = unit.sections.filter((s) => s.kind !== 'prompt');
  const written = turns.filter((s) => s.kind !== 'feedback').map((s) => s.eventId);
  const gold = unit.trajectory === null;
  const eventIds = gold ? [unit.problem.eventId] : turns.map((s) => s.eventId);
  const { id: candidateId, kind, bucket, problem, trajectory } = unit;
  const { problemId } = problem.problem;
  return decide({ candidateId, kind, bucket, problemId, attemptIds: gold ? [] : written, eventIds }, trajectory, fate);
};

/** The key under which a gold candidate is known before there is a row: a problem gives one for each kind of row. */
export const goldCandidateId = (kind: 'gold' | 'gold-answer', eventId: string): string =>
  contentId(['gold', kind, eventId]);

/** A gold rationale that gave no row. */
export const decideGold = (kind: 'gold' | 'gold-answer', posed: PosedProblem, why: Refusal): Decision => {
  const { eventId } = posed;
  const candidateId = goldCandidateId(kind, eventId);
  const bucket = kind === 'gold' ? 'GT' : 'answer';
  const { problemId } = posed.problem;
  return decide({ candidateId, kind, bucket, problemId, attemptIds: [], eventIds: [eventId] }, null, dropped(why));
};
