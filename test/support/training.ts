import { draws } from '../../projections/random';
import { sha256, type Digest } from '../../events/digest';
import type { TokenRow } from '../../src/train/batches';
import type { EngineResult, StartEngine, TrainEngine } from '../../src/train/engine';
import { parametersOf, type ModelShape, type Weights } from '../../src/train/modelShape';
import type { FlatState } from '../../src/train/shard';
import { paperTrainConfig, type TrainConfig } from '../../src/train/trainConfig';
import { trainedModel, type TrainedModel } from '../../src/train/trainedModel';
import { engineStep, graphsOf, planTraining, type TrainPlan } from '../../src/train/trainPlan';
import { freshState } from '../../src/train/trainState';
import type { TensorRuntime } from '../../src/ports/tensorRuntime';
import { gradientOutput } from '../../src/train/trainGraph';
import { parameterInput } from '../../src/train/transformer';
import { relativeError } from './directionalCheck';
import { must, the } from './events';
import { tensorError } from './goldenModel';
import { float, numbersOf } from './running';

/** Two layers, two queries on each key head. */
export const smallShape: ModelShape = {
  vocabSize: 40,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tiedEmbeddings: true,
  maxPositions: 64,
};

export const smallConfig: TrainConfig = {
  ...paperTrainConfig,
  steps: 4,
  epochs: null,
  batchSize: 6,
  microBatch: 2,
  learningRate: 1e-2,
  warmup: 0,
  beta2: 0.95,
  lengthMultiple: 8,
};

const kinds = ['prompt', 'attempt', 'feedback', 'improvement'] as const;

/** A row of drawn tokens: a quarter of each kind of section; a prompt weighs 0, feedback 1.5. */
export const tokenRow = (id: string, length: number, vocabSize: number): TokenRow => {
  const stream = draws(['token row', id]);
  const kindOf = (i: number) => kinds[Math.floor((4 * i) / length)] ?? 'improvement';
  const weight = { prompt: 0, attempt: 1, feedback: 1.5, improvement: 1 } as const;
  return {
    id,
    ids: Array.from({ length }, (_, i) => stream.integer(i, vocabSize)),
    weights: Array.from({ length }, (_, i) => weight[kindOf(i)]),
    kinds: Array.from({ length }, (_, i) => kindOf(i)),
  };
};

export const tokenRows = (lengths: readonly number[], vocabSize = smallShape.vocabSize): readonly TokenRow[] =>
  lengths.map((length, i) => tokenRow(`row ${i}`, length, vocabSize));

/** Weights far from 0, norms far from 1: no gradient is near 0 by its place in the model. */
export const randomWeights = (shape: ModelShape, seed: number): Weights =>
  new Map(
    parametersOf(shape).map(({ name, dims, kind }) => {
      const stream = draws([seed, 'random weights', name]);
      const size = dims.reduce((product, dim) => product * dim, 1);
      const [middle, spread] = kind === 'norm' ? [1, 1] : [0, 0.6];
      return [name, Float32Array.from({ length: size }, (_, i) => middle + spread * (stream.uniform(i) - 0.5))];
    }),
  );

/** A training that an engine can be given. */
export interface Training {
  readonly plan: TrainPlan;
  readonly shape: ModelShape;
  readonly config: TrainConfig;
  readonly model: TrainedModel;
}

export const trainingOf = (
  rows: readonly TokenRow[],
  changed: Partial<TrainConfig> = {},
  shape: ModelShape = smallShape,
): Training => {
  const config = { ...smallConfig, ...changed };
  const model = trainedModel(shape, randomWeights(shape, 1), config, 1);
  return { plan: planTraining(rows, config, 1), shape, config, model };
};

/** An engine for a training, from its beginning or from a state. The state is copied: engines keep what they are given. */
export const engineFor = async (
  { plan, shape, config, model }: Training,
  startEngine: StartEngine,
  { values, m, v }: FlatState = freshState(model.layout, model.start),
): Promise<TrainEngine> =>
  must(
    await startEngine({
      model: shape,
      config,
      layout: model.layout,
      frozen: model.frozen,
      graphs: graphsOf(plan, shape, config),
      microBatches: Math.max(...plan.steps.map(({ microBatches }) => microBatches.length)),
      start: { values: values.slice(), m: m.slice(), v: v.slice() },
    }),
  );

