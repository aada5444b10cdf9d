import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import type { Sampling } from '../../events/generationProduced';
import { draws } from '../../projections/random';
import type {
  CallObserver,
  Completion,
  CompletionRequest,
  LanguageModel,
  ModelError,
  Score,
  ScoreRequest,
  Scorer,
} from '../ports/languageModel';
import type { RuntimeError } from '../ports/tensorRuntime';
import type { DecodePrograms, StudentPrograms } from './decode/decodePrograms';
import { Generator, type GeneratedRow, type GenerationRow } from './decode/generator';
import { scoreRows } from './decode/scoring';
import { firstStop, textBefore } from './decode/stopping';
import { encodeInOrder } from './encodeInOrder';
import { decodingMemory } from './memoryEstimate';
import type { ModelShape, Weights } from './modelShape';
import type { Tokenizer } from './tokenizer';

/** Requests worth giving at once, in decoding batches: rows that end make place for others only while there are some. */
const batchesAtOnce = 4;

/** How many requests are worth giving to a student at once. */
export const requestsAtOnce = ({ batch }: Pick<StudentSettings, 'batch'>): number => batch * batchesAtOnce;

export interface StudentSettings {
  readonly checkpoint: Digest;
  readonly shape: ModelShape;
  readonly weights: Weights;
  readonly tokenizer: Tokenizer;
  /** Ids that end a text: the tokenizer's alone, when left out. */
  readonly stopIds?: readonly number[] | undefined;
  /** Rows decoded at once, at most. What a row becomes does not depend on it. */
  readonly batch: number;
}

/** A runtime's failure as that of a model. */
export const modelError = (
  error: RuntimeError,
  { shape, batch }: Pick<StudentSettings, 'shape' | 'batch'>,
  copies = 1,
): ModelError =>
  error.tag === 'OutOfMemory'
    ? { tag: 'DecodingOutOfMemory', message: error.message, ...decodingMemory({ shape, batch, copies }) }
    : { tag: 'ModelUnavailable', message: `${error.tag}: ${error.message}` };

const badSampling = ({ temperature, topK, topP }: Sampling): ModelError | undefined =>
  temperature < 0 || topK === 0 || (topP !== null && topP <= 0)
    ? {
        tag: 'BadSampling',
        message: `expected temperature from 0, topK from 1 and topP above 0, got ${temperature}, ${topK}, ${topP}`,
      }
    : undefined;

/** Tokens of a prompt, as at the beginning of a row. */
const promptIds = (tokenizer: Tokenizer, prompt: string): readonly number[] => [
  ...tokenizer.startIds,
  ...tokenizer.encode(prompt),
];

/** What a model reads: where there are no tokens, the end of another text stands for them. */
const readIds = (tokenizer: Tokenizer, ids: readonly number[]): readonly number[] =>
  ids.length === 0 ? [tokenizer.endId] : ids;

/** The text of ids behind a prompt; those that pad the embedding have none. */
const textOf =
  (tokenizer: Tokenizer, prompt: string) =>
  (ids: readonly number[]): string =>
    tokenizer.decode(
      ids.filter((id) => id < tokenizer.vocabSize),
      { continued: prompt !== '' },
    );

/** One completion to make: a request for several is as many of these. */
export interface Continuation extends Pick<CompletionRequest, 'sampling' | 'key' | 'stop'> {
  readonly prompt: string;
}

/** The samples of a request behind the first have keys of their own. */
const continuationsOf = (request: CompletionRequest): E.Either<ModelError, readonly Continuation[]> => {
  const { prompt, sampling, key, stop, samples = 1 } = request;
  if (typeof prompt !== 'string')
    return E.left({
      tag: 'RequestUnsupported',
      message: 'a student of our own continues text, and was asked to answer a conversation',
    });
  if (!Number.isSafeInteger(samples) || samples < 1)
    return E.left({ tag: 'BadSampling', message: `expected samples from 1, got ${samples}` });
  return E.right(
    Array.from({ length: samples }, (_, sample) => ({
      prompt,
      sampling,
      ...(stop === undefined ? {} : { stop }),
      key: sample === 0 ? key : [...key, 'sample', sample],
    })),
  );
};

/** What is asked for, by request; refused where one of them is not for a model of our own. */
export const continuationGroups = (
  requests: readonly CompletionRequest[],
): E.Either<ModelError, readonly (readonly Continuation[])[]> => {
  const groups: (readonly Continuation[])[] = [];
  for (const request of requests) {
    const group = continuationsOf(request);
    if (E.isLeft(group)) return group;
    groups.push(group.right);
  }
  return E.right(groups);
};

/** Tells an observer of the completions of every request, in their order. */
export const tellAnswered = async (
  groups: readonly (readonly Continuation[])[],
  completions: readonly Completion[],
  observer: CallObserver,
): Promise<void> => {
  let first = 0;
  for (const [i, group] of groups.entries()) {
    await observer.answered?.(i, completions.slice(first, first + group.length));
    first += group.length;
  }
};

