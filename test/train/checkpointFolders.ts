import { isLeft } from 'fp-ts/Either';
import * as fc from 'fast-check';
import type { Checkpoint, CheckpointError } from '../../src/train/checkpoint';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/train/checkpoint';
import { initialWeights } from '../../src/train/initialWeights';
import type { ModelShape, RopeScaling } from '../../src/train/modelShape';
import { byteLevelTokenizer } from '../../src/train/trainTokenizer';

export const small: ModelShape = {
  vocabSize: 257,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tiedEmbeddings: true,
  maxPositions: 64,
};

export const checkpointOf = (shape: ModelShape, seed = 1): Checkpoint => ({
  shape,
  weights: initialWeights(shape, seed),
  tokenizerJson: byteLevelTokenizer(),
  endId: 256,
});

export const decode = (files: ReadonlyMap<string, Uint8Array>): Checkpoint => {
  const decoded = decodeCheckpoint(files);
  if (isLeft(decoded)) throw new Error(JSON.stringify(decoded.left));
  return decoded.right;
};

export const refusal = (files: ReadonlyMap<string, Uint8Array>): CheckpointError | undefined => {
  const decoded = decodeCheckpoint(files);
  return isLeft(decoded) ? decoded.left : undefined;
};

export const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A folder of a shape with some keys of its config.json changed; undefined takes a key away. */
export const withConfig = (change: { readonly [field: string]: unknown }, shape = small): Map<string, Uint8Array> => {
  const files = encodeCheckpoint(checkpointOf(shape));
  const before: object = JSON.parse(textOf(files.get('config.json')));
  return files.set('config.json', bytesOf(JSON.stringify({ ...before, ...change })));
};

const positive = (max: number): fc.Arbitrary<number> => fc.double({ min: 0.01, max, noNaN: true });

const scalings: fc.Arbitrary<RopeScaling> = fc.oneof(
  positive(100).map((factor): RopeScaling => ({ type: 'linear', factor })),
  fc
    .record({ factor: fc.integer({ min: 1, max: 64 }), low: positive(4), more: positive(9), original: fc.nat(9000) })
    .map(({ factor, low, more, original }): RopeScaling => {
      const [lowFrequencyFactor, highFrequencyFactor] = [low, low + more];
      return { type: 'llama3', factor, lowFrequencyFactor, highFrequencyFactor, originalMaxPositions: original + 1 };
    }),
);

const some = { requiredKeys: [] };
const yes = fc.constant(true as const);
const window = fc.integer({ min: 1, max: 5000 });

/** What a shape may have beside its sizes, in every family. */
const variations = fc.oneof(
  fc.record({ attentionBias: yes, mlpBias: yes, ropeScaling: scalings }, some),
  fc.record(
    { family: fc.constant('mistral' as const), slidingWindow: window, ropeScaling: scalings },
    { requiredKeys: ['family'] },
  ),
  fc.record(
    { family: fc.constant('qwen2' as const), slidingWindow: window, ropeScaling: scalings },
    { requiredKeys: ['family'] },
  ),
  fc.record(
    { family: fc.constant('qwen3' as const), attentionBias: yes, slidingWindow: window, ropeScaling: scalings },
    { requiredKeys: ['family'] },
  ),
);

export const shapes: fc.Arbitrary<ModelShape> = fc
  .record({
    vocabSize: fc.integer({ min: 257, max: 300 }),
    hiddenSize: fc.integer({ min: 1, max: 12 }),
    intermediateSize: fc.integer({ min: 1, max: 12 }),
    layers: fc.integer({ min: 1, max: 3 }),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 3 }),
    headDim: fc.integer({ min: 1, max: 4 }).map((half) => half * 2),
    ropeTheta: fc.double({ min: 1, max: 1e6, noNaN: true }),
    rmsNormEps: fc.double({ min: 1e-12, max: 1e-2, noNaN: true }),
    tiedEmbeddings: fc.boolean(),
    maxPositions: fc.integer({ min: 1, max: 5000 }),
    variation: variations,
  })
  .map(({ groups, variation, ...shape }): ModelShape => ({ ...shape, heads: shape.kvHeads * groups, ...variation }));
