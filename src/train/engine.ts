import * as E from 'fp-ts/Either';
import type { RuntimeError, Tensor } from '../ports/tensorRuntime';
import { clipFactor, normOf, type AdamW, type StepScalars } from './adamW';
import { sharesOf, type Layout, type Share } from './layout';
import type { ModelShape } from './modelShape';
import type { BatchLoss, Exchange, Feeds, FlatState, ShardSetup } from './shard';
import type { GraphConfig } from './trainGraph';

/** One micro-batch: its graph's key, and its feeds besides the parameters. */
export interface MicroBatch {
  readonly key: string;
  readonly feeds: Feeds;
}

export interface EngineStep {
  readonly microBatches: readonly MicroBatch[];
  readonly scalars: StepScalars;
}

export interface EngineResult {
  /** Sum of the micro-batches' losses, in their order, float32. */
  readonly loss: number;
  /** Global norm of the summed gradients before clipping, float32. */
  readonly gradNorm: number;
  /** Token losses of each micro-batch, nats. */
  readonly nll: readonly Float32Array[];
  /** False where loss or norm is not finite: then nothing was updated. */
  readonly updated: boolean;
}

export type EngineError = RuntimeError;

type Result<T> = Promise<E.Either<EngineError, T>>;

/** A training in progress: it holds weights and optimizer state, and makes steps. */
export interface TrainEngine {
  /** Steps that are worth giving at once. */
  readonly block: number;
  /** Threads that share an operator. ONNX Runtime cuts some sums by their number, so more than one is in the receipt. */
  readonly kernelThreads: number;
  /** Makes steps one behind the other; results in their order. Behind one that is not updated none is made. */
  run(steps: readonly EngineStep[]): Result<readonly EngineResult[]>;
  /** Token losses of batches under the present values. */
  losses(batches: readonly MicroBatch[]): Result<readonly BatchLoss[]>;
  /** Copies of values and moments. */
  state(): Result<FlatState>;
  /** Lets go of everything; again is a no-op. */
  release(): Promise<void>;
}

export interface EngineSetup {
  readonly model: ModelShape;
  readonly config: GraphConfig & AdamW;
  readonly layout: Layout;
  readonly frozen: ReadonlyMap<string, Tensor>;
  readonly graphs: ReadonlyMap<string, Uint8Array>;
  /** Most micro-batches of a step. */
  readonly microBatches: number;
  /** The engine's from now on: it may change these vectors in place, or move them to another thread. */
  readonly start: FlatState;
}

/** Makes an engine; how many threads and workers it uses changes no result. */
export type StartEngine = (setup: EngineSetup) => Result<TrainEngine>;

/** A shard, here or in another thread. */
export interface ShardClient {
  gradient(key: string, feeds: Feeds, slot: number, first: boolean): Result<BatchLoss>;
  losses(key: string, feeds: Feeds): Result<BatchLoss>;
  collect(count: number, first: boolean): Promise<void>;
  squares(): Result<readonly number[]>;
  update(scalars: StepScalars, clip: number): Promise<void>;
  refresh(): Promise<void>;
  snapshot(): Promise<FlatState>;
  release(): Promise<void>;
}

/** How a setup is divided: every shard's part, and the vectors that they share. */
export const shardSetups = (
  setup: EngineSetup,
  shards: number,
  vector: (size: number) => Float32Array,
): readonly ShardSetup[] => {
  const { layout, microBatches, start } = setup;
  const shares = sharesOf(layout, Math.min(shards, microBatches));
  let exchange: Exchange | undefined;
  if (shares.length > 1) {
    const slots = Array.from({ length: Math.min(microBatches, 2 * shares.length) }, () => vector(layout.size));
    exchange = { values: vector(layout.size), slots };
    exchange.values.set(start.values);
  }
  const { config: optimizer, frozen, graphs } = setup;
  return shares.map((share: Share) => ({
    layout,
    share,
    optimizer,
    frozen,
    graphs,
    exchange,
    start: shares.length === 1 ? start : ownStart(start, share),
  }));
};

/** A shard's own copy of all values, and of the moments of its share. */
const ownStart = ({ values, m, v }: FlatState, { offset, size }: Share): FlatState => ({
  values: values.slice(),
  m: m.slice(offset, offset + size),
  v: v.slice(offset, offset + size),
});

const single = Math.fround;

