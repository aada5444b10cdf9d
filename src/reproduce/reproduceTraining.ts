import * as E from 'fp-ts/Either';
import type { CheckpointWritten } from '../../events/checkpointWritten';
import type { Environment } from '../../events/codecs';
import { digestOf, isMapping, sha256 } from '../../events/digest';
import type { Step } from '../../events/stepRecorded';
import type { TrainingCompleted } from '../../events/trainingCompleted';
import type { TrainingStarted } from '../../events/trainingStarted';
import type { Row } from '../../projections/replayDataset';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import type { LoadedCheckpoint } from '../train/checkpointStore';
import type { StartEngine } from '../train/engine';
import { initialWeights } from '../train/initialWeights';
import type { ModelShape } from '../train/modelShape';
import { readSafetensors } from '../train/safetensors';
import { TrainConfig } from '../train/trainConfig';
import { train } from '../train/trainer';
import type { Base, TrainError } from '../train/trainRequest';
import { likelyCause } from './environment';
import { check, type Check, type Finding, type Reproduction } from './finding';

/** What the ledger says of a training. */
export interface RecordedTraining {
  readonly started: TrainingStarted;
  readonly steps: readonly Step[];
  readonly completed: TrainingCompleted;
  readonly final: CheckpointWritten;
}

export interface TrainingPorts {
  /** A ledger and blobs to train on, thrown away afterwards. */
  readonly scratch: { readonly log: EventLog; readonly blobs: BlobStore };
  readonly startEngine: StartEngine;
  readonly signal: AbortSignal;
  readonly environment: Environment;
  /** The dataset's rows: derived again, or read. */
  readonly rowsOf: (dataset: string) => Promise<readonly Row[] | undefined>;
  /** A checkpoint of the ledger, every file checked against its digest. */
  readonly checkpointOf: (digest: string) => Promise<E.Either<string, LoadedCheckpoint>>;
  /** The bytes that lie under a blob's name, whatever their digest. */
  readonly rawBlob: (digest: string) => Promise<Uint8Array | undefined>;
  /** Settings of the training to change on purpose. */
  readonly changed: Readonly<Record<string, unknown>>;
  readonly onStep?: (step: number, steps: number) => void;
}

const bitsOf = (data: Float32Array): Uint32Array => new Uint32Array(data.buffer, data.byteOffset, data.length);

/** Names the first tensor in which two weight files differ, its first such value, and how many there are. */
export const firstTensor = (
  expected: Uint8Array,
  got: Uint8Array,
): { readonly where: string; readonly expected: string; readonly got: string } | undefined => {
  const [was, is] = [readSafetensors(expected), readSafetensors(got)];
  if (E.isLeft(was)) return { ...was.left, where: `model.safetensors, ${was.left.where}` };
  if (E.isLeft(is)) return { ...is.left, where: `model.safetensors, ${is.left.where}` };
  for (const [name, { data }] of is.right.tensors) {
    const stored = was.right.tensors.get(name)?.data;
    if (stored === undefined) return { where: name, expected: 'no such tensor', got: 'a tensor' };
    if (stored.length !== data.length)
      return { where: name, expected: `${stored.length} values`, got: `${data.length} values` };
    const [a, b] = [bitsOf(stored), bitsOf(data)];
    const first = a.findIndex((bits, at) => bits !== b[at]);
    if (first < 0) continue;
    const count = a.reduce((sum, bits, at) => sum + Number(bits !== b[at]), 0);
    return {
      where: `${name}, value ${first}`,
      expected: `${stored[first] ?? Number.NaN}`,
      got: `${data[first] ?? Number.NaN}; ${count} of ${data.length} values differ`,
    };
  }
  return undefined;
};

const baseOf = async (
  { started, final }: RecordedTraining,
  { checkpointOf }: TrainingPorts,
): Promise<E.Either<string, Base>> => {
  // A student from nothing has its tokenizer in the checkpoint that came of it.
  const source = started.base.kind === 'checkpoint' ? started.base.digest : final.checkpoint;
  const loaded = await checkpointOf(source);
  if (E.isLeft(loaded)) return loaded;
  const { shape, weights, tokenizer, kept } = loaded.right;
  if (started.base.kind === 'checkpoint') return E.right({ ref: started.base, shape, weights, tokenizer, kept });
  const own: ModelShape = shape;
  if (digestOf({ ...own }) !== digestOf(started.base.shape))
    return E.left(`the shape of checkpoint ${source} is not that of the training's start`);
  return E.right({ ref: started.base, shape: own, weights: initialWeights(own, started.base.seed), tokenizer });
};

/**
 * Trains again, on the recorded inputs and a scratch ledger, and holds every step's loss and norm bits, the weights and the
 * receipt against the recorded ones. Ends at the first step that differs: what follows differs because of it.
 */
