import type { SectionKind } from '../../projections/replayDataset';
import { paddedLength, type PlannedBatch, type TokenRow } from './batches';
import type { MicroBatch } from './engine';
import type { Normaliser } from './loss';

/** A part of a step's batch that is computed at once: lines of one padded length, each of one row, or of several packed. */
export interface PlannedMicroBatch {
  /** Indices into the dataset's rows, per line. */
  readonly lines: readonly (readonly number[])[];
  /** Padded length of every line in tokens. */
  readonly length: number;
}

export interface MicroBatchPlan {
  /** Lines of a micro-batch. */
  readonly microBatch: number;
  readonly lengthMultiple: number;
  /** Rows share lines, and see nothing of each other. */
  readonly packing: boolean;
}

/** Places that a row takes: every token but the last predicts the next. */
const placesOf = (row: TokenRow | undefined): number => Math.max(0, (row?.ids.length ?? 0) - 1);

/**
 * Rows in lines of at most `capacity` places: the longest first, each in the first line that has room (first-fit
 * decreasing; Johnson 1973), rows of one length in the order of the batch.
 */
const packed = (
  rows: readonly TokenRow[],
  indices: readonly number[],
  capacity: number,
): readonly (readonly number[])[] => {
  const order = indices.map((index, at) => ({ index, at, places: placesOf(rows[index]) }));
  order.sort((a, b) => b.places - a.places || a.at - b.at);
  const lines: { readonly rows: number[]; room: number }[] = [];
  for (const { index, places } of order) {
    const line = lines.find(({ room }) => room >= places);
    if (line === undefined) lines.push({ rows: [index], room: capacity - places });
    else {
      line.rows.push(index);
      line.room -= places;
    }
  }
  return lines.map((line) => line.rows);
};

/** How a step's batch is cut into micro-batches. */
export const microBatchesOf = (
  rows: readonly TokenRow[],
  batch: PlannedBatch,
  { microBatch, lengthMultiple, packing }: MicroBatchPlan,
): readonly PlannedMicroBatch[] => {
  const lines = packing ? packed(rows, batch.rows, batch.length) : batch.rows.map((row) => [row]);
  const placesIn = (line: readonly number[]): number => line.reduce((sum, row) => sum + placesOf(rows[row]), 0);
  return Array.from({ length: Math.ceil(lines.length / microBatch) }, (_, i) => {
    const part = lines.slice(i * microBatch, (i + 1) * microBatch);
    return { lines: part, length: paddedLength(Math.max(...part.map(placesIn)), lengthMultiple) };
  });
};

/** Names the graph that a micro-batch needs: `<lines>x<length>`. */
export const graphKey = (lines: number, length: number): string => `${lines}x${length}`;

/** Tokens that count (weight above 0), and 1 / normaliser; undefined where the normaliser is 0: the mean would be 0/0. */
export const totalsOf = (
  rows: readonly TokenRow[],
  batch: PlannedBatch,
  normaliser: Normaliser,
): { readonly tokens: number; readonly scale: number } | undefined => {
  let tokens = 0;
  let weight = 0;
  for (const index of batch.rows)
    for (const w of rows[index]?.weights.slice(1) ?? []) {
      if (w > 0) tokens++;
      weight += w;
    }
  const normalised = normaliser === 'tokens' ? tokens : weight;
  return normalised > 0 ? { tokens, scale: 1 / normalised } : undefined;
};

/** Visits the places of a micro-batch that hold a token with a target: row, place in the row, and flat place. */
const eachPlace = (
  rows: readonly TokenRow[],
  { lines, length }: PlannedMicroBatch,
  visit: (row: TokenRow, at: number, place: number, segment: number) => void,
): void =>
  lines.forEach((line, lineAt) => {
    let start = lineAt * length;
    line.forEach((index, segment) => {
      const row = rows[index];
      if (row === undefined) throw new Error(`no row ${index} among ${rows.length}`);
      for (let i = 0; i < placesOf(row); i++) visit(row, i, start + i, segment);
      start += placesOf(row);
    });
  });

/**
 * The feeds of a micro-batch, row-major over [lines, length]; what no row fills has weight 0. Packed, `positions` count
 * from each row's start, and `segments` number the rows of a line; what no row fills is a segment of its own, -1.
 */
export const fillMicroBatch = (
  rows: readonly TokenRow[],
  planned: PlannedMicroBatch,
  { microBatch, packing }: MicroBatchPlan,
  scale: number,
): MicroBatch => {
  const { length } = planned;
  const size = microBatch * length;
  const ids = new BigInt64Array(size);
  const targets = new BigInt64Array(size);
  const weights = new Float32Array(size);
  const positions = new BigInt64Array(size);
  const segments = new Float32Array(size).fill(-1);
  eachPlace(rows, planned, (row, i, place, segment) => {
    ids[place] = BigInt(row.ids[i] ?? 0);
    targets[place] = BigInt(row.ids[i + 1] ?? 0);
    weights[place] = row.weights[i + 1] ?? 0;
    positions[place] = BigInt(i);
    segments[place] = segment;
  });
  return {
    key: graphKey(microBatch, length),
    feeds: {
      ids: { dtype: 'int64', dims: [microBatch, length], data: ids },
      targets: { dtype: 'int64', dims: [size], data: targets },
      weights: { dtype: 'float32', dims: [size], data: weights },
      scale: { dtype: 'float32', dims: [], data: Float32Array.of(scale) },
      ...(packing
        ? {
            positions: { dtype: 'int64', dims: [microBatch, length], data: positions },
            segments: { dtype: 'float32', dims: [microBatch, length], data: segments },
          }
        : {}),
    },
  };
};

/** Σ weight · loss over the tokens of micro-batches that count, in double, in the order of the places. */
export const weightedLoss = (
  rows: readonly TokenRow[],
  planned: readonly PlannedMicroBatch[],
  nll: readonly Float32Array[],
): number => {
  let sum = 0;
  planned.forEach((part, i) =>
    eachPlace(rows, part, (row, at, place) => {
      // As it was fed.
      const weight = Math.fround(row.weights[at + 1] ?? 0);
      if (weight > 0) sum += weight * (nll[i]?.[place] ?? Number.NaN);
    }),
  );
  return sum;
};

/** Mean loss of one kind of section over a step's tokens that count. */
export interface SectionLoss {
  readonly tokens: number;
  /** Nats per token, unweighted, summed in double in the order of the places. */
  readonly loss: number;
}

/** Losses by section of the tokens with a weight above 0, from each micro-batch's token losses. */
export const sectionLosses = (
  rows: readonly TokenRow[],
  planned: readonly PlannedMicroBatch[],
  nll: readonly Float32Array[],
): Readonly<Partial<Record<SectionKind, SectionLoss>>> => {
  const sums = new Map<SectionKind, { tokens: number; sum: number }>();
  planned.forEach((part, i) =>
    eachPlace(rows, part, (row, at, place) => {
      const kind = row.kinds[at + 1];
      if (kind === undefined || !((row.weights[at + 1] ?? 0) > 0)) return;
      const entry = sums.get(kind) ?? { tokens: 0, sum: 0 };
      entry.tokens++;
      entry.sum += nll[i]?.[place] ?? Number.NaN;
      sums.set(kind, entry);
    }),
  );
  return Object.fromEntries([...sums].map(([kind, { tokens, sum }]) => [kind, { tokens, loss: sum / tokens }]));
};
