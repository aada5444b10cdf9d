import * as E from 'fp-ts/Either';
import type { ColumnSource, SchemaElement } from 'hyparquet-writer' with { 'resolution-mode': 'import' };
import { Row, textOf } from '../../projections/replayDataset';
import { canonicalJson, isPlainObject } from '../../events/digest';
import { PathReporter } from 'io-ts/PathReporter';
import type { ExportFormat, ExportInput } from './exportFormat';
import { sharedColumns } from './provenance';
import { provenanceOf } from './provenanceFile';

/** The one data file, named as the Hugging Face Hub names shards. */
export const parquetFile = 'data/train-00000-of-00001.parquet';

/** Under which our provenance stands in the file's own key-value metadata. */
export const metadataKey = 'tripost';

const text = (name: string, needed = true): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  logical_type: { type: 'STRING' },
  repetition_type: needed ? 'REQUIRED' : 'OPTIONAL',
});
const whole = (name: string): SchemaElement => ({ name, type: 'INT64', repetition_type: 'OPTIONAL' });
const flag = (name: string): SchemaElement => ({ name, type: 'BOOLEAN', repetition_type: 'REQUIRED' });

/** Columns by name, nested ones with what is inside them; `sections` is a list of structs. */
const columns: readonly (readonly [name: string, elements: readonly SchemaElement[]])[] = [
  ['row_id', [text('row_id')]],
  ['text', [text('text')]],
  [
    'sections',
    [
      {
        name: 'sections',
        converted_type: 'LIST',
        logical_type: { type: 'LIST' },
        repetition_type: 'REQUIRED',
        num_children: 1,
      },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'REQUIRED', num_children: 5 },
      text('kind'),
      text('text'),
      { name: 'weight', type: 'DOUBLE', repetition_type: 'REQUIRED' },
      text('event_id'),
      text('author', false),
    ],
  ],
  ['end_of_text', [flag('end_of_text')]],
  ['bucket', [text('bucket')]],
  ['problem_id', [text('problem_id')]],
  ['trajectory_id', [text('trajectory_id', false)]],
  ['iteration', [whole('iteration')]],
  ['dataset', [text('dataset')]],
  ['policy', [text('policy', false)]],
  ['policy_digest', [text('policy_digest', false)]],
  ['ledger_size', [whole('ledger_size')]],
  ['ledger_root', [text('ledger_root', false)]],
];

const schema: SchemaElement[] = [
  { name: 'schema', num_children: columns.length },
  ...columns.flatMap(([, elements]) => [...elements]),
];

const bigOf = (count: number | null): bigint | null => (count === null ? null : BigInt(count));

const dataOf = (input: ExportInput): ColumnSource[] => {
  const { rows } = input;
  const shared = sharedColumns(input);
  const sectionsOf = ({ sections }: Row) =>
    sections.map(({ kind, text: own, weight, eventId, author }) => ({
      kind,
      text: own,
      weight,
      event_id: eventId,
      author,
    }));
  const values: Readonly<Record<string, unknown[]>> = {
    row_id: rows.map(({ id }) => id),
    text: rows.map(textOf),
    sections: rows.map(sectionsOf),
    end_of_text: rows.map(({ end }) => end),
    bucket: rows.map(({ bucket }) => bucket),
    problem_id: rows.map(({ problemId }) => problemId),
    trajectory_id: rows.map(({ trajectoryId }) => trajectoryId),
    iteration: rows.map(({ iteration }) => bigOf(iteration)),
    dataset: rows.map(() => shared.dataset),
    policy: rows.map(() => shared.policy),
    policy_digest: rows.map(() => shared.policy_digest),
    ledger_size: rows.map(() => bigOf(shared.ledger_size)),
    ledger_root: rows.map(() => shared.ledger_root),
  };
  return columns.map(([name]) => ({ name, data: values[name] ?? [] }));
};

