import * as t from 'io-ts';
import { Count, DigestText, JsonValue, nullable } from './codecs';
import { defineEvent, was } from './defineEvent';

const facts = {
  dataset: DigestText,
  policy: t.strict({ name: t.string, digest: DigestText, document: JsonValue }, 'PolicyRef'),
  projection: t.strict({ name: t.string, version: Count }, 'ProjectionRef'),
  seed: Count,
  ledger: t.strict({ size: Count, root: DigestText }, 'LedgerPrefix'),
  rows: Count,
  candidates: Count,
  byBucket: t.record(t.string, Count),
  byReason: t.record(t.string, Count),
  decisions: DigestText,
  manifest: DigestText,
};

const scope = { runId: nullable(t.string), iteration: nullable(Count) };
const V1 = t.strict({ ...facts, scope: t.strict(scope, 'Scope@1') }, 'DatasetDerived@1');
const V2 = t.strict(
  {
    ...facts,
    scope: t.strict({ ...scope, problemSet: nullable(t.string) }, 'Scope'),
    /** Digest of the tokenizer that counted row lengths, where the policy asks for them. */
    tokenizer: nullable(t.string),
  },
  'DatasetDerived@2',
);
export type DatasetDerived = t.TypeOf<typeof V2>;

/**
 * A dataset was derived. `dataset`, `decisions` and `manifest` are blob digests; `ledger` is the prefix that was folded:
 * how many events, and their Merkle root (RFC 6962). With policy, scope, seed and tokenizer, these are all that decides it.
 * Version 1 did not name problem set and tokenizer; its manifest does.
 */
export const datasetDerived = defineEvent(
  'DatasetDerived',
  V2,
  { stream: (d) => `dataset-${d.dataset}`, identity: (d) => [d.dataset, d.manifest] },
  [was(V1, (d) => ({ ...d, scope: { ...d.scope, problemSet: null }, tokenizer: null }))],
);
