import type { Measured, Refusal, Verdict } from './rule';

/** What became of the candidates of a stage, by their places in it: for each the rule that keeps it out, or its rank. */
export class Fates {
  private readonly rules: string[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly details = new Map<string, string>();
  /** 1 + the number of the rule; 0: none. */
  private readonly refusedBy: Uint16Array;
  private readonly found: (Measured | undefined)[];
  private readonly thresholds: Measured[];
  private readonly told: (string | null)[];

  constructor(size: number) {
    this.refusedBy = new Uint16Array(size);
    this.found = Array.from({ length: size }, () => undefined);
    this.thresholds = Array.from({ length: size }, () => null);
    this.told = Array.from({ length: size }, () => null);
  }

  private note(at: number, { value, threshold, detail }: Pick<Verdict, 'value' | 'threshold' | 'detail'>): void {
    this.found[at] = value;
    this.thresholds[at] = threshold;
    if (detail === null) return;
    // Many have the same one.
    const known = this.details.get(detail);
    if (known === undefined) this.details.set(detail, detail);
    this.told[at] = known ?? detail;
  }

  refuse(at: number, rule: string, verdict: Verdict): void {
    let number = this.numbers.get(rule);
    if (number === undefined) {
      number = this.rules.push(rule);
      this.numbers.set(rule, number);
    }
    this.refusedBy[at] = number;
    this.note(at, verdict);
  }

  /** What a ranking rule said of one that it keeps. */
  rank(at: number, verdict: Verdict): void {
    this.note(at, { ...verdict, detail: null });
  }

  /** Why this one is out; undefined where it is not. */
  refusal(at: number): Refusal | undefined {
    const rule = this.rules[(this.refusedBy[at] ?? 0) - 1];
    if (rule === undefined) return undefined;
    const [value = null, threshold = null, detail = null] = [this.found[at], this.thresholds[at], this.told[at]];
    return { rule, value, threshold, detail };
  }

  /** The rank of one that is not out, where a rule ranks it. */
  ranked(at: number): { readonly value: Measured; readonly threshold: Measured } {
    return { value: this.found[at] ?? null, threshold: this.thresholds[at] ?? null };
  }
}
