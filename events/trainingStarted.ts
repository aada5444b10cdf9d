import * as t from 'io-ts';
import { Count, DigestText, Environment, JsonValue, nullable } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    trainingId: t.string,
    runId: nullable(t.string),
    iteration: nullable(Count),
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
  },
  'TrainingStarted@1',
);
export type TrainingStarted = t.TypeOf<typeof V1>;

/** Training begins: everything that decides its weights. `graphs` maps a batch shape to the digest of its ONNX bytes. */
export const trainingStarted = defineEvent('TrainingStarted', V1, {
  stream: (d) => `training-${d.trainingId}`,
  identity: (d) => [d.trainingId],
});
