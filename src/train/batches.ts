import { shuffledById } from '../../projections/random';
import type { Row, Section } from '../../projections/replayDataset';
import { encodeInOrder } from './encodeInOrder';
import type { Tokenizer } from './tokenizer';

/** A dataset row as tokens. `weights[i]` belongs to `ids[i]` as a target; 0 is not trained on. */
export interface TokenRow {
  readonly id: string;
  readonly ids: readonly number[];
  readonly weights: readonly number[];
  /** The section that each token came from. */
  readonly kinds: readonly Section['kind'][];
}

/**
 * Tokens of one row. Each section is tokenized on its own, so that weights are exact at section borders and the same
 * text has the same tokens here and behind a prompt, which begins with the tokenizer's `startIds` as a row does: they
 * belong to the first section and are not trained on. The end token, where the row has one, weighs as the last section.
 */
export const tokenizeRow = (row: Row, tokenizer: Tokenizer): TokenRow => {
  const ids: number[] = [];
  const weights: number[] = [];
  const kinds: Section['kind'][] = [];
  const add = (id: number, weight: number, kind: Section['kind']): void => {
    ids.push(id);
    weights.push(weight);
    kinds.push(kind);
  };
  const encoded = encodeInOrder(
    tokenizer,
    row.sections.map(({ text }) => text),
  );
  row.sections.forEach(({ weight, kind }, i) => {
    if (i === 0) for (const id of tokenizer.startIds) add(id, 0, kind);
    for (const id of encoded[i] ?? []) add(id, weight, kind);
  });
  const last = row.sections[row.sections.length - 1];
  if (row.end && last !== undefined) add(tokenizer.endId, last.weight, last.kind);
  return { id: row.id, ids, weights, kinds };
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
  /** Whether rows of like length are to meet: needless where rows are packed. Yes, when left out. */
  readonly grouped?: boolean;
}

/** A length rounded up to a multiple, at least one of them. */
export const paddedLength = (tokens: number, multiple: number): number =>
  Math.max(multiple, Math.ceil(tokens / multiple) * multiple);

/** Rows are grouped by length within this many batches: little padding, and still a random order. */
const windowBatches = 8;

/**
 * Which rows form which step's batch. Every epoch is a new order, drawn per (seed, epoch, row id); a batch may span two
 * epochs, so every row is used equally often, up to one. Within a window of at most 8 batches rows of like length meet.
 * A window ends with its epoch: the copies of a row in several epochs are of one length and would meet in one batch.
 */
export const planBatches = (
  rows: readonly TokenRow[],
  { batchSize, steps, seed, lengthMultiple, grouped = true }: BatchPlan,
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
    if (grouped) window.sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
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
      batches.push({ rows: batch, length: paddedLength(longest, lengthMultiple) });
    }
  }
  return batches;
};

/** Steps of `epochs` passes over `rows` rows. */
export const stepsOfEpochs = (rows: number, epochs: number, batchSize: number): number =>
  Math.max(1, Math.ceil((rows * epochs) / batchSize));
