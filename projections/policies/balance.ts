import type { Json } from '../../events/digest';
import { pushTo } from '../projection';
import { shuffledById } from '../random';
import { changeOf } from './change';
import type { Policy } from './policy';
import { fail, pass, type Change, type Rule } from './rule';
import { within } from './scope';
import type { Unit } from './split';

/** How many x_T stay beside `si` x_SI: min(ceil(K / r), available); all of them when r ≤ 0 (§1.4). */
export const keptBeside = (si: number, available: number, ratio: number): number =>
  ratio <= 0 ? available : Math.min(Math.ceil((si / ratio) * (1 - 1e-12)), available);

/** The largest short decimal ratio under which at least `rank` x_T stay beside `si` x_SI; 0: only without a draw. */
export const ratioFor = (si: number, rank: number): number => {
  if (si === 0) return 0;
  if (rank <= 1) return si;
  const [from, below] = [si / rank, si / (rank - 1)];
  for (let digits = 0; digits <= 6; digits++) {
    const unit = 10 ** digits;
    const ratio = (Math.ceil(below * unit) - 1) / unit;
    if (ratio > 0 && ratio >= from && keptBeside(si, rank, ratio) >= rank) return ratio;
  }
  return from;
};

/** Places of rows of trajectories by what is balanced on its own: a pass, an iteration, or all. Canonical order. */
const balanced = (units: readonly Unit[], policy: Policy): readonly (readonly number[])[] => {
  const groups = new Map<string, number[]>();
  for (const [at, { trajectory, place }] of units.entries()) {
    if (trajectory === null) continue;
    const key = JSON.stringify(within(policy.balance.within, place));
    pushTo(groups, key, at);
  }
  return [...groups.values()];
};

/** x_SI and x_T of a group, and how many of its x_T stay. */
const shareOf = (units: readonly Unit[], group: readonly number[], ratio: number) => {
  const terminal = group.filter((at) => units[at]?.bucket === 'T');
  const si = group.filter((at) => units[at]?.bucket === 'SI').length;
  return { terminal, si, stay: keptBeside(si, terminal.length, ratio) };
};

/** Groups are taken in canonical order; none is begun once so many rows of trajectories are there (§1.4). */
const softLimit: Rule<Unit> = {
  id: 'limit.soft',
  settings: ['limit.rows', 'limit.kind'],
  isAsked: ({ limit }) => limit.rows !== null && limit.kind === 'soft',
  prepare: (reaching, { policy }) => {
    const most = policy.limit.rows ?? Number.POSITIVE_INFINITY;
    const before = new Int32Array(reaching.length).fill(-1);
    let kept = 0;
    for (const group of balanced(reaching, policy)) {
      for (const at of group) before[at] = kept;
      if (kept >= most) continue;
      const { terminal, stay } = shareOf(reaching, group, policy.balance.ratio);
      kept += group.length - terminal.length + stay;
    }
    return (_, at) => {
      const there = before[at] ?? -1;
      if (there < 0) return null;
      if (there < most) return pass(there, most);
      return fail(there, most, null, () => [changeOf(policy, 'limit.rows', there + 1)]);
    };
  },
};

const widened = (policy: Policy): readonly Change[] => {
  const wider: Readonly<Record<Policy['balance']['within'], readonly Json[]>> = {
    pass: ['iteration', 'scope'],
    iteration: ['scope'],
    scope: [],
  };
  return wider[policy.balance.within].map((to) => changeOf(policy, 'balance.within', to));
};

/** Per group all x_SI and the drawn x_T stay. */
const terminalDraw: Rule<Unit> = {
  id: 'balance.not-drawn',
  settings: ['balance.ratio', 'balance.within'],
  isAsked: ({ balance }) => balance.ratio > 0,
  ranks: true,
  prepare: (reaching, { policy, seed }) => {
    const ranks = new Uint32Array(reaching.length);
    const groupAt = new Uint32Array(reaching.length);
    const shares: { readonly stay: number; readonly of: number; readonly si: number }[] = [];
    for (const group of balanced(reaching, policy)) {
      const { terminal, si, stay } = shareOf(reaching, group, policy.balance.ratio);
      const drawn = shuffledById(terminal, (at) => reaching[at]?.id ?? '', [seed, 'balance', 'T']);
      for (const [i, at] of drawn.entries()) {
        ranks[at] = i + 1;
        groupAt[at] = shares.length;
      }
      shares.push({ stay, of: terminal.length, si });
    }
    return (_, at) => {
      const rank = ranks[at] ?? 0;
      const share = shares[groupAt[at] ?? 0];
      if (rank === 0 || share === undefined) return null;
      const { stay, of, si } = share;
      if (rank <= stay) return pass(rank, stay, `of ${of} x_T`);
      const remedies = (): readonly Change[] => {
        const ratio = ratioFor(si, rank);
        const without = ratio === 0 ? [] : [changeOf(policy, 'balance.ratio', 0)];
        return [changeOf(policy, 'balance.ratio', ratio), ...without, ...widened(policy)];
      };
      return fail(rank, stay, `of ${of} x_T`, remedies);
    };
  },
};

/** Gold is drawn, per problem, to match the x_T that stayed. */
const goldDraw: Rule<Unit> = {
  id: 'balance.gold-not-drawn',
  settings: ['balance.gold'],
  isAsked: ({ balance }) => balance.gold === 'match',
  ranks: true,
  prepare: (reaching, { policy, seed }) => {
    const gold = reaching.filter((unit) => unit.trajectory === null);
    const byProblem = [...new Set(gold.map((unit) => unit.problem.eventId))];
    const terminal = reaching.filter((unit) => unit.trajectory !== null && unit.bucket === 'T').length;
    const stay = Math.min(terminal, byProblem.length);
    const drawn = shuffledById(byProblem, (id) => id, [seed, 'balance', 'GT']);
    const ranks = new Map(drawn.map((id, i) => [id, i + 1]));
    const detail = `of ${byProblem.length} gold`;
    return ({ trajectory, problem }) => {
      if (trajectory !== null) return null;
      const rank = ranks.get(problem.eventId) ?? 0;
      if (rank <= stay) return pass(rank, stay, detail);
      return fail(rank, stay, detail, () => [changeOf(policy, 'balance.gold', 'all')]);
    };
  },
};

const hardLimit: Rule<Unit> = {
  id: 'limit.hard',
  settings: ['limit.rows', 'limit.kind'],
  isAsked: ({ limit }) => limit.rows !== null && limit.kind === 'hard',
  prepare: (reaching, { policy, seed }) => {
    const most = policy.limit.rows ?? Number.POSITIVE_INFINITY;
    const detail = `of ${reaching.length} rows`;
    if (reaching.length <= most) return () => pass(reaching.length, most, detail);
    const ranks = new Uint32Array(reaching.length);
    const places = Uint32Array.from(reaching, (_, at) => at);
    const drawn = shuffledById([...places], (at) => reaching[at]?.id ?? '', [seed, 'limit']);
    for (const [i, at] of drawn.entries()) ranks[at] = i + 1;
    return (_, at) => {
      const rank = ranks[at] ?? 0;
      if (rank <= most) return pass(rank, most, detail);
      return fail(rank, most, detail, () => [changeOf(policy, 'limit.rows', rank)]);
    };
  },
};

/** Balance and limit. Units come in canonical order, trajectories' first. */
export const balanceRules: readonly Rule<Unit>[] = [softLimit, terminalDraw, goldDraw, hardLimit];
