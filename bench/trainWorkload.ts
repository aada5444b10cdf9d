import { draws } from '../projections/random';
import type { Section } from '../projections/replayDataset';
import { initialWeights } from '../src/train/initialWeights';
import { parametersOf, type ModelShape } from '../src/train/modelShape';
import type { TokenRow } from '../src/train/batches';
import { paperTrainConfig, type TrainConfig } from '../src/train/trainConfig';
import { trainedModel } from '../src/train/trainedModel';
import { engineStep, graphsOf, planTraining, type TrainPlan } from '../src/train/trainPlan';
import { freshState } from '../src/train/trainState';
import type { EngineSetup, EngineStep } from '../src/train/engine';

const common = { ropeTheta: 10000, rmsNormEps: 1e-5, tiedEmbeddings: true, maxPositions: 2048 };

/** About 1, 10 and 135 million parameters; the last is SmolLM2-135M's shape. */
export const benchShapes: Readonly<Record<string, ModelShape>> = {
  s1: {
    ...common,
    vocabSize: 258,
    hiddenSize: 128,
    intermediateSize: 384,
    layers: 4,
    heads: 4,
    kvHeads: 4,
    headDim: 32,
  },
  m10: {
    ...common,
    vocabSize: 1024,
    hiddenSize: 320,
    intermediateSize: 864,
    layers: 8,
    heads: 5,
    kvHeads: 5,
    headDim: 64,
  },
  smol: {
    ...common,
    vocabSize: 49152,
    hiddenSize: 576,
    intermediateSize: 1536,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
  },
};

/** What is measured per shape: lines and tokens of a batch, lines of a micro-batch, steps of a round, the speed-up aimed at. */
export const benchCases: Readonly<
  Record<string, { batch: number; length: number; microBatch: number; steps: number; goal: number }>
> = {
  s1: { batch: 16, length: 128, microBatch: 4, steps: 8, goal: 1.5 },
  m10: { batch: 16, length: 128, microBatch: 4, steps: 3, goal: 1.2 },
  smol: { batch: 1, length: 256, microBatch: 1, steps: 2, goal: 1 },
};

export const shapeNamed = (name: string): ModelShape => {
  const shape = benchShapes[name];
  if (shape === undefined) throw new Error(`no shape ${name}; there are ${Object.keys(benchShapes).join(', ')}`);
  return shape;
};

export const sizeOfShape = (shape: ModelShape): number =>
  parametersOf(shape).reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0);

/** Rows of random tokens, all of one length. */
const randomRows = (count: number, length: number, vocabSize: number): readonly TokenRow[] =>
  Array.from({ length: count }, (_, row) => {
    const stream = draws(['bench', row]);
    const kind: Section['kind'] = 'attempt';
    return {
      id: String(row),
      ids: Array.from({ length: length + 1 }, (__, i) => stream.integer(i, vocabSize)),
      weights: Array.from({ length: length + 1 }, () => 1),
      kinds: Array.from({ length: length + 1 }, () => kind),
    };
  });

export interface Workload {
  readonly setup: EngineSetup;
  readonly plan: TrainPlan;
  readonly step: (number: number) => EngineStep;
}

/** Training steps of `batch` full lines of `length` tokens, AdamW with clipping. */
export const workload = (shape: ModelShape, batch: number, length: number, changed: Partial<TrainConfig>): Workload => {
  const config: TrainConfig = {
    ...paperTrainConfig,
    batchSize: batch,
    microBatch: batch,
    learningRate: 1e-4,
    steps: 1000,
    epochs: null,
    ...changed,
  };
  const plan = planTraining(randomRows(batch, length, shape.vocabSize), config, 1);
  const { layout, frozen, start } = trainedModel(shape, initialWeights(shape, 1), config, 1);
  const setup: EngineSetup = {
    model: shape,
    config,
    layout,
    frozen,
    graphs: graphsOf({ ...plan, steps: plan.steps.slice(0, 1) }, shape, config),
    microBatches: Math.ceil(batch / config.microBatch),
    start: freshState(layout, start),
  };
  return {
    setup,
    plan,
    step: (number) => {
      const made = engineStep(plan, config, number);
      if (made === undefined) throw new Error('a step without weight');
      return made.input;
    },
  };
};
