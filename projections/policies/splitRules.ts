import { changeOf } from './change';
import type { Policy } from './policy';
import type { RuleId } from './rules';
import { fail, pass, type Change, type Rule, type RuleContext, type Verdict } from './rule';
import type { Asked } from './scope';
import { splitModes, type Admitted } from './split';
import { Splits } from './splits';

/** Undefined where there is no problem to split it with: an earlier rule has kept such a one out. */
const admittedOf = ({ trajectory, problem }: Asked): Admitted | undefined =>
  problem === undefined || trajectory.place === null ? undefined : { trajectory, place: trajectory.place, problem };

/** Trajectories as rows: what select and admit let through, with what each gives. */
export interface SplitStage {
  readonly rules: readonly Rule<Asked>[];
  readonly splits: Splits;
}

/** Rules that keep out trajectories of which no row came. */
export const splitRuleIds = ['split.no-partner', 'split.nothing'] as const satisfies readonly RuleId[];

const asksForPairs = ({ split }: Policy): boolean => split.trajectories.includes('pairs');

/**
 * Splits the trajectories that came so far, and gives the rules that keep out those of which nothing came. The splits
 * that are at hand serve the rules too; only a trajectory that did not come so far is split again, beside the others.
 */
export const splitStage = (admitted: readonly Asked[], context: RuleContext): SplitStage => {
  const { policy, seed } = context;
  const splitOf = (asked: readonly Asked[]): Splits => new Splits(asked.map(admittedOf), policy, seed);
  const splits = splitOf(admitted);
  const moreModes = (): readonly Change[] => {
    const { trajectories } = policy.split;
    const others = splitModes.filter((mode) => !trajectories.includes(mode));
    return others.map((mode) => changeOf(policy, 'split.trajectories', [...trajectories, mode].sort()));
  };
  const prepare = (reaching: readonly Asked[]): ((asked: Asked, at: number) => Verdict) => {
    const made = reaching === admitted ? splits : splitOf(reaching);
    return ({ trajectory: { trajectoryId } }, at) => {
      const rows = made.at(at).length;
      if (rows > 0) return pass(rows, null, rows === 1 ? 'one row' : `${rows} rows`);
      if (made.isPartner(trajectoryId)) return pass(0, null, 'it is the right one of another row');
      return fail(null, null, null, moreModes);
    };
  };
  return {
    splits,
    rules: [
      {
        id: 'split.no-partner',
        settings: ['split.trajectories'],
        isAsked: asksForPairs,
        prepare,
      },
      {
        id: 'split.nothing',
        settings: ['split.trajectories', 'split.noProgress'],
        isAsked: (asked) => !asksForPairs(asked),
        prepare,
      },
    ],
  };
};
