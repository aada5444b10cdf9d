import type { Clock } from '../ports/clock';
import { SlidingWindow } from './slidingWindow';

export interface RateLimits {
  /** Calls in flight at once. */
  readonly concurrency: number;
  readonly requestsPerMinute: number | null;
  /** Prompt and completion together; a call counts with its estimate until its usage is known. */
  readonly tokensPerMinute: number | null;
}

/** A call that was let in. */
export interface Ticket {
  /** Frees its place; the number of tokens that it really took, where known, goes into the window. */
  leave(tokens: number | null): void;
}

interface Waiting {
  readonly tokens: number;
  readonly enter: (ticket: Ticket | undefined) => void;
}

const minute = 60_000;

/**
 * Lets calls through in the order in which they came: so many at once, so many requests and tokens within any 60 seconds.
 * A server that asks to wait stops the gate for all of them.
 */
export class Gate {
  private readonly requests: SlidingWindow | undefined;
  private readonly tokens: SlidingWindow | undefined;
  private queue = new Set<Waiting>();
  private inFlight = 0;
  private closedUntil = 0;
  private timer: AbortController | undefined;

  constructor(
    readonly limits: RateLimits,
    private readonly clock: Clock,
  ) {
    const { requestsPerMinute, tokensPerMinute } = limits;
    this.requests = requestsPerMinute === null ? undefined : new SlidingWindow(requestsPerMinute, minute);
    this.tokens = tokensPerMinute === null ? undefined : new SlidingWindow(tokensPerMinute, minute);
  }

  /** Waits for a place; undefined where the signal aborted first. */
  enter(tokens: number, signal: AbortSignal | undefined): Promise<Ticket | undefined> {
    if (signal?.aborted === true) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const abort = (): void => {
        this.queue.delete(waiting);
        waiting.enter(undefined);
        this.pump();
      };
      const waiting: Waiting = {
        tokens,
        enter: (ticket) => {
          signal?.removeEventListener('abort', abort);
          resolve(ticket);
        },
      };
      signal?.addEventListener('abort', abort);
      this.queue.add(waiting);
      this.pump();
    });
  }

  /** Lets nobody in for so long. */
  closeFor(milliseconds: number): void {
    this.closedUntil = Math.max(this.closedUntil, this.clock.now() + milliseconds);
    this.pump();
  }

  /** Lets in whoever may come in now, and looks again when the next one may. */
  private pump(): void {
    this.timer?.abort();
    this.timer = undefined;
    for (const waiting of this.queue) {
      if (this.inFlight >= this.limits.concurrency) return;
      const now = this.clock.now();
      const at = Math.max(
        this.closedUntil,
        this.requests?.fitsAt(1, now) ?? now,
        this.tokens?.fitsAt(waiting.tokens, now) ?? now,
      );
      if (at > now) {
        this.lookAgain(at - now);
        return;
      }
      this.queue.delete(waiting);
      this.admit(waiting, now);
    }
  }

  private lookAgain(milliseconds: number): void {
    const timer = new AbortController();
    this.timer = timer;
    const wait = async (): Promise<void> => {
      await this.clock.sleep(milliseconds, timer.signal);
      if (this.timer === timer) this.pump();
    };
    void wait();
  }

  private admit({ tokens, enter }: Waiting, now: number): void {
    this.inFlight += 1;
    this.requests?.pass(1, now);
    const correct = this.tokens?.pass(tokens, now);
    let left = false;
    enter({
      leave: (trueTokens) => {
        if (left) throw new Error('a call left the gate twice');
        left = true;
        this.inFlight -= 1;
        if (trueTokens !== null) correct?.(trueTokens);
        this.pump();
      },
    });
  }
}
