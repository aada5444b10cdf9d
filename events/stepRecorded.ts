import * as t from 'io-ts';
import { Count, Finite, nullable } from './codecs';
import { defineEvent, was } from './defineEvent';

const step = {
  step: Count,
  rows: t.array(Count),
  tokens: Count,
  loss: Finite,
  lossBits: t.string,
  gradNorm: Finite,
  gradNormBits: t.string,
  learningRate: Finite,
};
const StepV1 = t.strict(step, 'Step@1');
const Step = t.strict(
  {
    ...step,
    sections: t.record(t.string, t.strict({ tokens: Count, loss: Finite }, 'SectionLoss')),
    heldOutLoss: nullable(Finite),
  },
  'Step',
);
export type Step = t.TypeOf<typeof Step>;

const V1 = t.strict({ trainingId: t.string, from: Count, steps: t.array(StepV1) }, 'StepRecorded@1');
const V2 = t.strict({ trainingId: t.string, from: Count, steps: t.array(Step) }, 'StepRecorded@2');
export type StepRecorded = t.TypeOf<typeof V2>;

/**
 * Consecutive optimizer steps from `from` on (counted from 1): the dataset rows in each batch (indices from 0), the
 * loss (nats per normaliser unit), the global gradient norm before clipping, and both as hex of their float32 bits;
 * `sections`: mean loss (nats per token, unweighted) of the trained tokens of each kind of section; `heldOutLoss`: the
 * loss on the rows held out, under the weights behind this step, where it was measured.
 */
export const stepRecorded = defineEvent(
  'StepRecorded',
  V2,
  {
    stream: (d) => `training-${d.trainingId}`,
    identity: (d) => [d.trainingId, d.from],
  },
  [was(V1, (d) => ({ ...d, steps: d.steps.map((one) => ({ ...one, sections: {}, heldOutLoss: null })) }))],
);
