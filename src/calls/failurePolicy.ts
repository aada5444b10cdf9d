import { draws, type DrawKey } from '../../projections/random';
import type { FailureKind } from '../ports/endpoint';

/** What is done about one kind of failure. */
export interface FailurePolicy {
  /** How often a call may fail in this way before it is given up; 1: no other attempt is made. */
  readonly attempts: number;
  /** Every other call would fail likewise, so none is made any more. */
  readonly refusesAll: boolean;
  /** The server may have computed, and may charge for it: a budget counts the call as if it had been answered. */
  readonly maybePaid: boolean;
  /** A sign that the server is down: the circuit breaker counts it. */
  readonly outage: boolean;
}

const transient = { refusesAll: false, maybePaid: false, outage: true } as const;
const garbled = { attempts: 4, refusesAll: false, maybePaid: true, outage: false } as const;
const settled = { attempts: 1, refusesAll: false, maybePaid: false, outage: false } as const;
const hopeless = { ...settled, refusesAll: true } as const;

export const failurePolicies: Readonly<Record<FailureKind, FailurePolicy>> = {
  dns: { ...transient, attempts: 4 },
  connect: { ...transient, attempts: 6 },
  cut: { ...transient, attempts: 6, maybePaid: true },
  timeout: { ...transient, attempts: 4, maybePaid: true },
  'server-error': { ...transient, attempts: 8 },
  // The server is there and says so; src/calls/gate.ts waits for all calls together.
  'rate-limit': { ...transient, attempts: 20, outage: false },
  'content-type': garbled,
  'not-json': garbled,
  truncated: garbled,
  'bad-shape': garbled,
  'too-few-samples': garbled,
  'body-too-large': { ...garbled, attempts: 1 },
  // A filter reads the text that was made, so it may have been paid for.
  'content-filter': { ...settled, maybePaid: true },
  'key-in-reply': { ...settled, maybePaid: true },
  'too-long': settled,
  'bad-request': settled,
  quota: hopeless,
  'key-refused': hopeless,
  'model-unknown': hopeless,
};

/** Attempts at one call over all kinds of failure together. */
export const mostAttempts = 24;

export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
  /** A server that asks for a longer wait than this is not waited for: the call is given up. */
  readonly longestRetryAfterMs: number;
}

export const defaultBackoff: Backoff = { firstMs: 500, longestMs: 30_000, longestRetryAfterMs: 300_000 };

/**
 * How long to wait behind failed attempt `attempt` (from 0): doubling up to the longest, of which a seeded draw takes
 * the upper half's share, so that calls that failed together do not come back together. Never shorter than what the
 * server asked for.
 */
export const waitAfter = (
  { firstMs, longestMs }: Backoff,
  key: DrawKey,
  attempt: number,
  retryAfterMs: number | null,
): number => {
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 30));
  const jittered = Math.round(whole * (0.5 + draws(['retry', ...key]).uniform(attempt) / 2));
  return Math.max(jittered, retryAfterMs ?? 0);
};
