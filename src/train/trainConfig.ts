import * as t from 'io-ts';
import { Count, Finite, nullable } from '../../events/codecs';

/** What is held out of a training's rows to measure it on, and when to stop. */
const HeldOut = t.strict(
  {
    /** Share of the rows, drawn by (seed, row id); they are not trained on. */
    share: Finite,
    /** Measured every so many steps, and behind the last. */
    every: Count,
    /** The training ends when this many measurements in a row were no better than the best; null: it does not. */
    patience: nullable(Count),
  },
  'HeldOut',
);

const LoraTarget = t.keyof(
  { q_proj: null, k_proj: null, v_proj: null, o_proj: null, gate_proj: null, up_proj: null, down_proj: null },
  'LoraTarget',
);

/** A list of items that has one at least; `what` says why. */
export const atLeastOne = <A, O>(items: t.Type<A[], O[]>, what: string): t.Type<A[], O[]> =>
  new t.Type(
    items.name,
    items.is,
    (u, c) => (Array.isArray(u) && u.length === 0 ? t.failure(u, c, what) : items.validate(u, c)),
    items.encode,
  );

/** What is said of low-rank factors beside no linear at all. */
export const noTargets = 'expected one target at least, for example q_proj: without any nothing would be trained';

const Lora = t.strict({ rank: Count, alpha: Finite, targets: atLeastOne(t.array(LoraTarget), noTargets) }, 'Lora');

/** Everything about a training that is not its data, its base or its seed. */
export const TrainConfig = t.strict(
  {
    /** Optimizer steps; or `epochs` over the dataset's rows. Exactly one of the two is set, the other null. */
    steps: nullable(Count),
    epochs: nullable(Finite),
    /** Rows of an optimizer step. */
    batchSize: Count,
    /** Lines (rows, unless packed) that are computed at once: gradients of a step's micro-batches are summed in order. */
    microBatch: Count,
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
    /** Lines are padded to a multiple of this many tokens. */
    lengthMultiple: Count,
    /** Rows of a step share lines, each seeing only itself. */
    packing: t.boolean,
    /** Activations of a layer are computed again for its gradient instead of kept: less memory, more time, equal bits. */
    recompute: t.boolean,
    /** Train low-rank factors beside frozen weights; null: train all weights. */
    lora: nullable(Lora),
    heldOut: nullable(HeldOut),
  },
  'TrainConfig',
);
export type TrainConfig = t.TypeOf<typeof TrainConfig>;

/** The paper's settings (reference: TriPosT §1.7), for a base that has been trained before. */
export const paperTrainConfig: TrainConfig = {
  steps: null,
  epochs: 4,
  batchSize: 4,
  microBatch: 1,
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
  packing: false,
  recompute: false,
  lora: null,
  heldOut: null,
};
