import type { Environment } from '../../events/codecs';
import { canonicalJson, contentId, digestOf, type Digest } from '../../events/digest';
import type { DecodeError, LedgerEvent } from '../../events/index';
import type { TrainingStarted } from '../../events/trainingStarted';
import type { Row } from '../../projections/replayDataset';
import type { BlobError } from '../ports/blobStore';
import type { AppendError } from '../ports/eventLog';
import type { MemoryNeed } from '../ports/memoryNeed';
import type { RuntimeError } from '../ports/tensorRuntime';
import type { CheckpointError, Kept } from './checkpoint';
import type { ModelShape, Weights } from './modelShape';
import type { Tokenizer, TokenizerError } from './tokenizer';
import type { TrainConfig } from './trainConfig';

export type TrainError =
  | { readonly tag: 'EmptyDataset'; readonly dataset: Digest }
  | {
      readonly tag: 'RowsTooLong';
      readonly limit: number;
      readonly rows: readonly { readonly id: string; readonly tokens: number }[];
    }
  | { readonly tag: 'BatchWithoutWeight'; readonly step: number; readonly rows: readonly string[] }
  | {
      readonly tag: 'LossNotFinite';
      readonly step: number;
      readonly loss: number;
      readonly gradNorm: number;
      readonly learningRate: number;
      readonly rows: readonly string[];
    }
  /** The training was begun under other graphs or on another machine class: going on would make weights of two kinds. */
  | {
      readonly tag: 'TrainingDiffers';
      readonly trainingId: string;
      readonly field: string;
      readonly expected: string;
      readonly got: string;
    }
  /** So few rows that the share held out rounds to none of them. */
  | { readonly tag: 'NothingHeldOut'; readonly rows: number; readonly share: number }
  | { readonly tag: 'StateUnreadable'; readonly checkpoint: Digest; readonly message: string }
  | { readonly tag: 'Cancelled'; readonly step: number; readonly savedStep: number; readonly steps: number }
  /** Memory ran out; what the training needs of it, and with which settings it would need less. */
  | ({ readonly tag: 'TrainingOutOfMemory'; readonly message: string } & MemoryNeed)
  | Exclude<RuntimeError, { readonly tag: 'OutOfMemory' }>
  | AppendError
  | BlobError
  | CheckpointError
  | TokenizerError
  | DecodeError;

/** What goes wrong inside a training; memory that ran out is not told of without what would need less. */
export type TrainFailure = TrainError | RuntimeError;

export interface Base {
  readonly ref: TrainingStarted['base'];
  readonly shape: ModelShape;
  readonly weights: Weights;
  readonly tokenizer: Tokenizer;
  /** What its folder has besides, to be written back. */
  readonly kept?: Kept | undefined;
}

export interface TrainRequest {
  readonly dataset: Digest;
  readonly rows: readonly Row[];
  readonly base: Base;
  readonly config: TrainConfig;
  readonly seed: number;
  readonly environment: Environment;
}

/** What decides a training's weights, and so its identity. The environment is not in it: the receipt tells that. */
export const trainingIdOf = (request: Omit<TrainRequest, 'rows' | 'environment'>): string =>
  contentId([
    'training',
    request.dataset,
    request.base.ref,
    request.base.tokenizer.digest,
    request.config,
    request.seed,
  ]);

/** What would make the rest of a begun training other than its beginning: another graph, another machine class. */
export const differenceFrom = (
  events: readonly LedgerEvent[],
  now: Pick<TrainingStarted, 'graphs' | 'environment' | 'steps'>,
): { readonly field: string; readonly expected: string; readonly got: string } | undefined => {
  const begun = events.find((event) => event.type === 'TrainingStarted');
  if (begun?.type !== 'TrainingStarted') return undefined;
  for (const field of ['graphs', 'environment', 'steps'] as const) {
    const [expected, got] = [canonicalJson(begun.data[field]), canonicalJson(now[field])];
    if (expected !== got) return { field, expected, got };
  }
  return undefined;
};

export const startedData = (
  request: TrainRequest,
  trainingId: string,
  steps: number,
  graphs: Readonly<Record<string, Digest>>,
): TrainingStarted => ({
  trainingId,
  dataset: request.dataset,
  base: request.base.ref,
  config: request.config,
  configDigest: digestOf(request.config),
  seed: request.seed,
  tokenizer: request.base.tokenizer.digest,
  graphs,
  steps,
  environment: request.environment,
});
