import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Tensor, TensorRuntime } from '../../src/ports/tensorRuntime';
import type { AdamW } from '../../src/train/adamW';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { gradientGraph, type GraphConfig } from '../../src/train/trainGraph';
import { parameterInput } from '../../src/train/transformer';
import { float, int64, numbersOf, runGraph } from './running';

type Encoded = Readonly<Record<string, string>>;

/** Every weight is trained, rows have lines of their own. */
export const plainForm: GraphConfig = { microBatch: 1, packing: false, recompute: false, lora: null };

export interface GoldenBatch {
  readonly ids: readonly number[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
  readonly scale: number;
}

/** What fixtures/gradients/make.py wrote: tensors are base64 of little-endian float32. */
export interface GoldenModel {
  readonly madeBy: string;
  readonly shape: ModelShape;
  readonly batch: number;
  readonly length: number;
  readonly adamW: AdamW;
  readonly batches: readonly GoldenBatch[];
  readonly steps: readonly { readonly learningRate: number; readonly loss: number; readonly gradNorm: number }[];
  readonly loss: number;
  readonly logits: string;
  readonly weights: Encoded;
  readonly gradients: Encoded;
  readonly trained: Encoded;
}

export const goldenNames = ['gqa-tied', 'untied', 'llama3-scaled', 'mistral', 'qwen2', 'qwen3'] as const;

/** The repository, from the sources as well as from dist. */
const repository = (from = __dirname): string =>
  existsSync(join(from, 'package.json')) ? from : repository(dirname(from));

export const readGoldenModel = (name: string): GoldenModel => {
  const golden: GoldenModel = JSON.parse(
    readFileSync(join(repository(), 'fixtures', 'gradients', `${name}.json`), 'utf8'),
  );
  return golden;
};

export const decodeFloats = (encoded: string | undefined): Float32Array => {
  if (encoded === undefined) throw new Error('the golden file lacks a tensor');
  return new Float32Array(Uint8Array.from(Buffer.from(encoded, 'base64')).buffer);
};

/** One float32 feed per parameter, named by `prefix`; zeros where no weights are given. */
export const parameterFeeds = (shape: ModelShape, encoded?: Encoded, prefix = parameterInput): Record<string, Tensor> =>
  Object.fromEntries(
    parametersOf(shape).map(({ name, dims }) => {
      const size = dims.reduce((product, dim) => product * dim, 1);
      return [prefix(name), float(dims, encoded === undefined ? new Float32Array(size) : decodeFloats(encoded[name]))];
    }),
  );

/** The feeds of a batch in parts of `lines` rows each. */
export const batchParts = (golden: GoldenModel, step: number, lines: number): readonly Record<string, Tensor>[] => {
  const batch = golden.batches[step];
  if (batch === undefined) throw new Error(`the golden file has no batch ${step}`);
  const size = lines * golden.length;
  return Array.from({ length: golden.batch / lines }, (_, i) => {
    const part = (data: readonly number[]): readonly number[] => data.slice(i * size, (i + 1) * size);
    return {
      ids: int64([lines, golden.length], part(batch.ids)),
      targets: int64([size], part(batch.targets)),
      weights: float([size], part(batch.weights)),
      scale: float([], [batch.scale]),
    };
  });
};

export const batchFeeds = (golden: GoldenModel, step = 0): Record<string, Tensor> =>
  batchParts(golden, step, golden.batch)[0] ?? {};

/** The largest difference over the largest expected magnitude. */
export const tensorError = (got: ArrayLike<number>, expected: ArrayLike<number>): number => {
  if (got.length !== expected.length || got.length === 0)
    throw new Error(`expected ${expected.length} values, got ${got.length}`);
  let [gap, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [value, wanted] = [got[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    if (Number.isNaN(value)) return Number.POSITIVE_INFINITY;
    gap = Math.max(gap, Math.abs(value - wanted));
    largest = Math.max(largest, Math.abs(wanted));
  }
  return gap === 0 ? 0 : gap / largest;
};

export interface GradientErrors {
  readonly loss: number;
  readonly parameters: readonly { readonly name: string; readonly error: number }[];
}

/** Loss and gradients of the whole model on a runtime, against PyTorch's. */
export const gradientErrors = async (runtime: TensorRuntime, golden: GoldenModel): Promise<GradientErrors> => {
  const { shape, batch, length } = golden;
  const feeds = { ...batchFeeds(golden), ...parameterFeeds(shape, golden.weights) };
  const got = await runGraph(runtime, gradientGraph(shape, { ...plainForm, microBatch: batch }, length), feeds);
  return {
    loss: tensorError(numbersOf(got, 'loss'), [golden.loss]),
    parameters: parametersOf(shape).map(({ name }) => ({
      name,
      error: tensorError(numbersOf(got, `grad:${name}`), decodeFloats(golden.gradients[name])),
    })),
  };
};
