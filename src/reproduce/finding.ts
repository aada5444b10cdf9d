/** One thing that was made again and held against what the ledger says. */
export interface Check {
  /** What was made again: `dataset`, `step 3`, `weights`, `text of call 0`. */
  readonly what: string;
  /** The id or digest of what it belongs to. */
  readonly of: string;
  readonly equal: boolean;
  /** How many single things were compared: rows, steps, texts. */
  readonly count: number;
}

/** The first difference: what, where, expected and got, and what it most likely comes from. */
export interface Finding {
  readonly kind: 'retraction' | 'input' | 'row' | 'decision' | 'step' | 'tensor' | 'text' | 'digest';
  readonly of: string;
  readonly where: string;
  readonly expected: string;
  readonly got: string;
  readonly cause: string;
}

/** What came of making things again: every comparison that was made, and the first difference if there is one. */
export interface Reproduction {
  readonly checks: readonly Check[];
  readonly findings: readonly Finding[];
}

export const check = (what: string, of: string, equal: boolean, count = 1): Check => ({ what, of, equal, count });

/** A text for a message: short, on one line, around the first character in which it differs from another. */
export const around = (text: string, other: string): string => {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at += 1;
  const from = Math.max(0, at - 20);
  const cut = text.slice(from, at + 40);
  return `${from > 0 ? '...' : ''}${JSON.stringify(cut)} (from character ${from})`;
};
