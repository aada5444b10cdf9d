import * as t from 'io-ts';
import { Count, DigestText, Environment, Finite } from './codecs';
import { defineEvent, was } from './defineEvent';

const fields = {
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
};
const V1 = t.strict(fields, 'TrainingCompleted@1');
const V2 = t.strict({ ...fields, chosenStep: Count }, 'TrainingCompleted@2');
export type TrainingCompleted = t.TypeOf<typeof V2>;

/**
 * The receipt of a training: who retrains from the same dataset, config and base on the same machine class gets
 * `weights`, and `fingerprints` (SHA-256 over every step's loss and norm bits, in order) on the way. `steps` were made;
 * the weights are those behind `chosenStep`: the last, or the best by the loss on held-out rows.
 */
export const trainingCompleted = defineEvent(
  'TrainingCompleted',
  V2,
  {
    stream: (d) => `training-${d.trainingId}`,
    identity: (d) => [d.trainingId],
  },
  [was(V1, (d) => ({ ...d, chosenStep: d.steps }))],
);
