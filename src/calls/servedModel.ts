import * as E from 'fp-ts/Either';
import type { BlobStore } from '../ports/blobStore';
import type { Clock } from '../ports/clock';
import type { Endpoint } from '../ports/endpoint';
import type { CallObserver, Completion, CompletionRequest, LanguageModel, ModelError } from '../ports/languageModel';
import { Breaker, defaultBreaker, type BreakerSettings } from './breaker';
import { Budget, noLimits } from './budget';
import { makeCall, type CallTools } from './call';
import { defaultBackoff, type Backoff } from './failurePolicy';
import { Gate, type RateLimits } from './gate';
import { priceOf, type PriceTable } from './prices';
import { stoppedBy } from './stopping';

export interface ServedSettings {
  readonly limits: RateLimits;
  /** Other models may share it; without one there is none. */
  readonly budget?: Budget;
  readonly backoff?: Backoff;
  readonly breaker?: BreakerSettings;
  readonly prices: PriceTable;
}

export interface ServedPorts {
  readonly endpoint: Endpoint;
  readonly blobs: BlobStore;
  readonly clock: Clock;
}

type Asked = E.Either<ModelError, readonly Completion[]>;

/** Faults after which no other call is begun; the others concern one request. */
const endsAll = new Set<ModelError['tag']>([
  'EndpointRefused',
  'BudgetReached',
  'Interrupted',
  'BlobNoSpace',
  'BlobUnavailable',
]);

/**
 * A model behind an endpoint as a LanguageModel: rate limits, budgets, retries by kind of failure, a circuit breaker, and
 * the exact bytes of every attempt in the blob store.
 *
 * All requests of one `complete` are under way together. A fault of one request does not stop the others; what ends all
 * lets calls that are under way finish and tells the observer of them, so nothing that was paid for is lost. An abort
 * does likewise. Of several faults, one that ends all is returned, else that of the first request in request order.
 */
export const servedModel = (
  settings: ServedSettings,
  { endpoint, blobs, clock }: ServedPorts,
): E.Either<ModelError, LanguageModel> => {
  const { limits, budget = new Budget(noLimits, clock), prices } = settings;
  const price = priceOf(prices, endpoint.model);
  if (budget.limits.money !== null && price === undefined)
    return E.left({ tag: 'PriceUnknown', model: endpoint.model, known: Object.keys(prices.models).sort() });
  const tools: CallTools = {
    endpoint,
    blobs,
    clock,
    budget,
    price,
    gate: new Gate(limits, clock),
    breaker: new Breaker(settings.breaker ?? defaultBreaker, clock),
    backoff: settings.backoff ?? defaultBackoff,
  };

  const complete = async (
    requests: readonly CompletionRequest[],
    signal: AbortSignal | undefined,
    observer: CallObserver,
  ): Promise<Asked> => {
    const ending = stoppedBy(signal);
    const end = (): void => ending.controller.abort();
    try {
      const asked = await Promise.all(
        requests.map(async (request, index): Promise<Asked> => {
          const { controller, release } = stoppedBy(ending.controller.signal);
          try {
            const result = await makeCall(request, index, tools, { signal: controller.signal, end }, observer);
            if (E.isLeft(result) && endsAll.has(result.left.tag)) end();
            return result;
          } finally {
            release();
          }
        }),
      );
      // A request that was not begun because another one ended all of them is not what went wrong.
      const faults = asked.filter(E.isLeft).map(({ left }) => left);
      const fault =
        faults.find(({ tag }) => endsAll.has(tag) && tag !== 'Interrupted') ??
        faults.find(({ tag }) => tag === 'Interrupted') ??
        faults[0];
      if (fault !== undefined) return E.left(fault);
      return E.right(asked.flatMap((result) => (E.isRight(result) ? result.right : [])));
    } finally {
      ending.release();
    }
  };

  return E.right({
    ref: { kind: 'endpoint', name: endpoint.model },
    batch: limits.concurrency,
    complete:
      (requests, signal, observer = {}) =>
      () =>
        complete(requests, signal, observer),
  });
};
