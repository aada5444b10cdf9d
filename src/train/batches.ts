import { shuffledById } from '../../projections/random';
import type { Row } from '../../projections/replayDataset';
import type { Normaliser } from './loss';
import type { Tokenizer } from './tokenizer';

/** A dataset row as tokens. `weights[i]` belongs to `ids[i]` as a target; 0 is not trained on. */
export interface TokenRow {
  readonly id: string;
  readonly ids: readonly number[];
  readonly weights: readonly number[];
}

/**
 * Tokens of one row. Each section is tokenized on its own, so that weights are exact at section borders and the same
 * text has the same tokens here and behind a prompt; the end token, where the row has one, weighs as the last section.
 */
export const tokenizeRow = (row: Row, tokenizer: Tokenizer): TokenRow => {
  const ids: number[] = [];
  const weights: number[] = [];
  for (const section of row.sections)
    for (const id of tokenizer.encode(section.text)) {
      ids.push(id);
      weights.push(section.weight);
    }
  const last = row.sections[row.sections.length - 1];
  if (row.end && last !== undefined) {
    ids.push(tokenizer.endId);
    weights.push(last.weight);
  }
  return { id: row.id, ids, weights };
};

export interface PlannedBatch {
  /** Indices into the dataset's rows. */
  readonly rows: readonly number[];
  /** Padded row length in tokens. */
  readonly length: number;
}

export interface BatchPlan {
  readonly batchSize: number;
  readonly steps: number;
  readonly seed: number;
  /** Batch lengths are multiples of this, so that few graph shapes exist. */
  readonly lengthMultiple: number;
}

/** Rows are grouped by length within this many batches: little padding, and still a random order. */
const windowBatches = 8;

/**
 * Which rows form which step's batch. Every epoch is a new order, drawn per (seed, epoch, row id); a batch may span two
 * epochs, so every row is used equally often, up to one. Within a window of at most 8 batches rows of like length meet.
 * A window ends with its epoch: the copies of a row in several epochs are of one length and would meet in one batch.
 */
export const planBatches = (
  rows: readonly TokenRow[],
  { batchSize, steps, seed, lengthMultiple }: BatchPlan,
): readonly PlannedBatch[] => {
  const needed = rows.length === 0 ? 0 : steps * batchSize;
  const order: number[] = [];
  const indexed = rows.map((row, index) => ({ id: row.id, index }));
  for (let epoch = 0; order.length < needed; epoch++)
    for (const { index } of shuffledById(indexed, (row) => row.id, [seed, 'batch order', epoch])) order.push(index);
  const lengthOf = (index: number): number => (rows[index]?.ids.length ?? 1) - 1;
  const batches: PlannedBatch[] = [];
  for (let start = 0, end = 0; start < needed; start = end) {
    const epochEnd = (Math.floor(start / rows.length) + 1) * rows.length;
    const batchesLeft = Math.ceil((Math.min(epochEnd, needed) - start) / batchSize);
    end = start + Math.min(windowBatches, batchesLeft) * batchSize;
    const window = order.slice(start, end);
    window.sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
    const cut = Array.from({ length: Math.ceil(window.length / batchSize) }, (_, i) =>
      window.slice(i * batchSize, (i + 1) * batchSize),
    );
    const inOrder = shuffledById(
      cut.map((batch, i) => ({ batch, i })),
      ({ i }) => String(start + i * batchSize),
      [seed, 'window order'],
    );
    for (const { batch } of inOrder) {
      const longest = Math.max(...batch.map(lengthOf));
      batches.push({
        rows: batch,
        length: Math.max(lengthMultiple, Math.ceil(longest / lengthMultiple) * lengthMultiple),
      });
    }
  }
  return batches;
};

/** What one optimizer step is fed. All arrays are row-major over [batchSize, length]; padding is on the right, weight 0. */
export interface BatchTensors {
  readonly ids: BigInt64Array;
  readonly targets: BigInt64Array;
  readonly weights: Float32Array;
  /** 1 / normaliser. */
  readonly scale: number;
  /** Tokens that count (weight above 0). */
  readonly tokens: number;
}

/**
 * Fills a planned batch. Undefined when no token of it has a weight: the mean would be 0/0.
 */
export const fillBatch = (
  rows: readonly TokenRow[],
  batch: PlannedBatch,
  batchSize: number,
  normaliser: Normaliser,
): BatchTensors | undefined => {
  const { length } = batch;
  const ids = new BigInt64Array(batchSize * length);
  const targets = new BigInt64Array(batchSize * length);
  const weights = new Float32Array(batchSize * length);
  let tokens = 0;
  let weight = 0;
  batch.rows.forEach((index, at) => {
    const row = rows[index];
    if (row === undefined) throw new Error(`no row ${index} among ${rows.length}`);
    for (let i = 0; i + 1 < row.ids.length; i++) {
      const place = at * length + i;
      const w = row.weights[i + 1] ?? 0;
      ids[place] = BigInt(row.ids[i] ?? 0);
      targets[place] = BigInt(row.ids[i + 1] ?? 0);
      weights[place] = w;
      if (w > 0) tokens++;
      weight += w;
    }
  });
  const normalised = normaliser === 'tokens' ? tokens : weight;
  return normalised > 0 ? { ids, targets, weights, scale: 1 / normalised, tokens } : undefined;
};

/** Steps of `epochs` passes over `rows` rows. */
export const stepsOfEpochs = (rows: number, epochs: number, batchSize: number): number =>
  Math.max(1, Math.ceil((rows * epochs) / batchSize));
