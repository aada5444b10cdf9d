import { textKey } from '../../events/digest';
import { changeOf } from './change';
import { answerChanges, type AnswerChange } from './policy';
import { fail, pass, type Rule } from './rule';
import { within } from './scope';
import type { Unit } from './split';
import { undeduplicated } from './trajectoryRules';
import { twinsOf } from './twins';

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
    measure: ({ sections, end }, { policy, countTokens }) => {
      if (countTokens === undefined) throw new Error(`Policy ${policy.name} has maxTokens: give countTokens.`);
      return countTokens(sections, end);
    },
    prepare: (_, { policy }, measured) => {
      const most = policy.admit.maxTokens ?? Number.POSITIVE_INFINITY;
      return (_unit, at) => {
        const tokens = Number(measured(at));
        if (tokens <= most) return pass(tokens, most);
        return fail(tokens, most, null, () => [changeOf(policy, 'admit.maxTokens', tokens)]);
      };
    },
  },
  {
    id: 'split.duplicate-row',
    settings: ['admit.dedupRows'],
    isAsked: ({ admit }) => admit.dedupRows !== 'none',
    measure: ({ place, sections, end }, { policy: { admit } }) => {
      const text = sections.map((section) => section.text).join('');
      const where = admit.dedupRows === 'none' ? [] : within(admit.dedupRows, place);
      return textKey(JSON.stringify([...where, text, end]));
    },
    prepare: (reaching, { policy }, measured) => {
      const { dedupRows } = policy.admit;
      const twins = twinsOf(reaching.length, measured);
      return (_, at) => {
        const twin = reaching[twins[at] ?? -1];
        if (twin === undefined) return pass(null, null, `the first of its text within one ${dedupRows}`);
        return fail(twin.id, null, `same text within one ${dedupRows}`, undeduplicated(policy, 'dedupRows'));
      };
    },
  },
];
