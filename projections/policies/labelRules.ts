import type { Label, Trajectories } from '../trajectory';
import { alone, eventsOf, type TrajectoryRule } from './alone';
import { changeOf } from './change';
import type { Policy } from './policy';
import { fail, pass, type Change } from './rule';
import type { Asked } from './scope';

/** A label that holds, and the event that carries it. */
interface Carried extends Label {
  readonly eventId: string;
}

/** The labels that hold on any event of a trajectory or its problem: the value true, by one of these people (null: anyone). */
export const carriedBy = (
  asked: Asked,
  { labels }: Pick<Trajectories, 'labels'>,
  people: readonly string[] | null,
): readonly Carried[] =>
  labels.size === 0
    ? []
    : eventsOf(asked).flatMap((eventId) =>
        (labels.get(eventId) ?? [])
          .filter(({ value, by }) => value === true && (people === null || people.includes(by)))
          .map((label) => ({ ...label, eventId })),
      );

const peopleOf = ({ admit }: Policy): readonly string[] | null => admit.labelsBy ?? null;

const unwantedRule: TrajectoryRule = {
  id: 'admit.label',
  settings: ['admit.withoutLabels', 'admit.labelsBy'],
  isAsked: ({ admit }) => admit.withoutLabels.length > 0,
  prepare: alone((asked, { policy, all }) => {
    const unwanted = policy.admit.withoutLabels;
    const found = carriedBy(asked, all, peopleOf(policy)).find(({ label }) => unwanted.includes(label));
    if (found === undefined) return pass(null, unwanted.join(', '));
    const rest = unwanted.filter((each) => each !== found.label);
    const remedies = (): readonly Change[] => [changeOf(policy, 'admit.withoutLabels', rest)];
    return fail(found.label, null, `on ${found.eventId}, by ${found.by}`, remedies);
  }),
};

const wantedRule: TrajectoryRule = {
  id: 'admit.label-missing',
  settings: ['admit.withLabels', 'admit.labelsBy'],
  isAsked: ({ admit }) => (admit.withLabels ?? []).length > 0,
  prepare: alone((asked, { policy, all }) => {
    const wanted = policy.admit.withLabels ?? [];
    const carried = carriedBy(asked, all, peopleOf(policy));
    const found = carried.find(({ label }) => wanted.includes(label));
    if (found !== undefined) return pass(found.label, wanted.join(', '), `on ${found.eventId}, by ${found.by}`);
    const own = [...new Set(carried.map(({ label }) => label))].sort();
    const byOthers = carriedBy(asked, all, null);
    const remedies = (): readonly Change[] => [
      ...(byOthers.some(({ label }) => wanted.includes(label)) ? [changeOf(policy, 'admit.labelsBy', null)] : []),
      ...own.map((label) => changeOf(policy, 'admit.withLabels', [...wanted, label].sort())),
      changeOf(policy, 'admit.withLabels', []),
    ];
    return fail(own.length === 0 ? null : own.join(', '), wanted.join(', '), null, remedies);
  }),
};

/** What people said of a trajectory: labels that keep out, and labels that are needed. */
export const labelRules: readonly TrajectoryRule[] = [unwantedRule, wantedRule];
