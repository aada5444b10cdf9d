import * as t from 'io-ts';
import { Count, Finite } from '../../events/codecs';

/** Everything about a training that is not its data, its base or its seed. */
export const TrainConfig = t.strict(
  {
    /** Optimizer steps; or `epochs` over the dataset's rows. Exactly one of the two is set, the other null. */
    steps: t.union([Count, t.null]),
    epochs: t.union([Finite, t.null]),
    batchSize: Count,
    learningRate: Finite,
    warmup: Finite,
    schedule: t.keyof({ constant: null, linear: null, cosine: null }, 'Schedule'),
    beta1: Finite,
    beta2: Finite,
    epsilon: Finite,
    weightDecay: Finite,
    clipNorm: Finite,
    normaliser: t.keyof({ tokens: null, weights: null }, 'Normaliser'),
    /** A state to resume from is written every so many steps. */
    checkpointEvery: Count,
    /** Batches are padded to a multiple of this many tokens. */
    lengthMultiple: Count,
  },
  'TrainConfig',
);
export type TrainConfig = t.TypeOf<typeof TrainConfig>;

/** The paper's settings (reference: TriPosT §1.7), for a base that has been trained before. */
export const paperTrainConfig: TrainConfig = {
  steps: null,
  epochs: 4,
  batchSize: 4,
  learningRate: 1e-6,
  warmup: 0.2,
  schedule: 'linear',
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1,
  normaliser: 'tokens',
  checkpointEvery: 100,
  lengthMultiple: 32,
};
