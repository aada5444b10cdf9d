import { unitRules } from './candidates';
import { goldRules, goldSplitRules } from './policies/goldRules';
import { ruleText } from './policies/rules';
import { splitRuleIds } from './policies/splitRules';
import { trajectoryRules } from './policies/trajectoryRules';
import { byText, pushTo } from './projection';
import type { Decision } from './replayDataset';

/** Candidates in and rows out of one class. */
export interface Flow {
  readonly in: number;
  readonly out: number;
}

/** What one rule took. */
export interface Loss {
  readonly rule: string;
  readonly says: string;
  readonly lost: number;
  /** Candidates left behind it. */
  readonly left: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byIteration: Readonly<Record<string, number>>;
}

/** From candidates to rows: what each rule took, in the order in which they are asked. */
export interface Funnel {
  readonly in: number;
  readonly out: number;
  /** Trajectories and gold problems that the candidates come from. */
  readonly trajectories: number;
  readonly gold: number;
  readonly losses: readonly Loss[];
  /** By kind of row; `trajectory` is one that never became rows. */
  readonly byKind: Readonly<Record<string, Flow>>;
  /** `gold` has no iteration. */
  readonly byIteration: Readonly<Record<string, Flow>>;
}

/** Rules in the order in which candidates meet them; those that this version does not know come last, by name. */
const order: readonly string[] = [
  ...new Set([
    ...trajectoryRules.map(({ id }) => id),
    ...splitRuleIds,
    ...[...goldRules, ...goldSplitRules, ...unitRules].map(({ id }) => id),
  ]),
];

const placeOf = (rule: string): number => {
  const place = order.indexOf(rule);
  if (place >= 0) return place;
  const own = /^(?:admit|split)\.custom(?=\.)/.exec(rule)?.[0];
  if (own !== undefined) return order.indexOf(own);
  return rule.startsWith('collect.') ? order.indexOf('collect.outcome') : order.length;
};

const iterationOf = ({ iteration }: Decision): string => (iteration === null ? 'gold' : String(iteration));

const counted = (decisions: readonly Decision[], key: (decision: Decision) => string): Record<string, number> => {
  const counts = new Map<string, number>();
  for (const each of decisions) counts.set(key(each), (counts.get(key(each)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => byText(a, b)));
};

const flows = (decisions: readonly Decision[], key: (decision: Decision) => string): Record<string, Flow> => {
  const all = counted(decisions, key);
  const kept = counted(
    decisions.filter((each) => each.kept),
    key,
  );
  return Object.fromEntries(Object.entries(all).map(([name, n]) => [name, { in: n, out: kept[name] ?? 0 }]));
};

/** The funnel of a dataset, from its decisions alone: in = out + all that was lost. */
export const funnel = (decisions: readonly Decision[]): Funnel => {
  const kindOf = ({ kind }: Decision): string => kind;
  const lostTo = new Map<string, Decision[]>();
  for (const decision of decisions) {
    if (decision.kept) continue;
    pushTo(lostTo, decision.rule, decision);
  }
  const inOrder = [...lostTo].sort(([a], [b]) => placeOf(a) - placeOf(b) || byText(a, b));
  let left = decisions.length;
  const losses = inOrder.map(([rule, lost]): Loss => {
    left -= lost.length;
    const by = { byKind: counted(lost, kindOf), byIteration: counted(lost, iterationOf) };
    return { rule, says: ruleText(rule), lost: lost.length, left, ...by };
  });
  const ofTrajectories = decisions.flatMap(({ trajectoryId }) => trajectoryId ?? []);
  const ofGold = decisions.flatMap(({ trajectoryId, eventIds }) => (trajectoryId === null ? (eventIds[0] ?? []) : []));
  return {
    in: decisions.length,
    out: decisions.filter(({ kept }) => kept).length,
    trajectories: new Set(ofTrajectories).size,
    gold: new Set(ofGold).size,
    losses,
    byKind: flows(decisions, kindOf),
    byIteration: flows(decisions, iterationOf),
  };
};
