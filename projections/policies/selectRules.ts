import { modelName } from '../../events/codecs';
import { alone, type TrajectoryRule } from './alone';
import { changeOf } from './change';
import { fail, pass } from './rule';

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

/** Whose the teacher's calls may be. A trajectory without one passes: `select.authors` says whether there must be any. */
export const teacherRule: TrajectoryRule = {
  id: 'select.teacher',
  settings: ['select.teachers'],
  isAsked: ({ select }) => (select.teachers ?? null) !== null,
  prepare: alone(({ trajectory: { calls } }, { policy }) => {
    const teachers = policy.select.teachers ?? [];
    const allowed = teachers.join(', ');
    const names = calls.filter(({ author }) => author === 'teacher').map(({ model }) => modelName(model));
    const other = names.find((name) => !teachers.includes(name));
    if (other === undefined) return pass([...new Set(names)].sort().join(', ') || null, allowed);
    return fail(other, allowed, null, () => [changeOf(policy, 'select.teachers', [...teachers, other].sort())]);
  }),
};
