import { shuffledById } from '../random';
import { refusal, within, type Refusal } from './admit';
import type { Policy } from './policy';
import type { Unit } from './split';

/** A unit that stays, with its place in the draw when there was one: `rank` of the `kept` that were taken. */
export interface Drawn {
  readonly rank: number;
  readonly kept: number;
}

export interface Balanced {
  readonly kept: ReadonlySet<string>;
  readonly refused: ReadonlyMap<string, Refusal>;
  readonly drawn: ReadonlyMap<string, Drawn>;
}

/** How many x_T stay beside `si` x_SI: min(ceil(K / r), available); all of them when r ≤ 0 (§1.4). */
export const keptBeside = (si: number, available: number, ratio: number): number =>
  ratio <= 0 ? available : Math.min(Math.ceil((si / ratio) * (1 - 1e-12)), available);

const groupBy = (units: readonly Unit[], key: (unit: Unit) => string): Map<string, Unit[]> => {
  const groups = new Map<string, Unit[]>();
  for (const unit of units) {
    const known = groups.get(key(unit));
    if (known === undefined) groups.set(key(unit), [unit]);
    else known.push(unit);
  }
  return groups;
};

/**
 * Balance and limit. Units come in canonical order, trajectories' first: per group all x_SI and the drawn x_T stay,
 * until a soft limit is reached; then gold is drawn, per problem, to match the x_T that stayed; then the hard limit.
 */
export const balanceAll = (units: readonly Unit[], policy: Policy, seed: number): Balanced => {
  const { ratio, gold } = policy.balance;
  const { rows: most, kind: limit } = policy.limit;
  const kept = new Set<string>();
  const refused = new Map<string, Refusal>();
  const drawn = new Map<string, Drawn>();
  let terminal = 0;

  const own = units.filter((u) => u.trajectory !== null);
  for (const group of groupBy(own, (u) => JSON.stringify(within(policy.balance.within, u.place))).values()) {
    if (most !== null && limit === 'soft' && kept.size >= most) {
      for (const unit of group) refused.set(unit.id, refusal('limit.soft', kept.size, most));
      continue;
    }
    const t = group.filter((u) => u.bucket === 'T');
    const stay = keptBeside(group.filter((u) => u.bucket === 'SI').length, t.length, ratio);
    for (const unit of group) if (unit.bucket !== 'T') kept.add(unit.id);
    for (const [i, unit] of shuffledById(t, (u) => u.id, [seed, 'balance', 'T']).entries()) {
      if (ratio > 0) drawn.set(unit.id, { rank: i + 1, kept: stay });
      if (i < stay) kept.add(unit.id);
      else refused.set(unit.id, refusal('balance.not-drawn', i + 1, stay, `of ${t.length} x_T`));
    }
    terminal += stay;
  }

  const byProblem = [
    ...groupBy(
      units.filter((u) => u.trajectory === null),
      (u) => u.problem.eventId,
    ),
  ];
  const goldStay = gold === 'all' ? byProblem.length : Math.min(terminal, byProblem.length);
  for (const [i, [, group]] of shuffledById(byProblem, ([id]) => id, [seed, 'balance', 'GT']).entries()) {
    for (const unit of group) {
      if (gold === 'match') drawn.set(unit.id, { rank: i + 1, kept: goldStay });
      if (i < goldStay) kept.add(unit.id);
      else refused.set(unit.id, refusal('balance.gold-not-drawn', i + 1, goldStay, `of ${byProblem.length} gold`));
    }
  }

  if (most !== null && limit === 'hard' && kept.size > most) {
    const left = units.filter((u) => kept.has(u.id));
    for (const [i, unit] of shuffledById(left, (u) => u.id, [seed, 'limit']).entries()) {
      if (i < most) continue;
      kept.delete(unit.id);
      refused.set(unit.id, refusal('limit.hard', i + 1, most, `of ${left.length} rows`));
    }
  }
  return { kept, refused, drawn };
};
