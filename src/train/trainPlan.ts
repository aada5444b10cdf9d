import { shuffledById } from '../../projections/random';
import type { Step } from '../../events/stepRecorded';
import { encodeModel } from '../onnx/modelProto';
import { paddedLength, planBatches, stepsOfEpochs, type PlannedBatch, type TokenRow } from './batches';
import type { EngineResult, EngineStep, MicroBatch } from './engine';
import { stepScalars } from './adamW';
import {
  fillMicroBatch,
  graphKey,
  microBatchesOf,
  sectionLosses,
  totalsOf,
  weightedLoss,
  type PlannedMicroBatch,
} from './microBatches';
import type { ModelShape } from './modelShape';
import { learningRateAt } from './schedule';
import type { TrainConfig } from './trainConfig';
import { gradientGraph, lossGraph } from './trainGraph';

/** One optimizer step: its rows, and how they are computed. */
export interface PlannedStep {
  readonly batch: PlannedBatch;
  readonly microBatches: readonly PlannedMicroBatch[];
}

/** A whole training before it begins: the same rows, config and seed always give the same plan. */
export interface TrainPlan {
  readonly rows: readonly TokenRow[];
  readonly steps: readonly PlannedStep[];
  /** Rows held out, as batches to measure; indices into `rows`. */
  readonly heldOut: readonly PlannedMicroBatch[];
}

/** How many of `rows` rows a share holds out: rounded, and never all of them. */
export const heldOutCount = (rows: number, share: number): number =>
  Math.max(0, Math.min(rows - 1, Math.round(rows * share)));

export const planTraining = (rows: readonly TokenRow[], config: TrainConfig, seed: number): TrainPlan => {
  const { heldOut, batchSize, lengthMultiple, packing } = config;
  const indexed = rows.map((row, index) => ({ id: row.id, index }));
  const held = new Set(
    heldOut === null
      ? []
      : shuffledById(indexed, ({ id }) => id, [seed, 'held out'])
          .slice(0, heldOutCount(rows.length, heldOut.share))
          .map(({ index }) => index),
  );
  const kept = indexed.flatMap(({ index }) => (held.has(index) ? [] : [index]));
  const trained = kept.flatMap((index) => rows[index] ?? []);
  const steps = config.steps ?? stepsOfEpochs(trained.length, config.epochs ?? 1, batchSize);
  const plan = { batchSize, steps, seed, lengthMultiple, grouped: !packing };
  const batches = planBatches(trained, plan).map((batch) => ({
    ...batch,
    rows: batch.rows.map((row) => kept[row] ?? 0),
  }));
  const measured = [...held].sort((a, b) => a - b);
  const longest = Math.max(0, ...measured.map((index) => (rows[index]?.ids.length ?? 1) - 1));
  const heldBatch = { rows: measured, length: paddedLength(longest, lengthMultiple) };
  return {
    rows,
    steps: batches.map((batch) => ({ batch, microBatches: microBatchesOf(rows, batch, config) })),
    heldOut: measured.length === 0 ? [] : microBatchesOf(rows, heldBatch, config),
  };
};

const lossKey = (key: string): string => `loss ${key}`;

/** ONNX bytes of every graph that a plan needs, by key. */
export const graphsOf = (plan: TrainPlan, shape: ModelShape, config: TrainConfig): ReadonlyMap<string, Uint8Array> => {
  const lengths = (parts: readonly PlannedMicroBatch[]): readonly number[] =>
    [...new Set(parts.map(({ length }) => length))].sort((a, b) => a - b);
  const graphs = new Map<string, Uint8Array>();
  for (const length of lengths(plan.steps.flatMap(({ microBatches }) => microBatches)))
    graphs.set(graphKey(config.microBatch, length), encodeModel(gradientGraph(shape, config, length)));
  for (const length of lengths(plan.heldOut))
    graphs.set(lossKey(graphKey(config.microBatch, length)), encodeModel(lossGraph(shape, config, length)));
  return graphs;
};

/** What the engine is given for step `step` (from 1); undefined when no token of its batch has a weight. */
export const engineStep = (
  plan: TrainPlan,
  config: TrainConfig,
  step: number,
): { readonly input: EngineStep; readonly tokens: number; readonly learningRate: number } | undefined => {
  const planned = plannedStep(plan, step);
  const totals = totalsOf(plan.rows, planned.batch, config.normaliser);
  if (totals === undefined) return undefined;
  const learningRate = learningRateAt(
    { learningRate: config.learningRate, warmup: config.warmup, shape: config.schedule },
    step,
    plan.steps.length,
  );
  const microBatches = planned.microBatches.map((part) => fillMicroBatch(plan.rows, part, config, totals.scale));
  return {
    input: { microBatches, scalars: stepScalars(config, learningRate, step) },
    tokens: totals.tokens,
    learningRate,
  };
};

export const plannedStep = ({ steps }: TrainPlan, step: number): PlannedStep => {
  const planned = steps[step - 1];
  if (planned === undefined) throw new Error(`no step ${step} among ${steps.length}`);
  return planned;
};

/** The 32 bits of a float32 as 8 hex digits: equal text means equal bits. */
const bitsOf = (value: number): string => {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16).padStart(8, '0');
};

/** What is recorded of a step that was made. */
export const stepRecord = (
  plan: TrainPlan,
  step: number,
  { tokens, learningRate }: { readonly tokens: number; readonly learningRate: number },
  { loss, gradNorm, nll }: EngineResult,
  heldOutLoss: number | null,
): Step => {
  const { batch, microBatches } = plannedStep(plan, step);
  return {
    step,
    rows: [...batch.rows],
    tokens,
    loss,
    lossBits: bitsOf(loss),
    gradNorm,
    gradNormBits: bitsOf(gradNorm),
    learningRate,
    sections: sectionLosses(plan.rows, microBatches, nll),
    heldOutLoss,
  };
};

/** The batches that measure the rows held out, and what makes a loss of their token losses. */
export const heldOutBatches = (plan: TrainPlan, config: TrainConfig): readonly MicroBatch[] =>
  plan.heldOut.map((part) => {
    const filled = fillMicroBatch(plan.rows, part, config, 1);
    return { ...filled, key: lossKey(filled.key) };
  });

/** Weighted loss on the rows held out, per normaliser unit, summed in double in the order of the rows. */
export const heldOutLoss = (plan: TrainPlan, config: TrainConfig, nll: readonly Float32Array[]): number => {
  const all = { rows: plan.heldOut.flatMap(({ lines }) => lines.flat()), length: 0 };
  const totals = totalsOf(plan.rows, all, config.normaliser);
  return weightedLoss(plan.rows, plan.heldOut, nll) * (totals?.scale ?? Number.NaN);
};
