import * as E from 'fp-ts/Either';
import type { Program, RuntimeError, Tensor } from '../../ports/tensorRuntime';
import type { ModelShape } from '../modelShape';
import { floatsOf } from '../programs';
import { masked } from '../transformer';
import { float32 } from './decodeWeights';
import { ArrayPool, KeyValueCache } from './keyValueCache';
import { readingFeeds, readingGroups } from './reading';
import { stepsPerRun } from './stepGraph';

/** One text to continue. */
export interface GenerationRow {
  /** Prompt tokens, at least one. */
  readonly ids: readonly number[];
  readonly maxTokens: number;
  /** 0 is greedy decoding, whatever topK and topP are. */
  readonly temperature: number;
  readonly topK: number | null;
  readonly topP: number | null;
  /** Draw i, in [0, 1), picks token i. */
  readonly uniform: (i: number) => number;
  /** How many of the tokens made so far are enough, where some are; asked after every run. */
  readonly enough?: (tokenIds: readonly number[]) => number | undefined;
}

export interface GeneratedRow {
  readonly tokenIds: readonly number[];
  readonly logprobs: readonly number[];
  readonly finish: 'eos' | 'length' | 'stop';
}

export interface GeneratorPrograms {
  readonly prefill: Program;
  readonly step: Program;
}

interface Active {
  readonly index: number;
  readonly row: GenerationRow;
  readonly tokenIds: number[];
  readonly logprobs: number[];
  /** Logits behind the last token. */
  logits: Float32Array;
  finish: GeneratedRow['finish'] | undefined;
}

/** The largest float32 below 1: a draw is in [0, 1), and must stay so when it is rounded to float32. */
const belowOne = 1 - 2 ** -24;

const int64 = (dims: readonly number[], values: readonly number[]): Tensor => ({
  dtype: 'int64',
  dims,
  data: BigInt64Array.from(values, BigInt),
});

/** Takes an item out; the last one takes its place. */
const lastInto = (items: unknown[], place: number): void => {
  const last = items.pop();
  if (last !== undefined && place < items.length) items[place] = last;
};

/** How rows are sampled, as the step graph takes it. */
const samplingFeeds = (
  rows: readonly Active[],
  vocabulary: number,
  steps: number,
): Readonly<Record<string, Tensor>> => {
  const column = (of: (row: GenerationRow) => number): Tensor =>
    float32(
      [rows.length, 1],
      Float32Array.from(rows, ({ row }) => of(row)),
    );
  const uniforms = new Float32Array(steps * rows.length);
  rows.forEach(({ row, tokenIds }, place) => {
    for (let step = 0; step < steps; step++)
      uniforms[step * rows.length + place] = Math.min(row.uniform(tokenIds.length + step), belowOne);
  });
  return {
    temperature: column(({ temperature }) => (temperature === 0 ? 1 : temperature)),
    topK: column(({ temperature, topK }) => (temperature === 0 ? 1 : Math.min(topK ?? vocabulary, vocabulary))),
    // Above 1 nothing is left out: a running sum of probabilities may reach 1 before the last token.
    topP: column(({ temperature, topP }) => (temperature === 0 || topP === null || topP >= 1 ? 2 : topP)),
    uniforms: float32([steps, rows.length, 1], uniforms),
  };
};

/**
 * Continues texts, at most `places` at a time: between runs of `stepsPerRun` tokens, rows that have ended give their
 * place to the next ones waiting. Token i of a row depends on its prompt, its settings and its draws alone, so neither
 * `places` nor the order of the rows changes what a row becomes.
 */
export class Generator {
  private readonly cache: KeyValueCache;
  private readonly active: Active[] = [];
  private readonly results: GeneratedRow[];
  private waiting: readonly number[];
  private readonly places: number;
  private readonly steps: number;

  constructor(
    private readonly shape: ModelShape,
    private readonly programs: GeneratorPrograms,
    private readonly endIds: readonly number[],
    private readonly rows: readonly GenerationRow[],
    places: number,
    arrays = new ArrayPool(),
  ) {
    this.places = Math.max(1, places);
    this.steps = stepsPerRun(shape);
    this.results = rows.map(() => ({ tokenIds: [], logprobs: [], finish: 'length' }));
    this.waiting = [...rows.keys()].filter((index) => (rows[index]?.maxTokens ?? 0) > 0);
    this.cache = new KeyValueCache(shape, Math.min(this.places, rows.length), arrays);
  }

  /** The continuations in the rows' order; undefined when the signal aborted first. To be called once. */
  async all(signal?: AbortSignal): Promise<E.Either<RuntimeError, readonly GeneratedRow[] | undefined>> {
    try {
      return await this.made(signal);
    } finally {
      this.cache.release();
    }
  }

  private async made(signal?: AbortSignal): Promise<E.Either<RuntimeError, readonly GeneratedRow[] | undefined>> {
    while (this.waiting.length + this.active.length > 0) {
      if (signal?.aborted === true) return E.right(undefined);
      const failed = (await this.admit()) ?? (await this.decode());
      if (failed !== undefined) return E.left(failed);
    }
    return E.right(this.results);
  }

