import * as t from 'io-ts';
import { JsonValue } from '../../events/codecs';
import {
  Name,
  oneOf,
  orNull,
  otherwise,
  Positive,
  Ratio,
  section,
  Share,
  Text,
  Weight,
  Whole,
} from '../../projections/policies/codecs';
import { loraTargets } from '../train/lora';
import { atLeastOne, noTargets, paperTrainConfig } from '../train/trainConfig';

const Targets = atLeastOne(t.array(oneOf(...loraTargets)), noTargets);
const usualTargets: t.TypeOf<typeof Targets> = ['q_proj', 'k_proj', 'v_proj', 'o_proj'];

const Lora = section('lora', {
  rank: otherwise(Positive, 8),
  alpha: otherwise(Ratio, 16),
  targets: otherwise(Targets, usualTargets),
});

const HeldOut = section('heldOut', {
  share: otherwise(Share, 0.05),
  every: otherwise(Positive, 50),
  patience: otherwise(orNull(Positive), null),
});

const train = (defaults: typeof paperTrainConfig) => ({
  steps: otherwise(orNull(Positive), defaults.steps),
  epochs: otherwise(orNull(Ratio), defaults.epochs),
  batchSize: otherwise(Positive, defaults.batchSize),
  microBatch: otherwise(Positive, defaults.microBatch),
  learningRate: otherwise(Weight, defaults.learningRate),
  warmup: otherwise(Share, defaults.warmup),
  schedule: otherwise(oneOf('constant', 'linear', 'cosine'), defaults.schedule),
  beta1: otherwise(Share, defaults.beta1),
  beta2: otherwise(Share, defaults.beta2),
  epsilon: otherwise(Weight, defaults.epsilon),
  weightDecay: otherwise(Weight, defaults.weightDecay),
  clipNorm: otherwise(Weight, defaults.clipNorm),
  normaliser: otherwise(oneOf('tokens', 'weights'), defaults.normaliser),
  checkpointEvery: otherwise(Positive, defaults.checkpointEvery),
  lengthMultiple: otherwise(Positive, defaults.lengthMultiple),
  packing: otherwise(t.boolean, defaults.packing),
  recompute: otherwise(t.boolean, defaults.recompute),
  lora: otherwise(orNull(Lora), defaults.lora),
  heldOut: otherwise(orNull(HeldOut), defaults.heldOut),
});

/** `steps` or `epochs` decides how long a training is: who gives one of them does not get the other's default beside it. */
const trainSection = (defaults: typeof paperTrainConfig) => {
  const fields = section('train', train(defaults));
  return new t.Type<t.TypeOf<typeof fields>, unknown>(
    fields.name,
    fields.is,
    (u, c) => {
      const given: Readonly<Record<string, unknown>> = typeof u === 'object' && u !== null ? { ...u } : {};
      const { steps, epochs } = { steps: given['steps'] ?? null, epochs: given['epochs'] ?? null };
      if (steps !== null && epochs !== null) return t.failure(u, c, 'expected steps or epochs, got both');
      return fields.validate(steps === null && epochs === null ? u : { ...given, steps, epochs }, c);
    },
    t.identity,
  );
};

const Sampling = section('sampling', {
  temperature: otherwise(Weight, 1),
  topK: otherwise(orNull(Positive), null),
  topP: otherwise(orNull(Weight), null),
  maxTokens: otherwise(Positive, 512),
});

/** Whether a task's name is the folder of a user's own task. */
export const isTaskFolder = (name: string): boolean => /^\.{0,2}\//.test(name);

const TaskName = new t.Type<string, unknown>(
  'a task, or the folder of one as ./my-task',
  t.string.is,
  (u, c) => (typeof u === 'string' && isTaskFolder(u) ? t.success(u) : Name.validate(u, c)),
  t.identity,
);

/** Problems to pose, drawn by the task's generator: the same seed, config and counts give the same problems. */
export const TaskConfig = section('task', {
  name: TaskName,
  config: otherwise(JsonValue, {}),
  seed: otherwise(Whole, 1),
  train: Positive,
  /** How many of the training problems, the first ones, come with a gold rationale; null: all of them, as in the paper. */
  gold: otherwise(orNull(Whole), null),
  testSeen: Whole,
  testUnseen: Whole,
});

/** A student trained from nothing on gold rationales (the paper's ft rationale, stage 0). */
export const BaseConfig = section('base', {
  seed: otherwise(Whole, 1),
  policy: otherwise(Text, 'ft-rationale'),
  tokenizer: section('tokenizer', {
    kind: otherwise(oneOf('bpe', 'bytes'), 'bpe'),
    vocabSize: otherwise(Positive, 512),
    minFrequency: otherwise(Positive, 50),
    pattern: otherwise(oneOf('arithmetic', 'words', 'wholeWords', 'prose'), 'prose'),
    merges: otherwise(t.boolean, true),
  }),
  shape: section('shape', {
    hiddenSize: Positive,
    intermediateSize: Positive,
    layers: Positive,
    heads: Positive,
    kvHeads: Positive,
    headDim: Positive,
    ropeTheta: otherwise(Ratio, 10000),
    rmsNormEps: otherwise(Weight, 1e-5),
    tiedEmbeddings: otherwise(t.boolean, true),
    maxPositions: otherwise(Positive, 256),
  }),
  train: trainSection({
    ...paperTrainConfig,
    learningRate: 1e-3,
    batchSize: 32,
    microBatch: 8,
    warmup: 0.05,
    beta2: 0.95,
    epochs: null,
    steps: 1000,
  }),
  /**
   * A folder that holds this very student and its receipt (see `tripost export-student`), relative to the config file.
   * Its training is then imported instead of repeated, once its inputs have been derived again and agree digest by digest.
   */
  trained: otherwise(orNull(Text), null),
});

const given = section('run', {
  seed: otherwise(Whole, 1),
  task: TaskConfig,
  base: BaseConfig,
  iterations: otherwise(Whole, 3),
  policy: otherwise(Text, 'tripost'),
  collect: section('collect', {
    passes: otherwise(Positive, 1),
    maxCalls: otherwise(Positive, 3),
    sampling: Sampling,
    maxUpdates: otherwise(Whole, 5),
    overCorrection: otherwise(oneOf('edit', 'discard'), 'edit'),
    stepOrder: otherwise(oneOf('numeric', 'text'), 'numeric'),
    noProgress: otherwise(oneOf('truncate', 'keep'), 'truncate'),
    rightAnswer: otherwise(oneOf('fbk', 'answer-match'), 'fbk'),
    concurrency: otherwise(Positive, 8),
  }),
  train: trainSection(paperTrainConfig),
  evaluate: section('evaluate', {
    maxCalls: otherwise(Positive, 3),
    maxTokens: otherwise(Positive, 512),
    temperature: otherwise(Weight, 0),
  }),
  generate: section('generate', { batch: otherwise(Positive, 64) }),
});

/** The config of `tripost run`, every field filled in. Unknown keys are refused with the key that was probably meant. */
export const RunConfig = given;
export type RunConfig = t.TypeOf<typeof RunConfig>;
