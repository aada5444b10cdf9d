import { GraphBuilder } from '../../src/onnx/graph';
import type { TensorRuntime } from '../../src/ports/tensorRuntime';
import type { DecodePrograms } from '../../src/train/decode/decodePrograms';
import { Generator, type GeneratedRow, type GenerationRow } from '../../src/train/decode/generator';
import { initialWeights } from '../../src/train/initialWeights';
import { parametersOf, type ModelShape, type Weights } from '../../src/train/modelShape';
import { forward, parameterInput, parameterInputs } from '../../src/train/transformer';
import { draws } from '../../projections/random';
import { must, the } from './events';
import { decodeFloats, type GoldenModel } from './goldenModel';
import { int64, loadOrThrow, numbersOf, runOrThrow } from './running';

/** A row to continue: greedy, unless it says how to sample. */
export type DecodeRow = Pick<GenerationRow, 'ids' | 'maxTokens'> & Partial<GenerationRow>;

export const generationRow = (row: DecodeRow): GenerationRow => ({
  temperature: 0,
  topK: null,
  topP: null,
  uniform: () => 0.5,
  ...row,
});

export interface DecodeSettings {
  readonly places: number;
  readonly ends?: readonly number[];
}

/** Continues rows on a student's programs. */
export const decode = (
  programs: DecodePrograms,
  shape: ModelShape,
  weights: Weights,
  rows: readonly DecodeRow[],
  { places, ends = [] }: DecodeSettings,
): Promise<readonly GeneratedRow[]> =>
  programs.use(shape, weights, async ({ load }) => {
    const loaded = { prefill: must(await load('prefill')), step: must(await load('step')) };
    return the(must(await new Generator(shape, loaded, ends, rows.map(generationRow), places).all()));
  });

/** Random weights that make sharp choices: as they start, every token is about as likely as the next. */
export const sharpWeights = (shape: ModelShape, seed: number): Weights =>
  new Map(
    [...initialWeights(shape, seed)].map(([name, values]) => {
      const { normal } = draws([seed, name]);
      if (name.endsWith('.bias')) return [name, values.map((_, i) => 0.3 * normal(i))];
      if (name.endsWith('norm.weight')) return [name, values.map((value, i) => 3 * value + 0.3 * normal(i))];
      return [name, values.map((value) => 4 * value)];
    }),
  );

export const goldenWeights = ({ shape, weights }: GoldenModel): Weights =>
  new Map(parametersOf(shape).map(({ name }) => [name, decodeFloats(weights[name])]));

/** Logits behind the last token of a sequence, by one full forward pass of the training form, without a cache. */
export type NextLogits = (sequence: readonly number[]) => Promise<readonly number[]>;

export const fullForward = async (
  runtime: TensorRuntime,
  shape: ModelShape,
  weights: Weights,
  longest: number,
): Promise<NextLogits> => {
  const b = new GraphBuilder('forward');
  const ids = b.input('ids', 'int64', [1, longest]);
  const form = { batch: 1, length: longest, recompute: false, loraScale: 0 };
  b.output('logits', forward(b, parameterInputs(b, shape), shape, { ids }, form));
  const program = await loadOrThrow(runtime, b.build());
  const parameters = Object.fromEntries(
    parametersOf(shape).map(({ name, dims }) => [
      parameterInput(name),
      { dtype: 'float32' as const, dims, data: the(weights.get(name)) },
    ]),
  );
  return async (sequence) => {
    const padded = [...sequence, ...Array.from({ length: longest - sequence.length }, () => 0)];
    const got = await runOrThrow(program, { ids: int64([1, longest], padded), ...parameters });
    const { vocabSize } = shape;
    return numbersOf(got, 'logits').slice((sequence.length - 1) * vocabSize, sequence.length * vocabSize);
  };
};

export const logSoftmax = (logits: readonly number[]): number[] => {
  const max = Math.max(...logits);
  const logSum = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
  return logits.map((logit) => logit - logSum);
};

/** The sampler again, from its description alone: temperature, then the best topK, then the nucleus of mass topP. */
export const sample = (
  logits: readonly number[],
  { temperature, topK, topP }: Pick<GenerationRow, 'temperature' | 'topK' | 'topP'>,
  u: number,
): number => {
  const isGreedy = temperature === 0;
  const sorted = logSoftmax(logits.map((logit) => logit / (isGreedy ? 1 : temperature)))
    .map((logProbability, id) => ({ id, p: Math.exp(logProbability) }))
    .sort((a, b) => b.p - a.p || a.id - b.id);
  let before = 0;
  const kept = sorted.filter(({ p }, rank) => {
    const keep = rank < (isGreedy ? 1 : (topK ?? Infinity)) && before < (topP ?? 2);
    before += p;
    return keep;
  });
  const total = kept.reduce((sum, { p }) => sum + p, 0);
  let mass = 0;
  const chosen = kept.find(({ p }) => {
    mass += p;
    return mass > u * total;
  });
  return (chosen ?? kept.at(-1))?.id ?? -1;
};

/** Decodes one row by repeated full forward passes. */
export const decodeSlowly = async (next: NextLogits, given: DecodeRow, ends: readonly number[] = []) => {
  const row = generationRow(given);
  const tokenIds: number[] = [];
  const logprobs: number[] = [];
  while (tokenIds.length < row.maxTokens && !ends.includes(tokenIds.at(-1) ?? -1)) {
    const logits = await next([...row.ids, ...tokenIds]);
    const id = sample(logits, row, row.uniform(tokenIds.length));
    tokenIds.push(id);
    logprobs.push(logSoftmax(logits)[id] ?? Number.NaN);
  }
  return { tokenIds, logprobs };
};
