import * as t from 'io-ts';
import { Count, DigestText, Environment, Finite } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    trainingId: t.string,
    dataset: DigestText,
    configDigest: DigestText,
    base: DigestText,
    steps: Count,
    firstLoss: Finite,
    lastLoss: Finite,
    fingerprints: DigestText,
    weights: DigestText,
    checkpoint: DigestText,
    environment: Environment,
  },
  'TrainingCompleted@1',
);
export type TrainingCompleted = t.TypeOf<typeof V1>;

/**
 * The receipt of a training: who retrains from the same dataset, config and base on the same machine class gets
 * `weights`, and `fingerprints` (SHA-256 over every step's loss and norm bits, in order) on the way.
 */
export const trainingCompleted = defineEvent('TrainingCompleted', V1, {
  stream: (d) => `training-${d.trainingId}`,
  identity: (d) => [d.trainingId],
});
