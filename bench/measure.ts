import { cpus } from 'node:os';

/** One measured line: events per second, and how that relates to the peer measured beside it. */
export interface Line {
  readonly what: string;
  readonly perSecond: number;
  readonly peer: string;
  readonly peerPerSecond: number;
  /** Median over the rounds of (ours / peer's), each round's two sides measured one after the other. */
  readonly ratio: number;
  readonly target: number;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
};

/** Events per second of some work. */
export const rate = async (count: number, work: () => Promise<void> | void): Promise<number> => {
  const start = performance.now();
  await work();
  return count / ((performance.now() - start) / 1000);
};

/** Runs both sides in turn, the first to go changing with the round: disk and processor drift hits both. */
export const compare = async (
  names: { readonly what: string; readonly peer: string; readonly target: number },
  rounds: number,
  ours: (round: number) => Promise<number>,
  peers: (round: number) => Promise<number>,
): Promise<Line> => {
  const pairs: (readonly [number, number])[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const peer = await peers(round);
      pairs.push([await ours(round), peer]);
    } else {
      const own = await ours(round);
      pairs.push([own, await peers(round)]);
    }
  }
  return {
    ...names,
    perSecond: Math.round(median(pairs.map(([own]) => own))),
    peerPerSecond: Math.round(median(pairs.map(([, peer]) => peer))),
    ratio: Number(median(pairs.map(([own, peer]) => own / peer)).toFixed(3)),
  };
};

/** A table for people, then the same as one line of JSON. */
export const report = (bench: string, lines: readonly Line[]): void => {
  const rows = lines.map((line) => [
    line.what,
    String(line.perSecond),
    line.peer,
    String(line.peerPerSecond),
    line.ratio.toFixed(2),
    `>= ${line.target}`,
    line.ratio >= line.target ? 'yes' : 'NO',
  ]);
  const table = [['what', 'events/s', 'against', 'events/s', 'ratio', 'target', 'met'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of table) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  console.log(JSON.stringify({ bench, node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, lines }));
};
