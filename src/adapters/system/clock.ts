import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../../ports/clock';

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds, signal) => {
    if (signal?.aborted === true) return;
    // An abort ends the wait; it is no failure of it.
    await setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  },
};
