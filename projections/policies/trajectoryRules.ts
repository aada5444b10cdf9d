import { textKey, type Json } from '../../events/digest';
import { pushTo } from '../projection';
import { shuffledById } from '../random';
import type { JudgedLedger } from '../trajectory';
import { alone, eventsOf, type TrajectoryRule } from './alone';
import { answerRules } from './answerRules';
import { changeOf } from './change';
import { customTrajectoryRule } from './customRules';
import { labelRules } from './labelRules';
import { iterationRule, leftOutRule, teacherRule } from './selectRules';
import type { Policy } from './policy';
import { fail, pass, type Change, type Verdict } from './rule';
import { within } from './scope';
import { asAttempt, isAttempt } from './split';
import { twinsOf } from './twins';

/** A list setting with one more value. */
const added = (policy: Policy, setting: string, have: readonly string[], one: string) => (): readonly Change[] => [
  changeOf(policy, setting, [...have, one].sort()),
];

/** The first of these events that was taken back. */
export const retractedVerdict = ({ retractions }: JudgedLedger, eventIds: () => readonly string[]): Verdict => {
  if (retractions.size === 0) return pass();
  for (const id of eventIds()) {
    const note = retractions.get(id);
    if (note !== undefined) return fail(id, null, `${note.by}: ${note.reason}`);
  }
  return pass();
};

/** What a source must be among. */
export const sourceVerdict = (policy: Policy, source: Policy['select']['sources'][number]): Verdict => {
  const { sources } = policy.select;
  const allowed = sources.join(', ');
  if (sources.includes(source)) return pass(source, allowed);
  return fail(source, allowed, null, added(policy, 'select.sources', sources, source));
};

const narrower: Readonly<Record<Policy['admit']['dedup'], readonly Json[]>> = {
  scope: ['iteration', 'pass', 'none'],
  iteration: ['pass', 'none'],
  pass: ['none'],
  none: [],
};

/** Narrower places within which one text counts as one, down to none. */
export const undeduplicated = (policy: Policy, setting: 'dedup' | 'dedupRows') => (): readonly Change[] =>
  narrower[policy.admit[setting]].map((to) => changeOf(policy, `admit.${setting}`, to));

export const sourceRule: TrajectoryRule = {
  id: 'select.source',
  settings: ['select.sources'],
  prepare: alone((_, { policy }) => sourceVerdict(policy, 'trajectories')),
};

const problemRule: TrajectoryRule = {
  id: 'select.unknown-problem',
  settings: [],
  prepare: alone(({ trajectory, problem }) => {
    const problemId = trajectory.place?.problemId ?? null;
    return problem === undefined ? fail(problemId) : pass(problemId);
  }),
};

const splitRule: TrajectoryRule = {
  id: 'select.split',
  settings: [],
  prepare: alone(({ problem }) => {
    const split = problem?.problem.split ?? null;
    return split === 'train' ? pass(split, 'train') : fail(split, 'train');
  }),
};

const retractionRule: TrajectoryRule = {
  id: 'admit.retracted',
  settings: [],
  prepare: alone((asked, context) => retractedVerdict(context.all, () => eventsOf(asked))),
};

const openRule: TrajectoryRule = {
  id: 'collect.open',
  settings: [],
  prepare: alone(({ trajectory: { closing } }) => (closing === null ? fail() : pass(closing.outcome))),
};

const outcomeRule: TrajectoryRule = {
  id: 'collect.outcome',
  settings: ['admit.outcomes'],
  prepare: alone(({ trajectory: { closing } }, { policy }) => {
    const { outcomes } = policy.admit;
    const allowed = outcomes.join(', ');
    if (closing === null) return fail(null, allowed);
    const { outcome, reason, detail } = closing;
    if (outcomes.includes(outcome)) return pass(outcome, allowed, reason);
    return fail(outcome, allowed, detail, added(policy, 'admit.outcomes', outcomes, outcome), `collect.${reason}`);
  }),
};

const attemptRule: TrajectoryRule = {
  id: 'admit.no-attempt',
  settings: [],
  prepare: alone(({ trajectory: { turns, closing } }) => {
    const attempts = turns.filter(isAttempt).length;
    return attempts > 0 ? pass(attempts) : fail(closing?.outcome ?? null, null, closing?.reason ?? null);
  }),
};

const authorRule: TrajectoryRule = {
  id: 'select.author',
  settings: ['select.authors.attempt', 'select.authors.feedback', 'select.authors.improvement'],
  prepare: alone(({ trajectory: { turns } }, { policy }) => {
    for (const { kind, author, round } of turns) {
      const allowed = policy.select.authors[kind];
      if (allowed.includes(author)) continue;
      const remedies = added(policy, `select.authors.${kind}`, allowed, author);
      return fail(author, allowed.join(', '), `${kind} of round ${round}`, remedies);
    }
    return pass([...new Set(turns.map(({ author }) => author))].sort().join(', '));
  }),
};

/** Words as they are split on single spaces: one more than there are spaces. */
const wordsIn = (text: string): number => {
  let words = 1;
  for (let at = text.indexOf(' '); at >= 0; at = text.indexOf(' ', at + 1)) words += 1;
  return words;
};

