import type { MemoryNeed } from '../ports/memoryNeed';
import { loraParameters, loraTargets } from './lora';
import { numbersOf, parametersOf, type ModelShape } from './modelShape';
import type { GraphConfig } from './trainGraph';

// What training and decoding need of memory at their peak, from shapes alone. Measured peaks lie within a factor of 1.5
// (test/train/memoryEstimate.test.ts); what is said of an alternative is as rough.

type MemoryPart = MemoryNeed['parts'][number];

const float = Float32Array.BYTES_PER_ELEMENT;

/** Node with the runtime loaded, and what each thread of it takes. */
const processBytes = 110e6;
const threadBytes = 25e6;

export interface TrainingSize {
  readonly shape: ModelShape;
  readonly config: Pick<GraphConfig, 'microBatch' | 'recompute' | 'lora'>;
  /** Padded tokens of the longest line. */
  readonly length: number;
  /** Most micro-batches of a step. */
  readonly microBatches: number;
  /** Threads that hold a copy of the model. */
  readonly copies: number;
}

/** Numbers that one layer keeps of one micro-batch for its gradient. */
const keptByLayer = ({ shape, config: { microBatch }, length }: TrainingSize): number => {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = shape;
  const projected = (2 * heads + 2 * kvHeads) * headDim;
  const perToken = 6 * hiddenSize + 2 * projected + 4 * intermediateSize;
  return microBatch * length * (perToken + heads * length);
};

/** Activations of one micro-batch: by layer, and the logits with their gradient. */
const activationsOf = (size: TrainingSize): number => {
  const { shape, config, length } = size;
  const { layers, hiddenSize, vocabSize } = shape;
  const tokens = config.microBatch * length;
  // A recomputed layer keeps its input alone; while one is computed again, it needs what any layer does, and as much.
  const kept = config.recompute
    ? layers * tokens * hiddenSize + 2 * keptByLayer(size)
    : (layers + 1) * keptByLayer(size);
  return kept + 3 * tokens * vocabSize;
};

/** The part that a step does not need. */
export const savedPart = 'a state as it is saved';

const partsOfTraining = (size: TrainingSize): readonly MemoryPart[] => {
  const { shape, config, microBatches, copies } = size;
  const all = numbersOf(parametersOf(shape));
  const trained = config.lora === null ? all : numbersOf(loraParameters(shape, config.lora));
  const frozen = config.lora === null ? 0 : all;
  const slots = copies > 1 ? Math.min(microBatches, 2 * copies) : 0;
  const shared = copies > 1 ? 1 : 0;
  // The sum of gradients, and those of single micro-batches where there are several.
  const gradients = 1 + (copies > 1 ? copies : Math.min(1, microBatches - 1)) + slots;
  return [
    { what: 'weights', bytes: float * ((copies + shared) * trained + copies * frozen) },
    { what: 'gradients', bytes: float * gradients * trained },
    { what: "the optimizer's state", bytes: float * 2 * trained },
    { what: 'activations', bytes: float * copies * activationsOf(size) },
    // A copy of values and moments, as they are written to resume from.
    { what: savedPart, bytes: float * 3 * trained },
    { what: 'the program', bytes: processBytes + copies * threadBytes },
  ];
};

const total = (parts: readonly MemoryPart[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0);

/** Smaller micro-batches are more of them. */
const divided = (size: TrainingSize, { microBatch }: Partial<TrainingSize['config']>): Partial<TrainingSize> =>
  microBatch === undefined
    ? {}
    : { microBatches: Math.ceil((size.microBatches * size.config.microBatch) / microBatch) };

/** What a training needs, and which of its settings would need less. */
export const trainingMemory = (size: TrainingSize): MemoryNeed => {
  const parts = partsOfTraining(size);
  const bytes = total(parts);
  const { config } = size;
  const small = { microBatch: 1 };
  const recomputed = { recompute: true };
  const adapted = { lora: { rank: 8, alpha: 16, targets: loraTargets.slice(0, 4) } };
  const changes: readonly (readonly [string, Partial<TrainingSize['config']>])[] = [
    ['microBatch: 1', small],
    ['recompute: true', recomputed],
    ['both', { ...small, ...recomputed }],
    ...(config.lora === null ? [['lora: {rank: 8}', adapted] as const] : []),
  ];
  const alternatives = changes.map(([change, changed]) => ({
    change,
    bytes: total(partsOfTraining({ ...size, ...divided(size, changed), config: { ...config, ...changed } })),
  }));
  return { bytes, parts, alternatives: alternatives.filter((each) => each.bytes < bytes) };
};

export interface DecodingSize {
  readonly shape: ModelShape;
  /** Rows decoded at once. */
  readonly batch: number;
  /** Threads that hold a copy of the model. */
  readonly copies: number;
}

const partsOfDecoding = ({ shape, batch, copies }: DecodingSize): readonly MemoryPart[] => {
  const { layers, kvHeads, headDim, maxPositions, vocabSize } = shape;
  const weights = float * numbersOf(parametersOf(shape));
  return [
    // Those of the reading and of the writing graph, each packed once more by the runtime, and what they are read from.
    { what: 'weights', bytes: weights * (1 + 3 * copies) },
    {
      what: 'keys and values of texts as long as the model reads',
      bytes: float * 4 * batch * layers * kvHeads * headDim * maxPositions,
    },
    { what: 'logits and draws', bytes: float * 8 * batch * vocabSize },
    { what: 'the program', bytes: processBytes + copies * threadBytes },
  ];
};

/** What decoding needs with so many rows at once, each as long as the model reads, and how many rows would need less. */
export const decodingMemory = (size: DecodingSize): MemoryNeed => {
  const parts = partsOfDecoding(size);
  const bytes = total(parts);
  const batches = [Math.floor(size.batch / 4), 1].filter((batch) => batch >= 1 && batch < size.batch);
  const alternatives = [...new Set(batches)].map((batch) => ({
    change: `batch: ${batch}`,
    bytes: total(partsOfDecoding({ ...size, batch, copies: Math.min(size.copies, batch) })),
  }));
  return { bytes, parts, alternatives: alternatives.filter((each) => each.bytes < bytes) };
};
