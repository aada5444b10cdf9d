import * as t from 'io-ts';
import { Count, DigestText, nullable } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    checkpoint: DigestText,
    trainingId: nullable(t.string),
    step: Count,
    kind: t.keyof({ resume: null, final: null, imported: null }, 'CheckpointKind'),
    files: t.record(t.string, DigestText),
    weights: DigestText,
    optimizer: nullable(DigestText),
  },
  'CheckpointWritten@1',
);
export type CheckpointWritten = t.TypeOf<typeof V1>;

/**
 * A checkpoint is in the blob store. `files` maps the names of a Hugging Face model folder to blob digests;
 * `checkpoint` is the digest of that map; `weights` the digest of model.safetensors; `optimizer` the blob that resumes it.
 */
export const checkpointWritten = defineEvent('CheckpointWritten', V1, {
  stream: (d) => (d.trainingId === null ? `checkpoint-${d.checkpoint}` : `training-${d.trainingId}`),
  identity: (d) => [d.trainingId, d.step, d.kind, d.checkpoint],
});
