import * as fc from 'fast-check';
import { SlidingWindow } from '../../src/calls/slidingWindow';

const span = 1000;

/** Lets amounts through as early as they fit, each asked for some time after the one before. */
const schedule = (
  limit: number,
  asked: readonly { readonly amount: number; readonly pause: number; readonly took: number }[],
) => {
  const window = new SlidingWindow(limit, span);
  const passed: { readonly at: number; amount: number }[] = [];
  let now = 0;
  for (const { amount, pause, took } of asked) {
    now = Math.max(now + pause, window.fitsAt(amount, now + pause));
    const entry = { at: now, amount };
    const correct = window.pass(amount, now);
    passed.push(entry);
    if (took < amount) {
      correct(took);
      entry.amount = took;
    }
  }
  return passed;
};

const asked = fc.array(
  fc.record({
    amount: fc.integer({ min: 1, max: 10 }),
    pause: fc.integer({ min: 0, max: 600 }),
    took: fc.integer({ min: 0, max: 15 }),
  }),
  { maxLength: 60 },
);

describe('a sliding window', () => {
  it('never holds more than its limit within any span, and lets nobody wait for nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 30 }), asked, (limit, all) => {
        const passed = schedule(limit, all);
        const within = (from: number): number =>
          passed.filter(({ at }) => at > from - span && at <= from).reduce((sum, { amount }) => sum + amount, 0);
        for (const [i, { at }] of passed.entries()) {
          expect(within(at)).toBeLessThanOrEqual(limit);
          // Whoever waited would not have fitted a moment before.
          const earliest = (passed[i - 1]?.at ?? 0) + (all[i]?.pause ?? 0);
          const before = passed.slice(0, i).filter((other) => other.at > at - 1 - span && other.at <= at - 1);
          const sum = before.reduce((total, { amount }) => total + amount, 0) + (all[i]?.amount ?? 0);
          expect(at > earliest ? sum : limit + 1).toBeGreaterThan(limit);
        }
      }),
    );
  });

  it('lets an amount above its limit through alone', () => {
    const passed = schedule(10, [
      { amount: 4, pause: 0, took: 4 },
      { amount: 50, pause: 0, took: 50 },
      { amount: 1, pause: 0, took: 1 },
    ]);
    expect(passed.map(({ at }) => at)).toEqual([0, 1000, 2000]);
  });

  it('forgets what has left it', () => {
    const window = new SlidingWindow(5, span);
    for (let i = 0; i < 100_000; i++) window.pass(1, i * span);
    expect(window.fitsAt(5, 100_000 * span)).toBe(100_000 * span);
  });
});
