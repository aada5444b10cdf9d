import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { draws } from '../../projections/random';
import { encodeModel } from '../onnx/modelProto';
import type { Completion, CompletionRequest, LanguageModel, ModelError } from '../ports/languageModel';
import type { Program, RuntimeError, Tensor, TensorRuntime } from '../ports/tensorRuntime';
import { decodeGraph } from './decodeGraph';
import { parametersOf, type ModelShape, type Weights } from './modelShape';
import type { Tokenizer } from './tokenizer';
import { masked, parameterInput } from './transformer';

/** Prompt lengths are padded up to a multiple of this, so that few graphs are built. */
const promptMultiple = 32;

/** Requests worth giving at once, in decoding batches: follow-up calls are few, and share batches this way. */
const batchesAtOnce = 4;

export interface StudentSettings {
  readonly checkpoint: Digest;
  readonly shape: ModelShape;
  readonly weights: Weights;
  readonly tokenizer: Tokenizer;
  /** Rows decoded at once. Always this many (empty places are padded), so that every batch is the same arithmetic. */
  readonly batch: number;
}

/** Decoding programs by shape. Weights are fed per run, so the students of all iterations share them. */
export class DecodePrograms {
  private readonly loaded = new Map<string, Promise<E.Either<RuntimeError, Program>>>();

  constructor(private readonly runtime: TensorRuntime) {}

  get(shape: ModelShape, batch: number, length: number, steps: number): Promise<E.Either<RuntimeError, Program>> {
    const key = JSON.stringify([shape, batch, length, steps]);
    const known = this.loaded.get(key);
    if (known !== undefined) return known;
    const loading = this.runtime.load(encodeModel(decodeGraph(shape, batch, length, steps)))();
    this.loaded.set(key, loading);
    return loading;
  }

  async release(): Promise<void> {
    for (const loading of this.loaded.values()) {
      const program = await loading;
      if (E.isRight(program)) await program.right.release();
    }
    this.loaded.clear();
  }
}

const float32 = (dims: readonly number[], data: Float32Array): Tensor => ({ dtype: 'float32', dims, data });
const int64 = (dims: readonly number[], data: BigInt64Array): Tensor => ({ dtype: 'int64', dims, data });

/** The largest float32 below 1: a draw is in [0, 1), and must stay so when it is rounded to float32. */
const belowOne = 1 - 2 ** -24;

interface Prepared {
  readonly request: CompletionRequest;
  readonly ids: readonly number[];
  readonly length: number;
}

/** The prompts, sampling settings and draws of one batch as tensors; places behind the last request repeat an empty prompt. */
const feedsOf = (
  rows: readonly Prepared[],
  batch: number,
  length: number,
  steps: number,
  vocabulary: number,
  endId: number,
): Record<string, Tensor> => {
  const ids = new BigInt64Array(batch * length).fill(BigInt(endId));
  const positions = new BigInt64Array(batch * length);
  const pad = new Float32Array(batch * length).fill(masked);
  const lengths = new BigInt64Array(batch).fill(1n);
  const temperature = new Float32Array(batch).fill(1);
  const topK = new Float32Array(batch).fill(1);
  const topP = new Float32Array(batch).fill(2);
  const uniforms = new Float32Array(steps * batch);
  for (let row = 0; row < batch; row++) {
    const prepared = rows[row];
    const prompt = prepared?.ids ?? [endId];
    const start = length - prompt.length;
    prompt.forEach((id, i) => {
      const place = row * length + start + i;
      ids[place] = BigInt(id);
      positions[place] = BigInt(i);
      pad[place] = 0;
    });
    lengths[row] = BigInt(prompt.length);
    if (prepared === undefined) continue;
    const { sampling, key } = prepared.request;
    const greedy = sampling.temperature === 0;
    temperature[row] = greedy ? 1 : sampling.temperature;
    topK[row] = greedy ? 1 : (sampling.topK ?? vocabulary);
    // Above 1 so that rounding in the running sum can never cut the last token off when no topP is asked for.
    topP[row] = sampling.topP ?? 2;
    const row0 = draws(key);
    for (let step = 0; step < steps; step++) uniforms[step * batch + row] = Math.min(row0.uniform(step), belowOne);
  }
  return {
    ids: int64([batch, length], ids),
    positions: int64([batch, length], positions),
    pad: float32([batch, 1, 1, length], pad),
    lengths: int64([batch], lengths),
    temperature: float32([batch, 1], temperature),
    topK: float32([batch, 1], topK),
    topP: float32([batch, 1], topP),
    uniforms: float32([steps, batch, 1], uniforms),
    end: int64([], BigInt64Array.of(BigInt(endId))),
  };
};

