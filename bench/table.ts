import * as E from 'fp-ts/Either';

/** What went right; throws what went wrong. */
export const orThrow = <L, R>(either: E.Either<L, R>): R => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left));
  return either.right;
};

/** Seconds that a piece of work takes. */
export const seconds = async (work: () => Promise<void> | void): Promise<number> => {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** Prints rows under a title, and the same as one JSON line for machines. */
export const report = (title: string, rows: readonly Readonly<Record<string, string | number>>[]): void => {
  console.log(`\n${title}`);
  console.table(rows.map((row) => ({ ...row })));
  console.log(JSON.stringify({ title, rows }));
};

export const rounded = (value: number, digits = 3): number => Number(value.toPrecision(digits));
