import { asyncScheduler, scan, Subject, throttleTime, type Subscription } from 'rxjs';

/** How far a phase is. `total` 0: nothing to count. */
export interface Step {
  /** A phase's name; another name begins another phase. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** What is counted, for the rate: `steps`, `problems`. */
  readonly unit: string;
  /** Small facts behind the counts, such as a loss. */
  readonly detail: string;
  /** Tokens of this step, where they are counted: for a rate. */
  readonly tokens?: number;
}

export interface Progress {
  report(step: Step): void;
  /** Shows what was reported last and leaves the line. */
  end(): void;
}

interface Tracked {
  readonly step: Step;
  readonly startedAt: number;
  readonly startedWith: number;
  /** Tokens since the phase began. */
  readonly tokens: number;
  readonly now: number;
}

const seconds = (s: number): string => {
  if (s < 60) return `${Math.ceil(s)} s`;
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(s % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** `train 1: 40 of 200 steps, 12.5 steps/s, 160 left, ETA 13 s · loss 0.4`. */
export const progressLine = ({ step, startedAt, startedWith, tokens, now }: Tracked): string => {
  const { phase, done, total, unit, detail } = step;
  const tail = detail === '' ? '' : ` · ${detail}`;
  if (total === 0) return `${phase}${tail}`;
  const spent = (now - startedAt) / 1000;
  const rate = spent > 0 && done > startedWith ? (done - startedWith) / spent : undefined;
  const parts = [`${done} of ${total} ${unit}`];
  if (rate !== undefined) parts.push(`${rate.toFixed(rate < 10 ? 1 : 0)} ${unit}/s`);
  if (rate !== undefined && tokens > 0) parts.push(`${Math.round(tokens / spent)} tokens/s`);
  if (done < total) parts.push(`${total - done} left`);
  if (done < total && rate !== undefined) parts.push(`ETA ${seconds((total - done) / rate)}`);
  if (done >= total && spent >= 1) parts.push(`took ${seconds(spent)}`);
  return `${phase}: ${parts.join(', ')}${tail}`;
};

/** How often a terminal's line is drawn anew, and how often a log gets a line. */
const liveEvery = 100;
const plainEvery = 5000;

export interface ProgressOptions {
  readonly live: boolean;
  readonly now: () => number;
  readonly write: (text: string) => void;
  /** For the width of a live line. */
  readonly columns: () => number;
}

/**
 * Progress on stderr. On a terminal one line that is drawn over; elsewhere one line when a phase begins, one when it is
 * done, and one every five seconds in between.
 */
export const createProgress = ({ live, now, write, columns }: ProgressOptions): Progress => {
  const steps = new Subject<Step>();
  const tracked = new Subject<Tracked>();
  let shown: Tracked | undefined;
  let latest: Tracked | undefined;
  const show = (one: Tracked): void => {
    if (shown?.step === one.step) return;
    shown = one;
    const line = progressLine(one);
    write(live ? `\r\u001b[K${line.slice(0, Math.max(20, columns() - 1))}` : `${line}\n`);
  };
  const every: Subscription = tracked
    .pipe(throttleTime(live ? liveEvery : plainEvery, asyncScheduler, { leading: true, trailing: true }))
    .subscribe(show);
  steps
    .pipe(
      scan((before: Tracked | undefined, step): Tracked => {
        const at = now();
        const { tokens = 0 } = step;
        if (before?.step.phase === step.phase) return { ...before, step, tokens: before.tokens + tokens, now: at };
        // The first report ends what was done before the clock started.
        return { step, startedAt: at, startedWith: step.done, tokens: 0, now: at };
      }, undefined),
    )
    .subscribe((one) => {
      if (one === undefined) return;
      const ended = latest !== undefined && latest.step.phase !== one.step.phase;
      // A phase's first and last words are always shown: they are what a log is read for.
      if (ended && latest !== undefined) {
        show(latest);
        if (live) write('\n');
      }
      const { done, total } = one.step;
      if (latest === undefined || ended || (total > 0 && done >= total)) show(one);
      latest = one;
      // Always, so that what the throttle holds back is never older than what was shown.
      tracked.next(one);
    });
  return {
    report: (step) => steps.next(step),
    end: () => {
      every.unsubscribe();
      if (latest === undefined) return;
      show(latest);
      if (live) write('\n');
      latest = undefined;
    },
  };
};

export const noProgress: Progress = { report: () => undefined, end: () => undefined };
