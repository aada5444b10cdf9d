import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import {
  AnyJson,
  Described,
  Flag,
  later,
  listOf,
  Name,
  noted,
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
import { PolicyRef } from '../../projections/policies/policyDocument';
import { loraTargets } from '../train/lora';
import { noTargets, paperTrainConfig } from '../train/trainConfig';

const AnyTargets = listOf(oneOf(...loraTargets));
const Targets = new Described<t.TypeOf<typeof AnyTargets>>(
  AnyTargets.name,
  AnyTargets.is,
  (u, c) => (Array.isArray(u) && u.length === 0 ? t.failure(u, c, noTargets) : AnyTargets.validate(u, c)),
  () => ({ ...AnyTargets.schema, minItems: 1 }),
);

const Lora = section('lora', {
  rank: otherwise(Positive, 8),
  alpha: otherwise(Ratio, 16),
  targets: otherwise(Targets, ['q_proj', 'k_proj', 'v_proj', 'o_proj']),
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
  packing: otherwise(Flag, defaults.packing),
  recompute: otherwise(Flag, defaults.recompute),
  lora: otherwise(orNull(Lora), defaults.lora),
  heldOut: otherwise(orNull(HeldOut), defaults.heldOut),
});

/** As JSON Schema: a mapping in which this is something. */
const given = (key: string) => ({
  type: 'object',
  required: [key],
  properties: { [key]: { not: { type: 'null' } } },
});

/** `steps` or `epochs` decides how long a training is: who gives one of them does not get the other's default beside it. */
const trainSection = (defaults: typeof paperTrainConfig) => {
  const fields = section('train', train(defaults));
  return new Described<t.TypeOf<typeof fields>>(
    fields.name,
    fields.is,
    (u, c) => {
      const all: Readonly<Record<string, unknown>> = typeof u === 'object' && u !== null ? { ...u } : {};
      const { steps, epochs } = { steps: all['steps'] ?? null, epochs: all['epochs'] ?? null };
      if (steps !== null && epochs !== null) return t.failure(u, c, 'expected steps or epochs, got both');
      return fields.validate(steps === null && epochs === null ? u : { ...all, steps, epochs }, c);
    },
    () => ({ ...fields.schema, not: { allOf: [given('steps'), given('epochs')] } }),
    true,
  );
};

const Sampling = section('sampling', {
  temperature: otherwise(Weight, 1),
  topK: otherwise(orNull(Positive), null),
  topP: otherwise(orNull(Weight), null),
  maxTokens: otherwise(Positive, 512),
});

const taskFolder = /^\.{0,2}\//;

/** Whether a task's name is the folder of a user's own task. */
export const isTaskFolder = (name: string): boolean => taskFolder.test(name);

const TaskName = new Described<string>(
  'a task, or the folder of one as ./my-task',
  t.string.is,
  (u, c) => (typeof u === 'string' && isTaskFolder(u) ? t.success(u) : Name.validate(u, c)),
  () => ({ anyOf: [Name.schema, { type: 'string', pattern: taskFolder.source }] }),
);

/** Problems to pose, drawn by the task's generator: the same seed, config and counts give the same problems. */
export const TaskConfig = section('task', {
  name: noted(TaskName, 'A task, or the folder of one of your own as ./my-task.'),
  config: otherwise(AnyJson, {}, "The task's own: difficulty, sizes."),
  seed: otherwise(Whole, 1, 'Of the problems.'),
  train: noted(Positive, 'Training problems.'),
  gold: otherwise(
    orNull(Whole),
    null,
    'How many of the training problems, the first ones, come with a gold rationale; null: all of them, as in the paper.',
  ),
  testSeen: noted(Whole, 'Test problems of the trained difficulty.'),
  testUnseen: noted(Whole, 'Test problems of another.'),
});

/** What a config without a policy means. */
export const usualPolicies = { policy: 'tripost', 'base.policy': 'ft-rationale' } as const;

const Shape = section('shape', {
  hiddenSize: Positive,
  intermediateSize: Positive,
  layers: Positive,
  heads: Positive,
  kvHeads: Positive,
  headDim: Positive,
  ropeTheta: otherwise(Ratio, 10000),
  rmsNormEps: otherwise(Weight, 1e-5),
  tiedEmbeddings: otherwise(Flag, true),
  maxPositions: otherwise(Positive, 256),
});

const BaseFields = section('base', {
  from: later(
    orNull(Text),
    null,
    'A model to start from: its Hugging Face folder, relative to the config file, or the digest of a checkpoint that the ' +
      'ledger has. Tokenizer and shape are then its own. Null: from nothing.',
  ),
  seed: otherwise(Whole, 1, 'Of its first weights and batches.'),
  policy: otherwise(PolicyRef, usualPolicies['base.policy'], 'Its rows.'),
  tokenizer: section('tokenizer', {
    kind: otherwise(oneOf('bpe', 'bytes'), 'bpe'),
    vocabSize: otherwise(Positive, 512),
    minFrequency: otherwise(Positive, 50),
    pattern: otherwise(oneOf('arithmetic', 'words', 'wholeWords', 'prose'), 'prose'),
    merges: otherwise(Flag, true),
  }),
  shape: otherwise(orNull(Shape), null, 'Of a student from nothing; needed where `from` names no model.'),
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
  trained: otherwise(
    orNull(Text),
    null,
    'A folder that holds this very student and its receipt (see `tripost export-student`), relative to the config file. ' +
      'Its training is then imported instead of repeated, once its inputs have been derived again and agree digest by digest.',
  ),
});

/** A student trained on gold rationales (the paper's ft rationale, stage 0), from nothing or from a model that is there. */
export const BaseConfig = new Described<t.TypeOf<typeof BaseFields>>(
  BaseFields.name,
  BaseFields.is,
  (u, c) => {
    const decoded = BaseFields.validate(u, c);
    if (E.isLeft(decoded) || decoded.right.shape !== null || (decoded.right.from ?? null) !== null) return decoded;
    const message = 'a student from nothing needs its shape; `from` names a model that has one';
    return t.failure(null, t.appendContext(c, 'shape', Shape), message);
  },
  () => ({ ...BaseFields.schema, anyOf: [given('from'), given('shape')] }),
);

const teacherSampling = (temperature: number, maxTokens: number) =>
  section('sampling', {
    temperature: otherwise(Weight, temperature),
    topK: otherwise(orNull(Positive), null),
    topP: otherwise(orNull(Weight), null),
    maxTokens: otherwise(Positive, maxTokens),
  });

/** A large model as FBK and IMP. Where it is served, and with which key, is the environment's (OPENAI_BASE_URL). */
const Teacher = section('teacher', {
  model: Text,
  /** A folder with prompts over the shipped ones, relative to the config file. */
  prompts: otherwise(orNull(Text), null),
  feedback: teacherSampling(0, 256),
  improvement: teacherSampling(0.7, 1024),
});
const TeacherEditor = section('editor', { teacher: Teacher });
export type EditorConfig = 'script' | t.TypeOf<typeof TeacherEditor>;

/** Who edits: the task's script, or `{teacher: {model: ...}}`. */
const Editor = new Described<EditorConfig>(
  'script, or {teacher: {model, ...}}',
  (u): u is EditorConfig => u === 'script' || TeacherEditor.is(u),
  (u, c) => (u === 'script' ? t.success(u) : TeacherEditor.validate(u, c)),
  () => ({ anyOf: [{ const: 'script' }, TeacherEditor.schema] }),
);

/** The config of `tripost run`, every field filled in. Unknown keys are refused with the key that was probably meant. */
export const RunConfig = section('run', {
  seed: otherwise(Whole, 1, 'Root of every draw of collection, training and evaluation.'),
  task: TaskConfig,
  base: BaseConfig,
  iterations: otherwise(Whole, 3, 'How often to collect, derive, train and evaluate.'),
  policy: otherwise(PolicyRef, usualPolicies.policy, 'What a dataset is made of.'),
  collect: section('collect', {
    passes: otherwise(Positive, 1, 'First attempts at every problem.'),
    maxCalls: otherwise(Positive, 3, 'Most calls of the student in one trajectory.'),
    sampling: Sampling,
    maxUpdates: otherwise(Whole, 5, 'Most updates of one trajectory.'),
    overCorrection: otherwise(oneOf('edit', 'discard'), 'edit'),
    stepOrder: otherwise(oneOf('numeric', 'text'), 'numeric'),
    noProgress: otherwise(oneOf('truncate', 'keep'), 'truncate'),
    rightAnswer: otherwise(oneOf('fbk', 'answer-match'), 'fbk'),
    editor: otherwise(Editor, 'script'),
    concurrency: otherwise(Positive, 8),
  }),
  train: trainSection(paperTrainConfig),
  evaluate: section('evaluate', {
    maxCalls: otherwise(Positive, 3),
    maxTokens: otherwise(Positive, 512),
    temperature: otherwise(Weight, 0),
  }),
  generate: section('generate', { batch: otherwise(Positive, 64, 'Problems answered at once.') }),
});
export type RunConfig = t.TypeOf<typeof RunConfig>;

/**
 * The config as runs are told apart by it and record it: without where the base's weights come from (its training has an
 * identity of its own), and without the editor where it is the script, as before there was another. A base that starts from
 * a model has that model's tokenizer and shape, so its own are left out.
 */
export const recordedConfig = ({ base, collect, ...rest }: RunConfig) => {
  const { trained: _, from = null, shape, tokenizer, ...common } = base;
  const own = from === null ? { ...common, shape, tokenizer } : { ...common, from };
  const { editor, ...others } = collect;
  return { ...rest, base: own, collect: editor === 'script' ? others : { ...others, editor } };
};
