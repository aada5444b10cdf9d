import * as t from 'io-ts';
import { Count, DigestText, nullable } from '../../events/codecs';
import { DatasetOrigin } from '../../events/datasetImported';
import type { ExportInput } from './exportFormat';

/** The name of the provenance in an export's folder; a folder without it is no export of ours. */
export const provenanceFile = 'provenance.json';

/** What an export says of itself: of which dataset, in which format, and how that dataset was derived. */
export const Provenance = t.strict(
  {
    tripost: t.literal('export'),
    version: t.literal(1),
    format: t.string,
    dataset: DigestText,
    rows: Count,
    origin: nullable(DatasetOrigin),
  },
  'Provenance',
);
export type Provenance = t.TypeOf<typeof Provenance>;

export const provenanceOf = (format: string, { dataset, rows, origin }: ExportInput): Provenance => ({
  tripost: 'export',
  version: 1,
  format,
  dataset,
  rows: rows.length,
  origin,
});
