import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/ports/clock';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Time that passes only when everything waits for it: `settled` runs until a promise has ended. */
export class VirtualClock implements Clock {
  private sleepers: Sleeper[] = [];

  constructor(private time = 1_000_000) {}

  now(): number {
    return this.time;
  }

  /** How many are asleep. */
  get asleep(): number {
    return this.sleepers.length;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.sleepers = this.sleepers.filter((one) => one !== sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { at: this.time + milliseconds, wake };
      this.sleepers.push(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }

  /** Lets all that can go on do so, then moves to the next moment at which somebody wakes. False: nobody sleeps. */
  async step(): Promise<boolean> {
    for (let i = 0; i < 3; i++) await setImmediate();
    const at = Math.min(...this.sleepers.map((sleeper) => sleeper.at));
    if (at === Infinity) return false;
    this.time = Math.max(this.time, at);
    for (const { wake } of this.sleepers.filter((sleeper) => sleeper.at <= at)) wake();
    return true;
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    const state = { ended: false };
    const end = (): void => {
      state.ended = true;
    };
    promise.then(end, end);
    while (!state.ended) {
      if ((await this.step()) || state.ended) continue;
      for (let i = 0; i < 50; i++) await setImmediate();
      if (this.asleep === 0 && !state.ended) throw new Error('nothing moves any more, and the promise has not ended');
    }
    return promise;
  }
}
