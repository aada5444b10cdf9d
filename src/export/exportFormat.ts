import type { DatasetOrigin } from '../../events/datasetImported';
import type { Digest } from '../../events/digest';
import type { Row } from '../../projections/replayDataset';

/** What no ledger says of a dataset. Croissant wants all of it, the card's header takes the licence. */
export const aboutKeys = ['license', 'url', 'creator', 'datePublished'] as const;
export type About = { readonly [Key in (typeof aboutKeys)[number]]?: string };

/** A dataset to be written: its rows in order, and what is known of how they came about. */
export interface ExportInput {
  readonly dataset: Digest;
  readonly rows: readonly Row[];
  /** Null for a dataset that was imported from a file which said nothing. */
  readonly origin: DatasetOrigin | null;
  /** The event that the dataset came with onto this ledger. */
  readonly entry: { readonly type: 'DatasetDerived' | 'DatasetImported'; readonly recordedAt: string };
  /** The text that a tokenizer reads as its begin or end token, for formats whose reader adds none. */
  readonly marks: { readonly bos: string | null; readonly eos: string | null };
  /** What only the person who publishes it knows. */
  readonly about: About;
}

/** Files by their path in the folder, parts joined by `/`. */
export type Files = Map<string, Uint8Array>;

/** What becomes of the end-of-text token that a row may have: as the row says, behind every row, or behind none. */
export type EndRule = 'kept' | 'always' | 'never';

/** One way to write a dataset. */
export interface ExportFormat {
  readonly name: string;
  /** What reads it, with the settings that the card is about; Markdown. */
  readonly reader: string;
  /** How a row becomes a line: sentences for the card. */
  readonly mapping: readonly string[];
  /** The glob of the data, for the card's header; null where there is no data in the folder. */
  readonly data: string | null;
  /** The files, without card and provenance. The same input gives the same bytes. */
  readonly write: (input: ExportInput) => Promise<Files>;
  /** The weight that the reader gives each section of a row; null: the file holds the weights themselves. */
  readonly weights: ((row: Row) => readonly number[]) | null;
  readonly end: (input: ExportInput) => EndRule;
}

/** Something of the dataset that a file in this format does not hold, in words, and how many rows or sections it is about. */
export interface Loss {
  readonly what: 'rows' | 'weight' | 'end' | 'no-completion' | 'no-prompt' | 'untrained';
  readonly count: number;
  readonly text: string;
}
