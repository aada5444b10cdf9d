import { priceOf } from '../calls/prices';
import { costInterval, lengthsOf, type CallTokens, type Interval } from '../calls/costInterval';
import type { CallPlan } from '../collect/planCalls';
import { canonicalJson } from '../../events/digest';
import type { ModelRef } from '../../events/codecs';
import type { EventLog } from '../ports/eventLog';
import type { Args } from './args';
import { pricesOf } from './endpoint';
import { eventsOf } from './find';

/** What has been measured of a model's calls: their tokens, and how many a closed trajectory took. */
const measure = async (log: EventLog, model: ModelRef) => {
  const wanted = canonicalJson(model);
  const tokens: CallTokens[] = [];
  const perTrajectory = new Map<string, number>();
  for (const { data } of await eventsOf(log, 'GenerationProduced')) {
    if (canonicalJson(data.model) !== wanted) continue;
    perTrajectory.set(data.trajectoryId, (perTrajectory.get(data.trajectoryId) ?? 0) + 1);
    const usage = data.served?.usage ?? null;
    if (usage !== null && data.reusedFrom === null)
      tokens.push({ prompt: usage.promptTokens, completion: usage.completionTokens });
  }
  const calls = [...perTrajectory.values()].reduce((sum, n) => sum + n, 0);
  return { tokens, mean: perTrajectory.size === 0 ? undefined : calls / perTrajectory.size };
};

/** The plan of a collection with a served model, as --dry-run prints it and gives it with --json. */
export const shownPlan = async (plan: CallPlan, model: ModelRef, name: string, log: EventLog, args: Args) => {
  const { tokens, mean } = await measure(log, model);
  const open = plan.trajectories - plan.closed;
  const { from, to } = plan.calls;
  // Where nothing is measured: FBK once, and FBK and IMP once more for half of the answers.
  const expected = Math.min(to, Math.max(from, Math.round(open * (mean ?? 2))));
  const calls: Interval = { from, expected, to };
  const lengths = lengthsOf(tokens, plan.next);
  const price = priceOf(pricesOf(args), name);
  const cost = costInterval(price, calls, lengths) ?? null;
  return {
    model: name,
    trajectories: { total: plan.trajectories, closed: plan.closed },
    calls: { ...calls, reused: plan.reused },
    tokens: lengths,
    cost: cost === null ? null : { currency: 'USD' as const, ...cost, dated: price?.dated ?? null },
  };
};

export type ShownPlan = Awaited<ReturnType<typeof shownPlan>>;

const dollars = (amount: number): string => `$${amount.toFixed(amount < 1 ? 4 : 2)}`;

export const planLines = ({ model, trajectories, calls, tokens, cost }: ShownPlan): readonly string[] => [
  `model    ${model}`,
  `open     ${trajectories.total - trajectories.closed} of ${trajectories.total} trajectories`,
  `calls    ${calls.from} to ${calls.to} to make, some ${calls.expected}; ${calls.reused} are on the ledger`,
  `tokens   a call has some ${Math.round(tokens.mean.prompt)} + ${Math.round(tokens.mean.completion)} (${tokens.from === 'ledger' ? 'measured' : 'by the length of the prompts'})`,
  cost === null
    ? `cost     unknown: there is no price for ${model} (--prices)`
    : `cost     ${dollars(cost.from)} to ${dollars(cost.to)}, some ${dollars(cost.expected)} (prices of ${cost.dated ?? 'unknown'})`,
];
