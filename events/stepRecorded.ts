import * as t from 'io-ts';
import { Count, Finite } from './codecs';
import { defineEvent } from './defineEvent';

const Step = t.strict(
  {
    step: Count,
    rows: t.array(Count),
    tokens: Count,
    loss: Finite,
    lossBits: t.string,
    gradNorm: Finite,
    gradNormBits: t.string,
    learningRate: Finite,
  },
  'Step',
);
export type Step = t.TypeOf<typeof Step>;

const V1 = t.strict({ trainingId: t.string, from: Count, steps: t.array(Step) }, 'StepRecorded@1');
export type StepRecorded = t.TypeOf<typeof V1>;

/**
 * Consecutive optimizer steps from `from` on (counted from 1): the dataset rows in each batch (indices from 0), the
 * loss (nats per normaliser unit), the global gradient norm before clipping, and both as hex of their float32 bits.
 */
export const stepRecorded = defineEvent('StepRecorded', V1, {
  stream: (d) => `training-${d.trainingId}`,
  identity: (d) => [d.trainingId, d.from],
});