  /** Reads the prompts of the rows that take the free places. */
  private async admit(): Promise<RuntimeError | undefined> {
    const free = this.places - this.active.length;
    const prompts = this.waiting.slice(0, free).map((index) => ({ index, ids: this.rows[index]?.ids ?? [] }));
    this.waiting = this.waiting.slice(free);
    for (const { length, rows } of readingGroups(prompts, this.shape)) {
      const last = rows.map(({ ids }, i) => i * length + ids.length - 1);
      const feeds = { ...readingFeeds(this.shape, rows, length), last: int64([rows.length], last) };
      const read = await this.programs.prefill.run(feeds)();
      if (E.isLeft(read)) return read.left;
      const logits = floatsOf(read.right, 'logits');
      this.cache.fit(Math.max(...rows.map(({ ids }) => ids.length), this.longest()));
      rows.forEach(({ ids, index }, i) => {
        const row = this.rows[index];
        if (row === undefined) throw new Error(`no row ${index}`);
        this.cache.add(read.right, i, ids.length);
        this.active.push({
          index,
          row,
          tokenIds: [],
          logprobs: [],
          logits: this.logitsOf(logits, i),
          finish: undefined,
        });
      });
    }
    return undefined;
  }

  private longest(): number {
    return this.active.reduce((most, _, place) => Math.max(most, this.cache.lengthOf(place)), 0);
  }

  private logitsOf(all: Float32Array, row: number): Float32Array {
    return all.slice(row * this.shape.vocabSize, (row + 1) * this.shape.vocabSize);
  }

  /** One run of the step graph for the rows at work. */
  private async decode(): Promise<RuntimeError | undefined> {
    const batch = this.active.length;
    const left = this.active.map(({ row, tokenIds }) => row.maxTokens - tokenIds.length);
    const fetched = await this.programs.step.run(this.feeds(left, Math.min(this.steps, Math.max(...left))))();
    if (E.isLeft(fetched)) return fetched.left;
    const { tokens } = fetched.right;
    const [logprobs, next] = [floatsOf(fetched.right, 'logprobs'), floatsOf(fetched.right, 'next')];
    const made = tokens?.dims[0] ?? 0;
    this.active.forEach((one, place) => {
      for (let step = 0; step < made && one.finish === undefined; step++) {
        const id = Number(tokens?.data[step * batch + place]);
        one.tokenIds.push(id);
        one.logprobs.push(logprobs[step * batch + place] ?? Number.NaN);
        if (this.endIds.includes(id)) one.finish = 'eos';
        else if (one.tokenIds.length >= one.row.maxTokens) one.finish = 'length';
      }
      one.logits = this.logitsOf(next, place);
    });
    const placesBefore = this.active.map((_, place) => place);
    this.dropEnded(placesBefore);
    this.cache.fit(this.longest() + made);
    placesBefore.forEach((before, place) => this.cache.append(place, fetched.right, before, made));
    return undefined;
  }

  /** Puts the results of ended rows by, and gives their places back; `following` is kept in step with the rows. */
  private dropEnded(following: number[]): void {
    for (let place = this.active.length - 1; place >= 0; place--) {
      const one = this.active[place];
      const enough = one?.row.enough?.(one.tokenIds);
      const finish = enough === undefined ? one?.finish : 'stop';
      if (one === undefined || finish === undefined) continue;
      const [tokenIds, logprobs] = [one.tokenIds.slice(0, enough), one.logprobs.slice(0, enough)];
      this.results[one.index] = { tokenIds, logprobs, finish };
      this.cache.remove(place);
      lastInto(this.active, place);
      lastInto(following, place);
    }
  }

  private feeds(left: readonly number[], steps: number): Readonly<Record<string, Tensor>> {
    const { vocabSize, kvHeads, headDim, slidingWindow } = this.shape;
    const batch = this.active.length;
    const logits = new Float32Array(batch * vocabSize);
    this.active.forEach((one, place) => logits.set(one.logits, place * vocabSize));
    const cached = this.cache.feeds();
    const seen = this.cache.seen;
    const mask = new Float32Array(batch * seen);
    for (let place = 0; place < batch; place++)
      mask.fill(masked, place * seen + this.cache.lengthOf(place), (place + 1) * seen);
    const places = Float32Array.from({ length: seen }, (_, i) => i);
    return {
      ...cached,
      ...samplingFeeds(this.active, vocabSize, steps),
      ...(slidingWindow === undefined ? {} : { places: float32([1, 1, 1, seen], places) }),
      logits: float32([batch, vocabSize], logits),
      left: int64([batch], left),
      mask: float32([batch, 1, 1, seen], mask),
      none: float32([batch, kvHeads, 0, headDim], new Float32Array()),
      steps: int64([], [steps]),
      ends: int64([this.endIds.length], this.endIds),
    };
  }
}
