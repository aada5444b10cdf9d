import * as t from 'io-ts';
import { Count, DigestText, JsonValue, nullable } from './codecs';
import { defineEvent } from './defineEvent';

/**
 * What a file says of the derivation of the dataset in it: the fields of that ledger's DatasetDerived event, and its id.
 * `decisions` and `manifest` are digests of files that stayed there.
 */
export const DatasetOrigin = t.strict(
  {
    eventId: t.string,
    policy: t.strict({ name: t.string, digest: DigestText, document: JsonValue }, 'PolicyRef'),
    projection: t.strict({ name: t.string, version: Count }, 'ProjectionRef'),
    scope: t.strict({ runId: nullable(t.string), iteration: nullable(Count), problemSet: nullable(t.string) }, 'Scope'),
    tokenizer: nullable(t.string),
    seed: Count,
    ledger: t.strict({ size: Count, root: DigestText }, 'LedgerPrefix'),
    candidates: Count,
    byReason: t.record(t.string, Count),
    decisions: DigestText,
    manifest: DigestText,
  },
  'DatasetOrigin@1',
);
export type DatasetOrigin = t.TypeOf<typeof DatasetOrigin>;

const V1 = t.strict(
  {
    dataset: DigestText,
    file: t.strict({ format: t.keyof({ jsonl: null, parquet: null }), digest: DigestText }, 'DatasetFile'),
    rows: Count,
    byBucket: t.record(t.string, Count),
    origin: nullable(DatasetOrigin),
  },
  'DatasetImported@1',
);
export type DatasetImported = t.TypeOf<typeof V1>;

/**
 * A dataset came from a file: nothing on this ledger shows how its rows came about. `dataset` is the digest of the rows in
 * canonical form, a blob; `file` is what was read; `origin` what the file says of the derivation, null where it says nothing.
 */
export const datasetImported = defineEvent('DatasetImported', V1, {
  stream: (d) => `dataset-${d.dataset}`,
  identity: (d) => [d.dataset, d.file.digest, d.origin?.eventId ?? null],
});