/**
 * Runs tasks on workers that are free, each task given to the first of them; results in the order of the tasks. After a
 * failure none is begun. The first task that fails is the one reported: all before it were begun, so it does not depend
 * on which ended first.
 */
const spread = async <C, T, R>(
  clients: readonly C[],
  tasks: readonly T[],
  run: (client: C, task: T, index: number) => Result<R>,
): Result<readonly R[]> => {
  const results: R[] = [];
  let next = 0;
  const failures: E.Left<EngineError>[] = [];
  const work = async (client: C): Promise<void> => {
    while (next < tasks.length && failures.length === 0) {
      const index = next++;
      const task = tasks[index];
      if (task === undefined) return;
      const result = await run(client, task, index);
      if (E.isRight(result)) results[index] = result.right;
      else failures[index] = result;
    }
  };
  await Promise.all(clients.map(work));
  const [first] = Object.values(failures);
  return first ?? E.right(results);
};

/**
 * Data-parallel training over shards. Micro-batches go to whichever shard is free, their gradients are summed in their
 * own order; each shard then updates its share of the parameters. Bits do not depend on the number of shards.
 */
export class ShardedEngine implements TrainEngine {
  readonly block = 1;

  constructor(
    private readonly shards: readonly ShardClient[],
    /** Micro-batches whose gradients can be held at once; 0 where a single shard adds as it goes. */
    private readonly slots: number,
    private readonly clipNorm: number,
    readonly kernelThreads = 1,
  ) {}

  private async gradients(microBatches: readonly MicroBatch[]): Result<readonly BatchLoss[]> {
    if (this.slots === 0)
      return spread(this.shards.slice(0, 1), microBatches, (shard, { key, feeds }, i) =>
        shard.gradient(key, feeds, 0, i === 0),
      );
    const losses: BatchLoss[] = [];
    for (let start = 0; start < microBatches.length; start += this.slots) {
      const group = microBatches.slice(start, start + this.slots);
      const made = await spread(this.shards, group, (shard, { key, feeds }, i) => shard.gradient(key, feeds, i, false));
      if (E.isLeft(made)) return made;
      losses.push(...made.right);
      await Promise.all(this.shards.map((shard) => shard.collect(group.length, start === 0)));
    }
    return E.right(losses);
  }

  async run(steps: readonly EngineStep[]): Result<readonly EngineResult[]> {
    const results: EngineResult[] = [];
    for (const step of steps) {
      const made = await this.step(step);
      if (E.isLeft(made)) return made;
      results.push(made.right);
      if (!made.right.updated) break;
    }
    return E.right(results);
  }

  private async step({ microBatches, scalars }: EngineStep): Result<EngineResult> {
    const losses = await this.gradients(microBatches);
    if (E.isLeft(losses)) return losses;
    const squares: number[] = [];
    for (const summed of await Promise.all(this.shards.map((shard) => shard.squares()))) {
      if (E.isLeft(summed)) return summed;
      squares.push(...summed.right);
    }
    const gradNorm = normOf(squares);
    const loss = losses.right.reduce((sum, batch) => single(sum + batch.loss), 0);
    const updated = Number.isFinite(loss) && Number.isFinite(gradNorm);
    if (updated) {
      const clip = clipFactor(gradNorm, this.clipNorm);
      await Promise.all(this.shards.map((shard) => shard.update(scalars, clip)));
      if (this.shards.length > 1) await Promise.all(this.shards.map((shard) => shard.refresh()));
    }
    return E.right({ loss, gradNorm, nll: losses.right.map(({ nll }) => nll), updated });
  }

  losses(batches: readonly MicroBatch[]): Result<readonly BatchLoss[]> {
    return spread(this.shards, batches, (shard, { key, feeds }) => shard.losses(key, feeds));
  }

  async state(): Result<FlatState> {
    const parts = await Promise.all(this.shards.map((shard) => shard.snapshot()));
    const joined = (of: (part: FlatState) => Float32Array): Float32Array => {
      const [only] = parts;
      if (parts.length === 1 && only !== undefined) return of(only);
      const whole = new Float32Array(parts.reduce((size, each) => size + of(each).length, 0));
      let at = 0;
      for (const each of parts) {
        whole.set(of(each), at);
        at += of(each).length;
      }
      return whole;
    };
    return E.right({ values: joined((p) => p.values), m: joined((p) => p.m), v: joined((p) => p.v) });
  }

  async release(): Promise<void> {
    await Promise.all(this.shards.map((shard) => shard.release()));
  }
}
