import type { Trajectories } from '../trajectory';
import { carriedBy } from './labelRules';
import type { Factor, Policy } from './policy';
import type { BareSection, Unit } from './split';

/** Whether the text of a section answers right: its own answer, of feedback the attempt's that it judges; as verified. */
const answerOf = ({ trajectory }: Unit, { kind, eventId }: BareSection): 'right' | 'wrong' | undefined => {
  if (trajectory === null || kind === 'prompt') return undefined;
  const judged = kind === 'feedback' ? trajectory.turns.find((turn) => turn.eventId === eventId)?.round : undefined;
  const found = trajectory.verifications.find(({ round, attemptId }) =>
    kind === 'feedback' ? round === judged : attemptId === eventId,
  );
  return found === undefined ? undefined : found.answerCorrect ? 'right' : 'wrong';
};

/** The loss weight of every section of a row: the weight of its kind, times each factor of which everything holds. */
export const weightsOf = (unit: Unit, policy: Policy, all: Pick<Trajectories, 'labels'>): readonly number[] => {
  const weights = policy.weights[unit.kind];
  const factors = policy.factors ?? [];
  if (factors.length === 0) return unit.sections.map(({ kind }) => weights[kind]);
  const { trajectory, problem } = unit;
  const labels = new Set(
    trajectory === null
      ? []
      : carriedBy({ trajectory, problem }, all, policy.admit.labelsBy ?? null).map(({ label }) => label),
  );
  const holds = (factor: Factor, section: BareSection): boolean =>
    factor.sections.includes(section.kind) &&
    (factor.kinds === null || factor.kinds.includes(unit.kind)) &&
    (factor.authors === null || (section.author !== null && factor.authors.includes(section.author))) &&
    (factor.label === null || labels.has(factor.label)) &&
    (factor.answer === null || factor.answer === answerOf(unit, section));
  return unit.sections.map((section) =>
    factors.reduce(
      (weight, factor) => (holds(factor, section) ? weight * factor.times : weight),
      weights[section.kind],
    ),
  );
};
