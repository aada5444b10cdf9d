import type { SharePorts } from '../../src/collect/share';

/**
 * Time that passes only while everybody waits: what can happen at one moment has all happened before the next timer is
 * due, so that a test is the same however busy the machine is.
 */
export class FakeTime {
  private steady = 0;
  private timers: { readonly due: number; readonly fire: () => void }[] = [];
  private going = false;

  readonly now: SharePorts['now'] = () => ({ steady: this.steady, wall: 1_000_000 + this.steady });

  readonly pause: SharePorts['pause'] = (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const stop = (): void => {
        this.timers = this.timers.filter((other) => other !== timer);
        resolve();
      };
      const fire = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const timer = { due: this.steady + milliseconds, fire };
      this.timers.push(timer);
      signal.addEventListener('abort', stop);
      this.go();
    });

  private go(): void {
    if (this.going) return;
    this.going = true;
    setImmediate(() => this.step());
  }

  private step(): void {
    this.timers.sort((a, b) => a.due - b.due);
    const next = this.timers.shift();
    this.going = false;
    if (next === undefined) return;
    this.steady = Math.max(this.steady, next.due);
    next.fire();
    if (this.timers.length > 0) this.go();
  }
}
