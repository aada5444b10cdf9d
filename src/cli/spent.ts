import type { ModelRef } from '../../events/codecs';
import { canonicalJson } from '../../events/digest';
import type { Spent } from '../calls/budget';
import type { EventLog } from '../ports/eventLog';
import { eventsOf } from './find';

const amountOf = (price: unknown): number => {
  const amount: unknown = typeof price === 'object' && price !== null && 'amount' in price ? price.amount : 0;
  return typeof amount === 'number' ? amount : 0;
};

/** What a ledger has paid for calls of a model already: a budget counts it, so that one that was reached is not begun anew. */
export const spentOn = async (log: EventLog, model: ModelRef): Promise<Spent> => {
  const wanted = canonicalJson(model);
  const spent = { money: 0, calls: 0, tokens: 0 };
  for (const { type, data } of await eventsOf(log, 'GenerationProduced', 'CallFailed')) {
    if (data.model === null || canonicalJson(data.model) !== wanted) continue;
    if (data.reusedFrom !== null) continue;
    if (type === 'CallFailed') {
      spent.calls += 1;
      continue;
    }
    if (data.served === null) continue;
    spent.calls += 1;
    spent.money += amountOf(data.price);
    spent.tokens += (data.served.usage?.promptTokens ?? 0) + (data.served.usage?.completionTokens ?? 0);
  }
  return spent;
};
