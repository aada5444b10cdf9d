import type { Rule, RuleContext, Verdict } from './rule';
import type { Asked } from './scope';

export type TrajectoryRule = Rule<Asked>;

/** A rule that looks at one trajectory by itself. */
export const alone =
  (judge: (asked: Asked, context: RuleContext) => Verdict): TrajectoryRule['prepare'] =>
  (_, context) =>
  (asked) =>
    judge(asked, context);

/** Every event that a trajectory stands on, its problem's too. */
export const eventsOf = ({ trajectory, problem }: Asked): readonly string[] => {
  const { turns, verifications, calls, closing } = trajectory;
  const ids = [...turns, ...verifications, ...calls].map((each) => each.eventId);
  return [...ids, ...(closing === null ? [] : [closing.eventId]), ...(problem === undefined ? [] : [problem.eventId])];
};
