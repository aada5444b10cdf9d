import { changeOf } from './change';
import { fail, pass, type Rule } from './rule';
import { within } from './scope';
import type { Unit } from './split';
import { undeduplicated } from './trajectoryRules';

/** The rules that look at one row: its kind, its length, its text. */
export const rowRules: readonly Rule<Unit>[] = [
  {
    id: 'split.kind',
    settings: ['split.keep'],
    prepare: (_, { policy }) => {
      const { keep } = policy.split;
      const allowed = keep.join(', ');
      return ({ kind }) =>
        keep.includes(kind)
          ? pass(kind, allowed)
          : fail(kind, allowed, null, () => [changeOf(policy, 'split.keep', [...keep, kind].sort())]);
    },
  },
  {
    id: 'split.max-tokens',
    settings: ['admit.maxTokens'],
    isAsked: ({ admit }) => admit.maxTokens !== null,
    prepare: (_, { policy, countTokens }) => {
      const most = policy.admit.maxTokens ?? Number.POSITIVE_INFINITY;
      return ({ sections, end }) => {
        if (countTokens === undefined) throw new Error(`Policy ${policy.name} has maxTokens: give countTokens.`);
        const tokens = countTokens(sections, end);
        if (tokens <= most) return pass(tokens, most);
        return fail(tokens, most, null, () => [changeOf(policy, 'admit.maxTokens', tokens)]);
      };
    },
  },
  {
    id: 'split.duplicate-row',
    settings: ['admit.dedupRows'],
    isAsked: ({ admit }) => admit.dedupRows !== 'none',
    prepare: (reaching, { policy }) => {
      const { dedupRows } = policy.admit;
      if (dedupRows === 'none') return () => null;
      const first = new Map<string, string>();
      const twins = new Map<string, string>();
      for (const { id, place, sections, end } of reaching) {
        const text = sections.map((section) => section.text).join('');
        const key = JSON.stringify([...within(dedupRows, place), text, end]);
        const twin = first.get(key);
        if (twin === undefined) first.set(key, id);
        else twins.set(id, twin);
      }
      return ({ id }) => {
        const twin = twins.get(id);
        if (twin === undefined) return pass(null, null, `the first of its text within one ${dedupRows}`);
        return fail(twin, null, `same text within one ${dedupRows}`, undeduplicated(policy, 'dedupRows'));
      };
    },
  },
];