const readRow = (
  tokens: Tensor,
  logprobs: Tensor,
  batch: number,
  row: number,
  maxTokens: number,
  student: StudentSettings,
  promptTokens: number,
): Completion => {
  const { endId } = student.tokenizer;
  const tokenIds: number[] = [];
  const values: number[] = [];
  const made = Math.min(maxTokens, tokens.dims[0] ?? 0);
  let finish: Completion['finish'] = 'length';
  for (let step = 0; step < made; step++) {
    const id = Number(tokens.data[step * batch + row]);
    tokenIds.push(id);
    values.push(Number(logprobs.data[step * batch + row]));
    if (id === endId) {
      finish = 'eos';
      break;
    }
  }
  const text = student.tokenizer.decode(finish === 'eos' ? tokenIds.slice(0, -1) : tokenIds);
  return { text, finish, tokenIds, logprobs: values, usage: { promptTokens, completionTokens: tokenIds.length } };
};

const unavailable = (error: RuntimeError): ModelError => ({
  tag: 'ModelUnavailable',
  message: `${error.tag}: ${error.message}`,
});

/**
 * The student as a LanguageModel on our own runtime. Requests are grouped by padded prompt length and decoded in full
 * batches; token i of a completion is drawn with draw i of the request's key, whatever else is in the batch.
 */
export const studentModel = (student: StudentSettings, programs: DecodePrograms): LanguageModel => {
  const { shape, batch, tokenizer } = student;
  const parameters = Object.fromEntries(
    parametersOf(shape).map(({ name, dims }) => [
      parameterInput(name),
      float32(dims, student.weights.get(name) ?? new Float32Array()),
    ]),
  );

  const decode = async (
    rows: readonly Prepared[],
    length: number,
    steps: number,
  ): Promise<E.Either<ModelError, readonly Completion[]>> => {
    const program = await programs.get(shape, batch, length, steps);
    if (E.isLeft(program)) return E.left(unavailable(program.left));
    const feeds = feedsOf(rows, batch, length, steps, shape.vocabSize, tokenizer.endId);
    const fetched = await program.right.run({ ...feeds, ...parameters })();
    if (E.isLeft(fetched)) return E.left(unavailable(fetched.left));
    const { tokens, logprobs } = fetched.right;
    if (tokens === undefined || logprobs === undefined)
      return E.left({ tag: 'ModelUnavailable', message: 'the decode graph gave no tokens' });
    return E.right(
      rows.map(({ request, ids }, row) =>
        readRow(tokens, logprobs, batch, row, request.sampling.maxTokens, student, ids.length),
      ),
    );
  };

  const complete = async (
    requests: readonly CompletionRequest[],
    signal: AbortSignal | undefined,
  ): Promise<E.Either<ModelError, readonly Completion[]>> => {
    const groups = new Map<string, { length: number; steps: number; places: number[]; rows: Prepared[] }>();
    for (const [place, request] of requests.entries()) {
      const ids = tokenizer.encode(request.prompt);
      const { maxTokens, temperature, topK, topP } = request.sampling;
      if (temperature < 0 || topK === 0 || (topP !== null && topP <= 0))
        return E.left({
          tag: 'BadSampling',
          message: `expected temperature from 0, topK from 1 and topP above 0, got ${temperature}, ${topK}, ${topP}`,
        });
      const length = Math.max(promptMultiple, Math.ceil(ids.length / promptMultiple) * promptMultiple);
      if (ids.length + maxTokens > shape.maxPositions)
        return E.left({
          tag: 'PromptTooLong',
          tokens: ids.length,
          limit: shape.maxPositions - maxTokens,
          prompt: request.prompt,
        });
      const key = `${length}+${maxTokens}`;
      const group = groups.get(key) ?? { length, steps: maxTokens, places: [], rows: [] };
      group.places.push(place);
      group.rows.push({ request, ids, length });
      groups.set(key, group);
    }
    const completions: Completion[] = [];
    for (const { length, steps, places, rows } of groups.values())
      for (let start = 0; start < rows.length; start += batch) {
        if (signal?.aborted === true) return E.left({ tag: 'Interrupted' });
        const made = await decode(rows.slice(start, start + batch), length, steps);
        if (E.isLeft(made)) return made;
        made.right.forEach((completion, i) => {
          const place = places[start + i];
          if (place !== undefined) completions[place] = completion;
        });
      }
    return E.right(completions);
  };

  return {
    ref: { kind: 'checkpoint', digest: student.checkpoint },
    batch: batch * batchesAtOnce,
    complete: (requests, signal) => () => complete(requests, signal),
  };
};
