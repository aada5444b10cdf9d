import { changeOf } from './change';
import { answerChanges, type AnswerChange } from './policy';
import { fail, pass, type Rule } from './rule';
import { within } from './scope';
import type { Unit } from './split';
import { undeduplicated } from './trajectoryRules';

/** What the update of a row did to the answer, as the verifier found both; undefined where one was not verified. */
const answerChangeOf = ({ trajectory, sections }: Unit): AnswerChange | undefined => {
  const answerOf = (kind: 'attempt' | 'improvement'): 'right' | 'wrong' | undefined => {
    const section = sections.find((each) => each.kind === kind);
    const found = trajectory?.verifications.find(({ attemptId }) => attemptId === section?.eventId);
    return found === undefined ? undefined : found.answerCorrect ? 'right' : 'wrong';
  };
  const [before, after] = [answerOf('attempt'), answerOf('improvement')];
  return before === undefined || after === undefined ? undefined : `${before}-to-${after}`;
};

/** Which attempt of its trajectory a row begins with, from 1. */
const stepOf = ({ trajectory, sections }: Unit): number | undefined => {
  const first = sections.find(({ kind }) => kind === 'attempt');
  const turn = trajectory?.turns.find(({ eventId }) => eventId === first?.eventId);
  return turn === undefined ? undefined : turn.round + 1;
};

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
    id: 'split.change',
    settings: ['split.changes'],
    isAsked: ({ split }) => split.changes !== undefined,
    prepare: (_, { policy }) => {
      const changes = policy.split.changes ?? answerChanges;
      const allowed = changes.join(', ');
      return (unit) => {
        if (unit.kind !== 'SI') return null;
        const change = answerChangeOf(unit);
        if (change === undefined) return fail(null, allowed, 'an answer of it was not verified');
        if (changes.includes(change)) return pass(change, allowed);
        return fail(change, allowed, null, () => [changeOf(policy, 'split.changes', [...changes, change].sort())]);
      };
    },
  },
  {
    id: 'split.step',
    settings: ['split.steps'],
    isAsked: ({ split }) => typeof split.steps === 'number',
    prepare: (_, { policy }) => {
      const most = policy.split.steps ?? Number.POSITIVE_INFINITY;
      return (unit) => {
        const step = stepOf(unit);
        if (step === undefined) return null;
        if (step <= most) return pass(step, most);
        return fail(step, most, null, () => [changeOf(policy, 'split.steps', step)]);
      };
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