export const makeStep = async (training: Training, engine: TrainEngine, step: number): Promise<EngineResult> => {
  const made = engineStep(training.plan, training.config, step);
  if (made === undefined) throw new Error(`step ${step} has no weight`);
  const [result] = must(await engine.run([made.input]));
  return the(result);
};

/** What the rows of one batch give: loss, every parameter's gradient, and each row's token losses by its id. */
export interface BatchGradients {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Float64Array>;
  readonly nll: ReadonlyMap<string, readonly number[]>;
}

/** One batch of all rows, its micro-batches summed in double. */
export const gradientsOf = async (
  runtime: TensorRuntime,
  rows: readonly TokenRow[],
  changed: Partial<TrainConfig> = {},
  shape: ModelShape = smallShape,
): Promise<BatchGradients> => {
  const { plan, config, model } = trainingOf(rows, { ...changed, batchSize: rows.length, steps: 1 }, shape);
  const graphs = graphsOf(plan, shape, config);
  const values = Object.fromEntries([
    ...[...model.frozen].map(([name, tensor]) => [parameterInput(name), tensor] as const),
    ...model.layout.slots.map(
      ({ name, dims }) => [parameterInput(name), float(dims, the(model.start.get(name)))] as const,
    ),
  ]);
  const gradients = new Map(model.layout.slots.map(({ name, size }) => [name, new Float64Array(size)]));
  const nll = new Map<string, readonly number[]>();
  let loss = 0;
  for (const [i, { key, feeds }] of the(engineStep(plan, config, 1)).input.microBatches.entries()) {
    const program = must(await runtime.load(the(graphs.get(key)))());
    const got = must(await program.run({ ...feeds, ...values })());
    await program.release();
    loss += the(numbersOf(got, 'loss')[0]);
    for (const [name, sum] of gradients)
      numbersOf(got, gradientOutput(name)).forEach((value, at) => (sum[at] = (sum[at] ?? 0) + value));
    const { lines, length } = the(the(plan.steps[0]).microBatches[i]);
    const losses = numbersOf(got, 'nll');
    lines.forEach((line, at) => {
      let place = at * length;
      for (const index of line) {
        const row = the(rows[index]);
        nll.set(row.id, losses.slice(place, place + row.ids.length - 1));
        place += row.ids.length - 1;
      }
    });
  }
  return { loss, gradients, nll };
};

/** The largest difference between two batches' numbers, each tensor's over its own largest magnitude. */
export const batchError = (got: BatchGradients, wanted: BatchGradients): number =>
  Math.max(
    relativeError(got.loss, wanted.loss),
    ...[...wanted.gradients].map(([name, gradient]) => tensorError(the(got.gradients.get(name)), gradient)),
    ...[...wanted.nll].map(([row, losses]) => tensorError(the(got.nll.get(row)), losses)),
  );

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** One digest of values and moments: equal text means equal bits. */
export const stateDigest = ({ values, m, v }: FlatState): Digest =>
  sha256([values, m, v].map((vector) => sha256(bytesOf(vector))).join());

export interface TrainedRun {
  readonly state: Digest;
  /** Of every step, and so are the norms. */
  readonly losses: readonly number[];
  readonly norms: readonly number[];
}

/** All steps of a training, and a digest of what they leave. */
export const runTraining = async (training: Training, startEngine: StartEngine): Promise<TrainedRun> => {
  const engine = await engineFor(training, startEngine);
  const { plan, config } = training;
  const steps = plan.steps.map((_, i) => the(engineStep(plan, config, i + 1)).input);
  const made: EngineResult[] = [];
  while (made.length < steps.length)
    made.push(...must(await engine.run(steps.slice(made.length, made.length + engine.block))));
  const state = stateDigest(must(await engine.state()));
  await engine.release();
  return { state, losses: made.map(({ loss }) => loss), norms: made.map(({ gradNorm }) => gradNorm) };
};
