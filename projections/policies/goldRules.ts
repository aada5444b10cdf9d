import type { PosedProblem } from '../trajectory';
import { changeOf } from './change';
import { fail, pass, type Rule } from './rule';
import type { GoldMode, Unit } from './split';
import { leftOutGoldRule } from './selectRules';
import { retractedVerdict, sourceVerdict } from './trajectoryRules';

/** Select and admit for a posed problem in scope, in the order in which they are asked. */
export const goldRules: readonly Rule<PosedProblem>[] = [
  {
    id: 'select.source',
    settings: ['select.sources'],
    prepare:
      (_, { policy }) =>
      () =>
        sourceVerdict(policy, 'gold'),
  },
  leftOutGoldRule,
  {
    id: 'admit.retracted',
    settings: [],
    prepare:
      (_, { all }) =>
      ({ eventId }) =>
        retractedVerdict(all, () => [eventId]),
  },
  {
    id: 'admit.duplicate',
    settings: [],
    prepare: (reaching) => {
      const first = new Map<string, string>();
      for (const { problem, eventId } of reaching)
        if (!first.has(problem.problemId)) first.set(problem.problemId, eventId);
      return ({ problem: { problemId, set }, eventId }) =>
        first.get(problemId) === eventId ? pass(problemId) : fail(problemId, null, `posed again in set ${set}`);
    },
  },
];

/** A posed problem that a gold row is asked of, the form of the row, and the row where the problem can give it. */
export interface GoldAsked {
  readonly posed: PosedProblem;
  readonly mode: GoldMode;
  readonly unit: Unit | undefined;
}

/** What a gold rationale must have to give a row. */
export const goldSplitRules: readonly Rule<GoldAsked>[] = [
  {
    id: 'split.no-rationale',
    settings: [],
    prepare:
      () =>
      ({ posed }) =>
        posed.gold.rationale ? pass() : fail(),
  },
  {
    id: 'split.no-closing',
    settings: ['split.gold'],
    prepare:
      (_, { policy }) =>
      ({ posed, mode }) => {
        if (mode !== 'closing') return null;
        if (posed.gold.closing) return pass();
        const others = policy.split.gold.filter((each) => each !== 'closing');
        return fail(null, null, null, () => [changeOf(policy, 'split.gold', [...others, 'rationale'].sort())]);
      },
  },
];
