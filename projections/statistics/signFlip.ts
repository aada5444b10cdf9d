import { words, type DrawKey } from '../random';

export interface SignFlip {
  /** Two-sided: the share of sign assignments whose mean is at least as far from 0 as the one seen. */
  readonly p: number;
  /** The smallest p that so few values can give. */
  readonly smallest: number;
  /** Whether all assignments were looked at, or drawn ones. */
  readonly exact: boolean;
}

/** All assignments are looked at up to so many values: 2^14. */
const exactUpTo = 14;

/** A mean is as far from 0 as another up to rounding of the sums. */
const slack = 1e-12;

/**
 * Randomisation test of a mean difference (Fisher 1935, section 21): were the two arms alike, each value's sign would be
 * as likely the other. Values are per item (would other problems show it?) or per seed (would other seeds?). Zeros tell
 * nothing and are left out. Beyond 14 values, `replicates` counter-based draws and the seen assignment stand for all.
 */
export const signFlipTest = (values: readonly number[], key: DrawKey, replicates = 10000): SignFlip => {
  const told = values.filter((value) => value !== 0);
  const n = told.length;
  if (n === 0) return { p: 1, smallest: 1, exact: true };
  const seen = Math.abs(told.reduce((sum, value) => sum + value, 0));
  const far = (sum: number): boolean => Math.abs(sum) >= seen * (1 - slack) - slack;
  if (n <= exactUpTo) {
    let count = 0;
    for (let signs = 0; signs < 2 ** n; signs++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += (signs >>> i) & 1 ? -(told[i] ?? 0) : (told[i] ?? 0);
      if (far(sum)) count += 1;
    }
    return { p: count / 2 ** n, smallest: Math.min(1, 2 / 2 ** n), exact: true };
  }
  // 32 signs of one word.
  const each = Math.ceil(n / 32);
  const drawn = words(['sign-flip', ...key], replicates * each);
  let count = 0;
  for (let r = 0; r < replicates; r++) {
    let sum = 0;
    for (let w = 0; w < each; w++) {
      let bits = drawn[r * each + w] ?? 0;
      for (let i = w * 32; i < Math.min(n, w * 32 + 32); i++) {
        sum += bits & 1 ? -(told[i] ?? 0) : (told[i] ?? 0);
        bits >>>= 1;
      }
    }
    if (far(sum)) count += 1;
  }
  return { p: (count + 1) / (replicates + 1), smallest: 1 / (replicates + 1), exact: false };
};
