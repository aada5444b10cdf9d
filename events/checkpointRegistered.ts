import * as t from 'io-ts';
import { DigestText, nullable } from './codecs';
import { defineEvent } from './defineEvent';
import { contentId } from './digest';

const Facts = {
  checkpoint: DigestText,
  name: t.string,
  dataset: nullable(DigestText),
  base: nullable(t.strict({ name: t.string, checkpoint: nullable(DigestText) }, 'RegisteredBase')),
  trainer: t.strict({ name: t.string, version: t.string }, 'Trainer'),
  files: nullable(t.record(t.string, DigestText)),
};

const V1 = t.strict(Facts, 'CheckpointRegistered@1');
export type CheckpointRegistered = t.TypeOf<typeof V1>;

/** Stands for a training that no event here describes, so that lineage goes on through it. */
export const elsewhereId = (d: CheckpointRegistered): string => contentId(['trained elsewhere', d]);

/**
 * A checkpoint that was trained elsewhere, by what its maker says of it: the dataset it was trained on, the model it started
 * from, the trainer. Its weights are not here. `checkpoint` is the digest of `files` (names to SHA-256) where they are given,
 * as for a checkpoint of our own; else one that its maker names.
 */
export const checkpointRegistered = defineEvent('CheckpointRegistered', V1, {
  stream: (d) => `checkpoint-${d.checkpoint}`,
  identity: (d) => ['registered', d.checkpoint, d.dataset, d.base, d.trainer],
});