export const reproduceTraining = async (
  recorded: RecordedTraining,
  ports: TrainingPorts,
): Promise<E.Either<TrainError, Reproduction>> => {
  const { started, completed, final, steps } = recorded;
  const { trainingId } = started;
  const checks: Check[] = [];
  const findings: Finding[] = [];
  const differs = (kind: Finding['kind'], where: string, expected: string, got: string, cause: string): void =>
    void findings.push({ kind, of: trainingId, where, expected, got, cause });
  const done = (): E.Either<TrainError, Reproduction> => E.right({ checks, findings });

  const before = isMapping(started.config) ? started.config : {};
  const config = TrainConfig.decode({ ...before, ...ports.changed });
  const recordedConfig = digestOf(started.config);
  if (recordedConfig !== started.configDigest || E.isLeft(config)) {
    differs(
      'input',
      'config',
      started.configDigest,
      recordedConfig,
      'the recorded config cannot be read by this version',
    );
    return done();
  }
  checks.push(check('config', trainingId, digestOf(config.right) === started.configDigest));
  if (digestOf(config.right) !== started.configDigest) {
    const given: Readonly<Record<string, unknown>> = config.right;
    const name = Object.keys(given).find((key) => JSON.stringify(given[key]) !== JSON.stringify(before[key])) ?? '';
    differs(
      'input',
      `config.${name}`,
      JSON.stringify(before[name]),
      JSON.stringify(given[name]),
      'this setting was changed',
    );
  }
  const rows = await ports.rowsOf(started.dataset);
  if (rows === undefined) {
    differs(
      'input',
      'dataset',
      started.dataset,
      'it cannot be read or derived',
      'its blob is missing and its derivation is not on this ledger',
    );
    return done();
  }
  const base = await baseOf(recorded, ports);
  if (E.isLeft(base)) {
    differs(
      'input',
      'base',
      started.base.kind === 'checkpoint' ? started.base.digest : 'from nothing',
      base.left,
      'the base cannot be read',
    );
    return done();
  }
  checks.push(check('tokenizer', trainingId, base.right.tokenizer.digest === started.tokenizer));
  if (base.right.tokenizer.digest !== started.tokenizer)
    differs(
      'input',
      'tokenizer',
      started.tokenizer,
      base.right.tokenizer.digest,
      "the checkpoint's tokenizer.json is another one",
    );

  const stop = new AbortController();
  const signal = AbortSignal.any([ports.signal, stop.signal]);
  let compared = 0;
  const compare = (step: Step): void => {
    const was = steps.find((one) => one.step === step.step);
    if (was === undefined || findings.some(({ kind }) => kind === 'step')) return;
    compared += 1;
    const fields = ['rows', 'lossBits', 'gradNormBits', 'learningRate'] as const;
    const other = fields.find((field) => JSON.stringify(was[field]) !== JSON.stringify(step[field]));
    if (other === undefined) return;
    const named = {
      rows: 'rows of the batch',
      lossBits: 'loss bits',
      gradNormBits: 'gradient norm bits',
      learningRate: 'learning rate',
    }[other];
    const cause =
      findings.length > 0
        ? 'the input named above'
        : likelyCause(
            started.environment,
            ports.environment,
            'nothing known differs: other code of the trainer, or memory errors',
          );
    differs('step', `step ${step.step}, ${named}`, JSON.stringify(was[other]), JSON.stringify(step[other]), cause);
    stop.abort();
  };
  const trained = await train(
    {
      dataset: started.dataset,
      rows,
      base: base.right,
      config: config.right,
      seed: started.seed,
      environment: ports.environment,
    },
    {
      ...ports.scratch,
      startEngine: ports.startEngine,
      signal,
      onStep: (step, total) => {
        compare(step);
        ports.onStep?.(step.step, total);
      },
    },
  );
  const stepsEqual = !findings.some(({ kind }) => kind === 'step');
  checks.push(check('loss and gradient norm bits of every step', trainingId, stepsEqual, compared));
  if (!stepsEqual) return done();
  if (E.isLeft(trained)) return trained;
  const { receipt } = trained.right;
  checks.push(
    check('fingerprints', trainingId, receipt.fingerprints === completed.fingerprints),
    check('weights', trainingId, receipt.weights === completed.weights),
    check('checkpoint files', trainingId, receipt.checkpoint === completed.checkpoint),
  );
  const made = await ports.scratch.blobs.get(receipt.weights)();
  const stored = await ports.rawBlob(completed.weights);
  const intact = stored !== undefined && sha256(stored) === completed.weights;
  checks.push(check('stored weights', trainingId, intact));
  if (receipt.weights !== completed.weights || !intact) {
    const tensor = E.isRight(made) && stored !== undefined ? firstTensor(stored, made.right) : undefined;
    const cause =
      receipt.weights === completed.weights
        ? 'the stored file was changed after it was written: training again gives the recorded digest'
        : likelyCause(
            started.environment,
            ports.environment,
            'every step agrees, the weights do not: other code that writes them',
          );
    if (tensor === undefined)
      differs('digest', 'weights', completed.weights, stored === undefined ? 'no such blob' : receipt.weights, cause);
    else differs('tensor', tensor.where, tensor.expected, tensor.got, cause);
  } else if (receipt.checkpoint !== completed.checkpoint)
    differs(
      'digest',
      'checkpoint files',
      completed.checkpoint,
      receipt.checkpoint,
      `equal weights, other side files: ${Object.keys(final.files).join(', ')}`,
    );
  return done();
};
