import type { Spread } from '../../projections/ablation/report';

/** A share in per cent. */
export const points = (share: number): string => (100 * share).toFixed(1);

/** A difference of shares in points, with its sign. */
export const signedPoints = (difference: number): string => `${difference > 0 ? '+' : ''}${points(difference)}`;

/** `56.8 ± 1.9`: mean and standard deviation over seeds, each by `write`; `-` where there is nothing. */
export const spreadBy = (spread: Spread | null | undefined, write: (value: number) => string): string =>
  spread === null || spread === undefined
    ? '-'
    : `${write(spread.mean)}${spread.sd === null ? '' : ` ± ${write(spread.sd)}`}`;

/** The same of shares, in per cent. */
export const spreadText = (spread: Spread | null | undefined): string => spreadBy(spread, points);

export const probability = (p: number): string => (p < 0.001 ? '<0.001' : p.toFixed(3));

/** A count or a mean of counts: whole where it is, else to a tenth. */
export const amount = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));

/** A value of a setting, or a position on an axis, as it was given. */
export const plain = (value: number): string => String(Number(value.toPrecision(12)));

/** The values behind a mean, in the order of the seeds. */
export const each = (values: readonly number[], write: (value: number) => string): string =>
  values.length === 0 ? '-' : values.map(write).join(' ');
