import * as t from 'io-ts';
import { Count, DigestText, JsonValue, nullable } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    dataset: DigestText,
    policy: t.strict({ name: t.string, digest: DigestText, document: JsonValue }, 'PolicyRef'),
    projection: t.strict({ name: t.string, version: Count }, 'ProjectionRef'),
    scope: t.strict({ runId: nullable(t.string), iteration: nullable(Count) }, 'Scope'),
    seed: Count,
    ledger: t.strict({ size: Count, root: DigestText }, 'LedgerPrefix'),
    rows: Count,
    candidates: Count,
    byBucket: t.record(t.string, Count),
    byReason: t.record(t.string, Count),
    decisions: DigestText,
    manifest: DigestText,
  },
  'DatasetDerived@1',
);
export type DatasetDerived = t.TypeOf<typeof V1>;

/**
 * A dataset was derived. `dataset`, `decisions` and `manifest` are blob digests; `ledger` is the prefix that was folded:
 * how many events, and their Merkle root (RFC 6962).
 */
export const datasetDerived = defineEvent('DatasetDerived', V1, {
  stream: (d) => `dataset-${d.dataset}`,
  identity: (d) => [d.dataset, d.manifest],
});
