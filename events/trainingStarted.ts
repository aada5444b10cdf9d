import * as t from 'io-ts';
import { Count, DigestText, Environment, JsonValue, nullable } from './codecs';
import { defineEvent, was } from './defineEvent';

const facts = {
  trainingId: t.string,
  dataset: DigestText,
  base: t.union(
    [
      t.strict({ kind: t.literal('checkpoint'), digest: DigestText }, 'CheckpointBase'),
      t.strict({ kind: t.literal('scratch'), shape: JsonValue, seed: Count }, 'ScratchBase'),
    ],
    'Base',
  ),
  config: JsonValue,
  configDigest: DigestText,
  seed: Count,
  tokenizer: DigestText,
  graphs: t.record(t.string, DigestText),
  steps: Count,
  environment: Environment,
};

const V1 = t.strict({ runId: nullable(t.string), iteration: nullable(Count), ...facts }, 'TrainingStarted@1');
const V2 = t.strict(facts, 'TrainingStarted@2');
export type TrainingStarted = t.TypeOf<typeof V2>;

/**
 * Training begins: everything that decides its weights. `graphs` maps a batch shape to the digest of its ONNX bytes. The
 * run that wanted it is not in it: what decides the same weights is the same training, and IterationCompleted names it.
 */
export const trainingStarted = defineEvent(
  'TrainingStarted',
  V2,
  { stream: (d) => `training-${d.trainingId}`, identity: (d) => [d.trainingId] },
  [was(V1, (d) => V2.encode(d))],
);
