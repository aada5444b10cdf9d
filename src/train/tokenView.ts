import type { Step } from '../../events/stepRecorded';
import type { Row, SectionKind } from '../../projections/replayDataset';
import type { Weigh } from '../../projections/rowTotals';
import { tokenizeRow, type TokenRow } from './batches';
import { encodeInOrder } from './encodeInOrder';
import type { Normaliser } from './loss';
import { fillMicroBatch, totalsOf } from './microBatches';
import type { Tokenizer } from './tokenizer';

/** One token of a row, as the trainer has it. */
export interface ViewedToken {
  /** Its place in the row, from 0. */
  readonly place: number;
  readonly id: number;
  /** What it stands for; U+FFFD where it holds a part of a character, empty where it is special. */
  readonly text: string;
  /** The section that it came from, by its place in the row. */
  readonly section: number;
  readonly kind: SectionKind;
  /** Its float32 weight in the loss, as a target; null: the first token of a row is predicted from nothing, so never. */
  readonly weight: number | null;
}

export interface ViewedSection {
  readonly section: number;
  readonly kind: SectionKind;
  readonly author: string | null;
  /** What the dataset says of it. */
  readonly weight: number;
  /** Its tokens are those from `from` up to and without `to`. */
  readonly from: number;
  readonly to: number;
  /** Tokens with a weight above 0, and the sum of their weights. */
  readonly trained: number;
  readonly weightSum: number;
}

export interface TokenView {
  readonly tokens: readonly ViewedToken[];
  readonly sections: readonly ViewedSection[];
}

/** The section of each token: what precedes the first text is the first section's, the end token the last one's. */
const sectionsOf = (row: Row, tokens: number, tokenizer: Tokenizer): readonly number[] => {
  const texts = row.sections.map(({ text }) => text);
  const lengths = encodeInOrder(tokenizer, texts).map((ids) => ids.length);
  const places = [
    ...tokenizer.startIds.map(() => 0),
    ...lengths.flatMap((length, section) => Array.from({ length }, () => section)),
    ...(row.end ? [row.sections.length - 1] : []),
  ];
  if (places.length !== tokens) throw new Error(`row ${row.id}: ${tokens} tokens, ${places.length} of its sections`);
  return places;
};

/**
 * A row's tokens with the weights that the trainer feeds for them: the row goes through the trainer's own tokenizing and
 * packing, and the weights are read out of the feeds of the graph. There, place p has token p as input, token p + 1 as
 * target, and that target's weight; here, a weight stands beside its target.
 */
export const tokenView = (row: Row, tokenizer: Tokenizer): TokenView => {
  const made = tokenizeRow(row, tokenizer);
  const length = Math.max(1, made.ids.length - 1);
  const plan = { microBatch: 1, lengthMultiple: 1, packing: false };
  const { targets, weights } = fillMicroBatch([made], { lines: [[0]], length }, plan, 1).feeds;
  const sections = sectionsOf(row, made.ids.length, tokenizer);
  const tokens = made.ids.map((id, place): ViewedToken => {
    if (place > 0 && Number(targets?.data[place - 1]) !== id)
      throw new Error(`row ${row.id}: target ${place - 1} is not token ${place}`);
    return {
      place,
      id,
      text: tokenizer.decode([id], { continued: place > 0 }),
      section: sections[place] ?? 0,
      kind: made.kinds[place] ?? 'prompt',
      weight: place === 0 ? null : Number(weights?.data[place - 1]),
    };
  });
  return {
    tokens,
    sections: row.sections.map(({ kind, author, weight }, section): ViewedSection => {
      const own = tokens.filter((token) => token.section === section);
      const trained = own.flatMap((token) => (token.weight !== null && token.weight > 0 ? [token.weight] : []));
      const from = own[0]?.place ?? tokens.length;
      const weightSum = trained.reduce((sum, each) => sum + each, 0);
      return { section, kind, author, weight, from, to: from + own.length, trained: trained.length, weightSum };
    }),
  };
};

/** Loss weight by section, in tokens that are predicted; as the trainer makes them. */
export const weighTokens =
  (tokenizer: Tokenizer): Weigh =>
  (row) => {
    const { ids, kinds, weights }: TokenRow = tokenizeRow(row, tokenizer);
    const found = new Map<SectionKind, { units: number; weight: number }>();
    for (let place = 1; place < ids.length; place++) {
      const kind = kinds[place];
      if (kind === undefined) continue;
      const sum = found.get(kind) ?? { units: 0, weight: 0 };
      sum.units += 1;
      sum.weight += weights[place] ?? 0;
      found.set(kind, sum);
    }
    return [...found].map(([kind, sum]) => ({ kind, ...sum }));
  };

/** A step that trained on a row. */
export interface RowStep {
  readonly step: number;
  /** What every weight of the step is multiplied by: 1 / the normaliser over its batch. */
  readonly scale: number;
  /** Sum of the row's weights so multiplied; where the normaliser is `weights`, those of a step's rows sum to 1. */
  readonly share: number;
  /** Whether the tokens that count, tokenized here, are as many as the trainer recorded. */
  readonly agrees: boolean;
}

/** The recorded steps that trained on the row at `index`, with the scale that the trainer computes for their batches. */
export const stepsOfRow = (
  index: number,
  rows: readonly Row[],
  tokenizer: Tokenizer,
  normaliser: Normaliser,
  steps: readonly Step[],
): readonly RowStep[] => {
  const known = new Map<number, TokenRow>();
  const tokensOf = (at: number): readonly TokenRow[] => {
    const row = rows[at];
    if (row === undefined) return [];
    const made = known.get(at) ?? tokenizeRow(row, tokenizer);
    known.set(at, made);
    return [made];
  };
  const own = (tokensOf(index)[0]?.weights ?? []).slice(1).reduce((sum, weight) => sum + weight, 0);
  return steps
    .filter((step) => step.rows.includes(index))
    .map(({ step, rows: batch, tokens }): RowStep => {
      const held = batch.flatMap(tokensOf);
      const totals = totalsOf(held, { rows: held.map((_, i) => i), length: 0 }, normaliser);
      const times = batch.filter((at) => at === index).length;
      const scale = totals?.scale ?? 0;
      return { step, scale, share: own * scale * times, agrees: totals?.tokens === tokens };
    });
};
