/** What was let through in the last `span` milliseconds, oldest first. */
interface Passed {
  readonly at: number;
  amount: number;
  left: boolean;
}

/** Counts amounts over a sliding window of time, exactly: no burst at the turn of a minute. */
export class SlidingWindow {
  private entries: Passed[] = [];
  private first = 0;
  private sum = 0;

  constructor(
    readonly limit: number,
    readonly span: number,
  ) {}

  private expire(now: number): void {
    for (let oldest = this.entries[this.first]; oldest !== undefined; oldest = this.entries[this.first]) {
      if (oldest.at + this.span > now) break;
      this.sum -= oldest.amount;
      oldest.left = true;
      this.first += 1;
    }
    if (this.first > 1024 && this.first * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.first);
      this.first = 0;
    }
  }

  /**
   * When an amount fits: `now`, or the moment at which enough of what is counted has left the window. An amount above the
   * limit fits only an empty window.
   */
  fitsAt(amount: number, now: number): number {
    this.expire(now);
    let over = Math.min(amount, this.limit) + this.sum - this.limit;
    let at = now;
    for (let i = this.first; over > 0; i++) {
      const entry = this.entries[i];
      if (entry === undefined) break;
      over -= entry.amount;
      at = entry.at + this.span;
    }
    return at;
  }

  /** Counts an amount; what is returned corrects it once the true amount is known. */
  pass(amount: number, now: number): (trueAmount: number) => void {
    const entry: Passed = { at: now, amount, left: false };
    this.entries.push(entry);
    this.sum += amount;
    return (trueAmount) => {
      // What has left the window was taken off the sum as it then stood.
      if (entry.left) return;
      this.sum += trueAmount - entry.amount;
      entry.amount = trueAmount;
    };
  }
}
