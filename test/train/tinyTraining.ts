import { sha256 } from '../../events/digest';
import type { Row } from '../../projections/replayDataset';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { initialWeights } from '../../src/train/initialWeights';
import { localEngine } from '../../src/train/localEngine';
import type { ModelShape } from '../../src/train/modelShape';
import { loadTokenizer } from '../../src/train/tokenizer';
import type { TrainConfig } from '../../src/train/trainConfig';
import type { TrainPorts } from '../../src/train/trainingRun';
import type { TrainRequest } from '../../src/train/trainRequest';
import { byteLevelTokenizer } from '../../src/train/trainTokenizer';
import { environment } from '../support/builders';
import { must, testClock } from '../support/events';

export const tokenizer = must(loadTokenizer(byteLevelTokenizer()));

export const shape: ModelShape = {
  vocabSize: tokenizer.vocabSize,
  hiddenSize: 32,
  intermediateSize: 48,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tiedEmbeddings: true,
  maxPositions: 64,
};

export const config: TrainConfig = {
  steps: 6,
  epochs: null,
  batchSize: 2,
  microBatch: 2,
  learningRate: 1e-2,
  warmup: 0.2,
  schedule: 'linear',
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1,
  normaliser: 'tokens',
  checkpointEvery: 2,
  lengthMultiple: 32,
  packing: false,
  recompute: false,
  lora: null,
  heldOut: null,
};

const section = (kind: 'prompt' | 'attempt', text: string, weight: number) => ({
  kind,
  text,
  weight,
  eventId: 'e',
  author: null,
});

export const rowOf = (id: string, prompt: string, attempt: string, weight = 1): Row => ({
  id,
  bucket: 'GT',
  problemId: id,
  trajectoryId: null,
  iteration: null,
  sections: [section('prompt', prompt, weight), section('attempt', attempt, weight)],
  end: true,
});

/** Five rows of two lengths, so that batches span epochs; with lengthMultiple 16 there are two graph shapes. */
export const rows: readonly Row[] = [
  rowOf('a', 'Q: 1 + 1', ' = 2'),
  rowOf('b', 'Q: 1 + 2', ' = 3'),
  rowOf('c', 'Q: 2 + 2', ' = 4'),
  rowOf('d', 'Q: 2 + 3 =', ' five, 2 and 3'),
  rowOf('e', 'Q: 3 + 3 =', ' six, 3 twice'),
];

export const request = (
  changed: Partial<Omit<TrainRequest, 'config'>> & { readonly config?: Partial<TrainConfig> } = {},
): TrainRequest => ({
  dataset: sha256('five rows'),
  rows,
  base: { ref: { kind: 'scratch', shape: { ...shape }, seed: 1 }, shape, weights: initialWeights(shape, 1), tokenizer },
  seed: 4,
  environment,
  ...changed,
  config: { ...config, ...changed.config },
});

export const runtime = ortRuntime({ device: 'cpu', threads: 1, spin: false });

export const newPorts = (changed: Partial<TrainPorts> = {}): TrainPorts => ({
  log: openMemoryLog({ now: testClock() }),
  blobs: memoryBlobStore(),
  startEngine: localEngine(runtime),
  signal: new AbortController().signal,
  ...changed,
});