/**
 * Apache Parquet in the layout of a Hugging Face dataset repository: `data/train-00000-of-00001.parquet` beside the card
 * (https://huggingface.co/docs/hub/datasets-manual-configuration). Snappy, one schema whatever the rows, provenance in the
 * file's key-value metadata too, so that the file alone can be imported again.
 */
export const parquet: ExportFormat = {
  name: 'parquet',
  reader: '`datasets.load_dataset`, DuckDB, pandas, Polars, `tripost import --format dataset`',
  mapping: [
    'A row is a row. `text` is the training text; `sections` holds it cut into spans, each with kind, weight, event and author:',
    'their texts, joined by nothing, are `text`. `end_of_text` says whether an end-of-text token follows.',
  ],
  data: 'data/train-*.parquet',
  write: async (input) => {
    const { parquetWriteBuffer } = await import('hyparquet-writer');
    const kvMetadata = [{ key: metadataKey, value: canonicalJson(provenanceOf('parquet', input)) }];
    const bytes = parquetWriteBuffer({ columnData: dataOf(input), schema, kvMetadata, createdBy: 'tripost' });
    return new Map([[parquetFile, new Uint8Array(bytes)]]);
  },
  weights: null,
  end: () => 'kept',
};

/** A cell as JSON has it: 64-bit numbers are numbers again. */
const jsonCell = (value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(jsonCell);
  return value;
};

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && isPlainObject(value);

const sectionOf = (value: unknown): unknown => {
  if (!isFields(value)) return value;
  const { event_id: eventId, ...rest } = value;
  return { ...rest, eventId };
};

/** One record of the file as a row of ours, or what is wrong with it. */
const rowOf = (record: Readonly<Record<string, unknown>>): E.Either<string, Row> => {
  const cell = (name: string): unknown => jsonCell(record[name]);
  const sections = cell('sections');
  const decoded = Row.decode({
    id: cell('row_id'),
    bucket: cell('bucket'),
    problemId: cell('problem_id'),
    trajectoryId: cell('trajectory_id'),
    iteration: cell('iteration'),
    sections: Array.isArray(sections) ? sections.map(sectionOf) : sections,
    end: cell('end_of_text'),
  });
  if (E.isLeft(decoded)) return E.left(PathReporter.report(decoded).slice(0, 3).join('; '));
  const training = cell('text');
  if (training !== undefined && training !== textOf(decoded.right))
    return E.left('text is not the texts of its sections');
  return decoded;
};

/** What a Parquet file of ours holds: its rows, and the provenance in its metadata as text. */
export interface ParquetRows {
  readonly rows: readonly Row[];
  readonly provenance: string | undefined;
}

/** Rows that are none of ours, by number from 1; or what is wrong with the file as a whole. */
export type BadParquet =
  | { readonly tag: 'lines'; readonly lines: readonly string[] }
  | { readonly tag: 'file'; readonly message: string };

/** Reads a Parquet file in the columns above; others are left alone. */
export const readParquet = async (bytes: Uint8Array): Promise<E.Either<BadParquet, ParquetRows>> => {
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet');
  const file = new Uint8Array(bytes).buffer;
  let records: readonly Readonly<Record<string, unknown>>[];
  let provenance: string | undefined;
  try {
    const metadata = parquetMetadata(file);
    provenance = metadata.key_value_metadata?.find(({ key }) => key === metadataKey)?.value;
    records = await parquetReadObjects({ file, metadata });
  } catch (failure) {
    return E.left({
      tag: 'file',
      message: `not readable as Parquet: ${failure instanceof Error ? failure.message : String(failure)}`,
    });
  }
  const rows: Row[] = [];
  const bad: string[] = [];
  for (const [i, record] of records.entries()) {
    const row = rowOf(record);
    if (E.isRight(row)) rows.push(row.right);
    else bad.push(`row ${i + 1}: ${row.left}`);
  }
  return bad.length > 0 ? E.left({ tag: 'lines', lines: bad }) : E.right({ rows, provenance });
};
