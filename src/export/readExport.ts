import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/PathReporter';
import { DigestText } from '../../events/codecs';
import { datasetDerived } from '../../events/datasetDerived';
import type { DatasetOrigin } from '../../events/datasetImported';
import { canonicalJson, contentId, digestOf, sha256, type Digest } from '../../events/digest';
import { Row, toLines } from '../../projections/replayDataset';
import { jsonl } from './jsonl';
import { parquetFile, readParquet } from './parquet';
import { Provenance, provenanceFile } from './provenanceFile';

/** A dataset read from a file, whole: `dataset` is the digest of its rows in canonical form, whatever the file's own bytes. */
export interface ReadDataset {
  readonly dataset: Digest;
  readonly rows: readonly Row[];
  readonly datasetBytes: Uint8Array;
  readonly file: { readonly format: 'jsonl' | 'parquet'; readonly digest: Digest };
  readonly origin: DatasetOrigin | null;
}

/** Lines (or rows) that are no rows of ours; or something about the file as a whole. */
export type BadExport =
  | { readonly tag: 'lines'; readonly lines: readonly string[] }
  | { readonly tag: 'file'; readonly message: string };

const file = (message: string): E.Either<BadExport, never> => E.left({ tag: 'file', message });

const parsed = (text: string): E.Either<string, unknown> =>
  E.tryCatch(
    (): unknown => JSON.parse(text),
    () => 'it is no JSON',
  );

/** A row, and not a field more: what would be dropped is refused instead. */
const rowOf = (line: string): E.Either<string, Row> => {
  const json = parsed(line);
  if (E.isLeft(json)) return json;
  const row = Row.decode(json.right);
  if (E.isLeft(row)) return E.left(PathReporter.report(row).slice(0, 3).join('; '));
  return canonicalJson(row.right) === canonicalJson(json.right) ? row : E.left('it has fields that no row has');
};

const readLines = (text: string): E.Either<BadExport, readonly Row[]> => {
  const rows: Row[] = [];
  const lines: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const row = rowOf(line);
    if (E.isRight(row)) rows.push(row.right);
    else lines.push(`line ${i + 1}: ${row.left}`);
  }
  return lines.length > 0 ? E.left({ tag: 'lines', lines }) : E.right(rows);
};

/** Whether the derivation that a file tells of can be that of its rows: ids and digests are made of what they name. */
const badOrigin = (dataset: Digest, origin: DatasetOrigin): string | undefined => {
  const policy = digestOf(origin.policy.document);
  if (policy !== origin.policy.digest)
    return `its policy has digest ${policy}, its provenance says ${origin.policy.digest}`;
  const eventId = contentId([datasetDerived.type, dataset, origin.manifest]);
  return eventId === origin.eventId
    ? undefined
    : `its derivation would be event ${eventId}, its provenance says ${origin.eventId}`;
};

const provenanceFrom = (text: string, where: string): E.Either<BadExport, Provenance> => {
  const json = parsed(text);
  if (E.isLeft(json)) return file(`${where}: ${json.left}`);
  const decoded = Provenance.decode(json.right);
  return E.isRight(decoded)
    ? decoded
    : file(`${where} is not the provenance of an export: ${PathReporter.report(decoded).slice(0, 2).join('; ')}`);
};

const settle = (
  rows: readonly Row[],
  own: ReadDataset['file'],
  said: Provenance | undefined,
): E.Either<BadExport, ReadDataset> => {
  const datasetBytes = toLines(rows);
  const dataset = sha256(datasetBytes);
  if (said === undefined && rows.length === 0) return file('the file holds no rows');
  if (said !== undefined && said.dataset !== dataset)
    return file(
      `its ${rows.length} rows are dataset ${dataset}, its provenance says ${said.dataset}: rows were changed`,
    );
  const origin = said?.origin ?? null;
  const bad = origin === null ? undefined : badOrigin(dataset, origin);
  return bad === undefined ? E.right({ dataset, rows, datasetBytes, file: own, origin }) : file(bad);
};

/** Reads a data file on its own. Parquet holds its provenance itself; JSON Lines hold rows only. */
export const readDataFile = async (
  format: 'jsonl' | 'parquet',
  bytes: Uint8Array,
  text: string,
  said?: Provenance,
): Promise<E.Either<BadExport, ReadDataset>> => {
  const own = { format, digest: sha256(bytes) };
  if (format === 'jsonl') {
    const rows = readLines(text);
    return E.isLeft(rows) ? rows : settle(rows.right, own, said);
  }
  const read = await readParquet(bytes);
  if (E.isLeft(read)) return E.left(read.left);
  const { rows, provenance } = read.right;
  if (said !== undefined || provenance === undefined) return settle(rows, own, said);
  const inside = provenanceFrom(provenance, 'its metadata');
  return E.isLeft(inside) ? inside : settle(rows, own, inside.right);
};

/** Which formats hold whole rows, and in which file. */
const wholeFormats: Readonly<Record<string, { readonly format: 'jsonl' | 'parquet'; readonly path: string }>> = {
  jsonl: { format: 'jsonl', path: jsonl.data ?? '' },
  parquet: { format: 'parquet', path: parquetFile },
  croissant: { format: 'parquet', path: parquetFile },
};

const FileDigests = t.type({ files: t.record(t.string, DigestText) });

/** The data file that an export's provenance names, and the digest it has to have. */
export const dataFileOf = (
  provenanceText: string,
): E.Either<
  BadExport,
  { readonly format: 'jsonl' | 'parquet'; readonly path: string; readonly digest: Digest; readonly said: Provenance }
> => {
  const said = provenanceFrom(provenanceText, provenanceFile);
  if (E.isLeft(said)) return said;
  const whole = wholeFormats[said.right.format];
  if (whole === undefined)
    return file(
      `an export as ${said.right.format} does not hold whole rows: import one as ${Object.keys(wholeFormats).join(', ')}`,
    );
  const digests = FileDigests.decode(JSON.parse(provenanceText));
  const digest = E.isRight(digests) ? digests.right.files[whole.path] : undefined;
  return digest === undefined
    ? file(`${provenanceFile} has no digest of ${whole.path}`)
    : E.right({ ...whole, digest, said: said.right });
};