const wordsRule: TrajectoryRule = {
  id: 'admit.max-words',
  settings: ['admit.maxWords'],
  isAsked: ({ admit }) => admit.maxWords !== null,
  measure: ({ trajectory: { turns } }) => {
    let longest = 0;
    for (const turn of turns) if (isAttempt(turn)) longest = Math.max(longest, wordsIn(asAttempt(turn).text));
    return longest;
  },
  prepare: (_, { policy }, measured) => {
    const most = policy.admit.maxWords ?? Number.POSITIVE_INFINITY;
    return (_asked, at) => {
      const longest = Number(measured(at));
      if (longest <= most) return pass(longest, most);
      return fail(longest, most, null, () => [changeOf(policy, 'admit.maxWords', longest)]);
    };
  },
};

const logprobRule: TrajectoryRule = {
  id: 'admit.min-logprob',
  settings: ['admit.minLogprob'],
  isAsked: ({ admit }) => typeof admit.minLogprob === 'number',
  measure: ({ trajectory: { turns, calls } }) => {
    const first = turns.find(isAttempt);
    return calls.find(({ eventId }) => eventId === first?.generationId)?.meanLogprob ?? Number.NaN;
  },
  prepare: (_, { policy }, measured) => {
    const least = policy.admit.minLogprob ?? Number.NEGATIVE_INFINITY;
    return (_asked, at) => {
      const found = Number(measured(at));
      const mean = Number.isNaN(found) ? null : found;
      if (mean !== null && mean >= least) return pass(mean, least);
      return fail(mean, least, mean === null ? 'no log-probabilities' : null, () => [
        changeOf(policy, 'admit.minLogprob', mean),
      ]);
    };
  },
};

const updatesRule: TrajectoryRule = {
  id: 'admit.max-updates',
  settings: ['admit.maxUpdates'],
  isAsked: ({ admit }) => typeof admit.maxUpdates === 'number',
  prepare: alone(({ trajectory: { turns } }, { policy }) => {
    const most = policy.admit.maxUpdates ?? Number.POSITIVE_INFINITY;
    const updates = turns.filter(({ kind }) => kind === 'improvement').length;
    if (updates <= most) return pass(updates, most);
    return fail(updates, most, null, () => [changeOf(policy, 'admit.maxUpdates', updates)]);
  }),
};

const duplicateRule: TrajectoryRule = {
  id: 'admit.duplicate',
  settings: ['admit.dedup'],
  isAsked: ({ admit }) => admit.dedup !== 'none',
  measure: ({ trajectory: { turns, place }, problem }, { policy: { admit } }) => {
    const text = (problem?.problem.prompt ?? '') + turns.map((turn) => turn.text).join('');
    return textKey(JSON.stringify([...(admit.dedup === 'none' ? [] : within(admit.dedup, place)), text]));
  },
  prepare: (reaching, { policy }, measured) => {
    const { dedup } = policy.admit;
    const twins = twinsOf(reaching.length, measured);
    return (_, at) => {
      const twin = reaching[twins[at] ?? -1];
      if (twin === undefined) return pass(null, null, `the first of its text within one ${dedup}`);
      const detail = `same text within one ${dedup}`;
      return fail(twin.trajectory.trajectoryId, null, detail, undeduplicated(policy, 'dedup'));
    };
  },
};

const perProblemRule: TrajectoryRule = {
  id: 'admit.per-problem',
  settings: ['admit.perProblem'],
  isAsked: ({ admit }) => admit.perProblem !== null,
  prepare: (reaching, { policy, seed }) => {
    const most = policy.admit.perProblem ?? Number.POSITIVE_INFINITY;
    const groups = new Map<string, number[]>();
    for (const [at, { trajectory }] of reaching.entries()) {
      const key = trajectory.place?.problemId ?? '';
      pushTo(groups, key, at);
    }
    const idAt = (at: number): string => reaching[at]?.trajectory.trajectoryId ?? '';
    const ranks = new Uint32Array(reaching.length);
    for (const group of groups.values()) {
      const drawn = shuffledById(group, idAt, [seed, 'per-problem']);
      for (const [i, at] of drawn.entries()) ranks[at] = i + 1;
    }
    return (_, at) => {
      const rank = ranks[at] ?? 0;
      if (rank <= most) return pass(rank, most);
      return fail(rank, most, null, () => [changeOf(policy, 'admit.perProblem', rank)]);
    };
  },
};

/** Select and admit, in the order in which they are asked: which trajectories go on to become rows. */
export const trajectoryRules: readonly TrajectoryRule[] = [
  sourceRule,
  problemRule,
  iterationRule,
  splitRule,
  leftOutRule,
  retractionRule,
  openRule,
  outcomeRule,
  attemptRule,
  authorRule,
  teacherRule,
  ...labelRules,
  wordsRule,
  logprobRule,
  updatesRule,
  ...answerRules,
  duplicateRule,
  customTrajectoryRule,
  perProblemRule,
];