/** A continuation as the generator takes it. */
const rowOf = (
  { prompt, sampling, key, stop }: Continuation,
  prompted: readonly number[],
  { shape, tokenizer }: StudentSettings,
): E.Either<ModelError, GenerationRow> => {
  const bad = badSampling(sampling);
  if (bad !== undefined) return E.left(bad);
  const ids = readIds(tokenizer, prompted);
  const { maxTokens } = sampling;
  if (ids.length + maxTokens > shape.maxPositions)
    return E.left({ tag: 'PromptTooLong', tokens: ids.length, limit: shape.maxPositions - maxTokens, prompt });
  const { temperature, topK, topP } = sampling;
  const { uniform } = draws(key);
  const enough = stop === undefined ? undefined : firstStop(textOf(tokenizer, prompt), stop);
  return E.right({ ids, maxTokens, temperature, topK, topP, uniform, ...(enough === undefined ? {} : { enough }) });
};

const completionOf = (
  { prompt, stop = [] }: Continuation,
  promptTokens: number,
  { tokenIds, logprobs, finish }: GeneratedRow,
  tokenizer: Tokenizer,
): Completion => {
  const text = textOf(tokenizer, prompt)(finish === 'eos' ? tokenIds.slice(0, -1) : tokenIds);
  return {
    text: finish === 'stop' ? textBefore(text, stop) : text,
    finish,
    tokenIds,
    logprobs,
    usage: { promptTokens, completionTokens: tokenIds.length },
  };
};

const complete = async (
  student: StudentSettings,
  { load, arrays }: StudentPrograms,
  requests: readonly CompletionRequest[],
  signal: AbortSignal | undefined,
  observer: CallObserver,
): Promise<E.Either<ModelError, readonly Completion[]>> => {
  const { shape, tokenizer, batch } = student;
  const groups = continuationGroups(requests);
  if (E.isLeft(groups)) return groups;
  const continuations = groups.right.flat();
  const prompts = continuations.map(({ prompt }) => promptIds(tokenizer, prompt));
  const rows: GenerationRow[] = [];
  for (const [i, continuation] of continuations.entries()) {
    const row = rowOf(continuation, prompts[i] ?? [], student);
    if (E.isLeft(row)) return row;
    rows.push(row.right);
  }
  if (rows.length === 0) return E.right([]);
  const [prefill, step] = [await load('prefill'), await load('step')];
  if (E.isLeft(prefill)) return E.left(modelError(prefill.left, student));
  if (E.isLeft(step)) return E.left(modelError(step.left, student));
  const programs = { prefill: prefill.right, step: step.right };
  const made = await new Generator(shape, programs, student.stopIds ?? [tokenizer.endId], rows, batch, arrays).all(
    signal,
  );
  if (E.isLeft(made)) return E.left(modelError(made.left, student));
  if (made.right === undefined) return E.left({ tag: 'Interrupted' });
  const generated = made.right;
  const completions = continuations.map((continuation, i) => {
    const one = generated[i];
    if (one === undefined) throw new Error(`the generator gave no row ${i}`);
    return completionOf(continuation, prompts[i]?.length ?? 0, one, tokenizer);
  });
  await tellAnswered(groups.right, completions, observer);
  return E.right(completions);
};

const score = async (
  student: StudentSettings,
  { load }: StudentPrograms,
  requests: readonly ScoreRequest[],
  signal: AbortSignal | undefined,
): Promise<E.Either<ModelError, readonly Score[]>> => {
  const { shape, tokenizer } = student;
  const rows = requests.map(({ prompt, continuation, end }) => ({
    prompt: readIds(tokenizer, promptIds(tokenizer, prompt)),
    continuation: [...(encodeInOrder(tokenizer, [prompt, continuation])[1] ?? []), ...(end ? [tokenizer.endId] : [])],
  }));
  for (const [i, row] of rows.entries()) {
    const tokens = row.prompt.length + row.continuation.length;
    const prompt = requests[i]?.prompt ?? '';
    if (tokens > shape.maxPositions) return E.left({ tag: 'PromptTooLong', tokens, limit: shape.maxPositions, prompt });
  }
  if (rows.length === 0) return E.right([]);
  const program = await load('score');
  if (E.isLeft(program)) return E.left(modelError(program.left, student));
  const scored = await scoreRows(shape, program.right, rows, signal);
  if (E.isLeft(scored)) return E.left(modelError(scored.left, student));
  if (scored.right === undefined) return E.left({ tag: 'Interrupted' });
  return E.right(
    scored.right.map((logprobs, i) => ({
      tokenIds: rows[i]?.continuation ?? [],
      logprobs,
      logprob: logprobs.reduce((sum, value) => sum + value, 0),
    })),
  );
};

/**
 * The student as a LanguageModel and a Scorer on our own runtime. Token i of a completion is drawn with draw i of the
 * request's key. Ids and log-probabilities are the same to the last bit whatever else is in the batch, in which order and
 * on how many threads; on another kind of processor, and with weights of 2 GiB and more, log-probabilities may differ
 * in their last bits, and a draw that falls on such a difference gives another token.
 */
export const studentModel = (student: StudentSettings, programs: DecodePrograms): LanguageModel & Scorer => ({
  ref: { kind: 'checkpoint', digest: student.checkpoint },
  batch: requestsAtOnce(student),
  complete:
    (requests, signal, observer = {}) =>
    () =>
      programs.use(student.shape, student.weights, (lent) => complete(student, lent, requests, signal, observer)),
  score: (requests, signal) => () =>
    programs.use(student.shape, student.weights, (lent) => score(student, lent, requests, signal)),
});
