import { modelName } from '../../events/codecs';
import type { PosedProblem } from '../trajectory';
import { alone, type TrajectoryRule } from './alone';
import { changeOf } from './change';
import type { Policy } from './policy';
import { fail, pass, type Rule, type Verdict } from './rule';
import type { Asked } from './scope';

/** The iterations that are taken, of those in scope. */
export const iterationRule: TrajectoryRule = {
  id: 'select.iteration',
  settings: ['select.fromIteration', 'select.toIteration'],
  isAsked: ({ select }) => typeof select.fromIteration === 'number' || typeof select.toIteration === 'number',
  prepare: alone(({ trajectory: { place } }, { policy }) => {
    const { fromIteration: from = null, toIteration: to = null } = policy.select;
    const allowed = `${from ?? 'first'} to ${to ?? 'last'}`;
    if (place === null) return fail(null, allowed);
    const { iteration } = place;
    if (from !== null && iteration < from)
      return fail(iteration, allowed, null, () => [changeOf(policy, 'select.fromIteration', iteration)]);
    if (to !== null && iteration > to)
      return fail(iteration, allowed, null, () => [changeOf(policy, 'select.toIteration', iteration)]);
    return pass(iteration, allowed);
  }),
};

/** Models that made the teacher's calls. */
const teachersOf = ({ trajectory: { calls } }: Asked): readonly string[] =>
  calls.filter(({ author }) => author === 'teacher').map(({ model }) => modelName(model));

/** Whose the teacher's calls may be. A trajectory without one passes: `select.authors` says whether there must be any. */
export const teacherRule: TrajectoryRule = {
  id: 'select.teacher',
  settings: ['select.teachers'],
  isAsked: ({ select }) => (select.teachers ?? null) !== null,
  prepare: alone((asked, { policy }) => {
    const teachers = policy.select.teachers ?? [];
    const allowed = teachers.join(', ');
    const names = teachersOf(asked);
    const other = names.find((name) => !teachers.includes(name));
    if (other === undefined) return pass([...new Set(names)].sort().join(', ') || null, allowed);
    return fail(other, allowed, null, () => [changeOf(policy, 'select.teachers', [...teachers, other].sort())]);
  }),
};

type Values = readonly (string | number)[];

/** What a candidate is held against in turn: the settings that leave something out, and what it has of it. */
const leftOutVerdict = (
  policy: Policy,
  has: readonly (readonly [setting: 'withoutIterations' | 'withoutTeachers' | 'withoutCells', values: Values])[],
): Verdict => {
  for (const [setting, values] of has) {
    const left: Values = policy.select[setting] ?? [];
    const found = values.find((value) => left.includes(value));
    if (found === undefined) continue;
    const others = left.filter((value) => value !== found);
    return fail(found, `not ${left.join(', ')}`, null, () => [changeOf(policy, `select.${setting}`, others)]);
  }
  return pass();
};

/** Leave one out: an iteration, a teacher, a class of problems. What is left is what the others gave. */
export const leftOutRule: TrajectoryRule = {
  id: 'select.left-out',
  settings: ['select.withoutIterations', 'select.withoutTeachers', 'select.withoutCells'],
  isAsked: ({ select }) =>
    [select.withoutIterations, select.withoutTeachers, select.withoutCells].some((left = []) => left.length > 0),
  prepare: alone((asked, { policy }) => {
    const { trajectory, problem } = asked;
    return leftOutVerdict(policy, [
      ['withoutIterations', trajectory.place === null ? [] : [trajectory.place.iteration]],
      ['withoutTeachers', teachersOf(asked)],
      ['withoutCells', problem === undefined ? [] : [problem.problem.cell]],
    ]);
  }),
};

/** The same for gold, which is of no iteration and no teacher. */
export const leftOutGoldRule: Rule<PosedProblem> = {
  id: 'select.left-out',
  settings: ['select.withoutCells'],
  isAsked: ({ select: { withoutCells = [] } }) => withoutCells.length > 0,
  prepare:
    (_, { policy }) =>
    ({ problem }) =>
      leftOutVerdict(policy, [['withoutCells', [problem.cell]]]),
};
