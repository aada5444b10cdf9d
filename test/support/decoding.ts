import { GraphBuilder } from '../../src/onnx/graph';
import type { Program, Tensor, TensorRuntime } from '../../src/ports/tensorRuntime';
import { decodeGraph } from '../../src/train/decodeGraph';
import type { ModelShape } from '../../src/train/modelShape';
import { forward, masked, parameterInputs } from '../../src/train/transformer';
import { float, int64, loadOrThrow, numbersOf, runOrThrow } from './running';

/** One row to decode: its prompt, how to sample, and one uniform draw per step. */
export interface DecodeRow {
  readonly prompt: readonly number[];
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly uniforms?: readonly number[];
}

export interface Decoded {
  /** Per row, one entry per step that was run. */
  readonly tokens: readonly (readonly number[])[];
  readonly logprobs: readonly (readonly number[])[];
}

const feedsOf = (rows: readonly DecodeRow[], length: number, steps: number, end: number): Record<string, Tensor> => {
  const batch = rows.length;
  const starts = rows.map(({ prompt }) => length - prompt.length);
  const fill = <T>(at: (row: DecodeRow, start: number, place: number) => T): T[] =>
    rows.flatMap((row, i) => Array.from({ length }, (_, place) => at(row, starts[i] ?? 0, place)));
  const perRow = (of: (row: DecodeRow) => number): Tensor => float([batch, 1], rows.map(of));
  const draws = Array.from(
    { length: steps * batch },
    (_, i) => rows[i % batch]?.uniforms?.[Math.floor(i / batch)] ?? 0.5,
  );
  return {
    ids: int64(
      [batch, length],
      fill(({ prompt }, start, place) => prompt[place - start] ?? 0),
    ),
    positions: int64(
      [batch, length],
      fill((_, start, place) => Math.max(0, place - start)),
    ),
    pad: float(
      [batch, 1, 1, length],
      fill((_, start, place) => (place < start ? masked : 0)),
    ),
    lengths: int64(
      [batch],
      rows.map(({ prompt }) => prompt.length),
    ),
    temperature: perRow(({ temperature = 1 }) => temperature),
    topK: perRow(({ topK = 1 }) => topK),
    topP: perRow(({ topP = 2 }) => topP),
    uniforms: float([steps, batch, 1], draws),
    end: int64([], [end]),
  };
};

const programs = new Map<string, Promise<Program>>();

/** Programs are kept, since many tests decode with the same shapes. */
const programFor = (runtime: TensorRuntime, shape: ModelShape, batch: number, length: number, steps: number) => {
  const key = JSON.stringify([runtime.provider, shape, batch, length, steps]);
  const loading = programs.get(key) ?? loadOrThrow(runtime, decodeGraph(shape, batch, length, steps));
  programs.set(key, loading);
  return loading;
};

/** Decodes rows in one batch, prompts padded on the left to `length`. Greedy unless a row says otherwise. */
export const decode = async (
  runtime: TensorRuntime,
  shape: ModelShape,
  parameters: Readonly<Record<string, Tensor>>,
  rows: readonly DecodeRow[],
  { length, steps, end }: { readonly length: number; readonly steps: number; readonly end: number },
): Promise<Decoded> => {
  const program = await programFor(runtime, shape, rows.length, length, steps);
  const got = await runOrThrow(program, { ...feedsOf(rows, length, steps, end), ...parameters });
  const column = (name: string, row: number): number[] =>
    numbersOf(got, name).filter((_, i) => i % rows.length === row);
  return {
    tokens: rows.map((_, row) => column('tokens', row)),
    logprobs: rows.map((_, row) => column('logprobs', row)),
  };
};

/** Logits behind the last token of a sequence, by one full forward pass without a cache. */
export type NextLogits = (sequence: readonly number[]) => Promise<readonly number[]>;

export const fullForward = async (
  runtime: TensorRuntime,
  shape: ModelShape,
  parameters: Readonly<Record<string, Tensor>>,
  longest: number,
): Promise<NextLogits> => {
  const b = new GraphBuilder('forward');
  const ids = b.input('ids', 'int64', [1, longest]);
  b.output('logits', forward(b, parameterInputs(b, shape), shape, ids, 1, longest));
  const program = await loadOrThrow(runtime, b.build());
  return async (sequence) => {
    const padded = [...sequence, ...Array.from({ length: longest - sequence.length }, () => 0)];
    const got = await runOrThrow(program, { ids: int64([1, longest], padded), ...parameters });
    const { vocabSize } = shape;
    return numbersOf(got, 'logits').slice((sequence.length - 1) * vocabSize, sequence.length * vocabSize);
  };
};

const logSoftmax = (logits: readonly number[]): number[] => {
  const max = Math.max(...logits);
  const logSum = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
  return logits.map((logit) => logit - logSum);
};

/** The sampler again, from its description alone: temperature, then the best topK, then the nucleus of mass topP. */
export const sample = (
  logits: readonly number[],
  { temperature = 1, topK = 1, topP = 2 }: DecodeRow,
  u: number,
): number => {
  const sorted = logSoftmax(logits.map((logit) => logit / temperature))
    .map((logProbability, id) => ({ id, p: Math.exp(logProbability) }))
    .sort((a, b) => b.p - a.p || a.id - b.id);
  let before = 0;
  const kept = sorted.filter(({ p }, rank) => {
    const keep = rank < topK && before < topP;
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
export const decodeSlowly = async (next: NextLogits, row: DecodeRow, steps: number, end: number) => {
  const tokens: number[] = [];
  const logprobs: number[] = [];
  while (tokens.length < steps && tokens.at(-1) !== end) {
    const logits = await next([...row.prompt, ...tokens]);
    const id = sample(logits, row, row.uniforms?.[tokens.length] ?? 0.5);
    tokens.push(id);
    logprobs.push(logSoftmax(logits)[id] ?? Number.NaN);
  }
  return { tokens, logprobs };
};
