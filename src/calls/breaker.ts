import {
  BrokenCircuitError,
  circuitBreaker,
  ConsecutiveBreaker,
  handleType,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import * as E from 'fp-ts/Either';
import type { Clock } from '../ports/clock';
import type { Answer, AttemptFailure } from '../ports/endpoint';
import { failurePolicies } from './failurePolicy';

export interface BreakerSettings {
  /** So many outages in a row, over all calls, open the circuit. */
  readonly failures: number;
  /** How long it stays open before one call tries again. */
  readonly openMs: number;
}

export const defaultBreaker: BreakerSettings = { failures: 10, openMs: 10_000 };

/** cockatiel speaks in exceptions; this one never leaves the file. */
class Outage extends Error {
  constructor(readonly failure: AttemptFailure) {
    super(failure.kind);
  }
}

type Attempted = E.Either<AttemptFailure, Answer>;

/**
 * A circuit breaker over all calls to one server: a server that is down is not knocked at by every call in turn. Only
 * outages count; a server that refuses is there.
 */
export class Breaker {
  private readonly policy: CircuitBreakerPolicy;
  private opened = 0;

  constructor(
    readonly settings: BreakerSettings,
    private readonly clock: Clock,
  ) {
    this.policy = circuitBreaker(handleType(Outage), {
      halfOpenAfter: settings.openMs,
      breaker: new ConsecutiveBreaker(settings.failures),
    });
    this.policy.onBreak(() => {
      this.opened = clock.now();
    });
  }

  /** What the attempt gave, or the milliseconds until the circuit lets a call try again: then none was made. */
  async run(attempt: () => Promise<Attempted>): Promise<Attempted | { readonly openForMs: number }> {
    try {
      return await this.policy.execute(async () => {
        const result = await attempt();
        if (E.isLeft(result) && failurePolicies[result.left.kind].outage) throw new Outage(result.left);
        return result;
      });
    } catch (failure) {
      if (failure instanceof Outage) return E.left(failure.failure);
      if (!(failure instanceof BrokenCircuitError)) throw failure;
      return { openForMs: Math.max(1, this.opened + this.settings.openMs - this.clock.now()) };
    }
  }
}
