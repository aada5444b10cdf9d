import * as E from 'fp-ts/Either';
import { join } from 'node:path';
import { cudaVariables } from '../adapters/onnxruntime/cudaDeterminism';
import type { OrtOptions } from '../adapters/onnxruntime/tensorRuntime';
import { CalledThread } from '../adapters/threads/calls';
import {
  ShardedEngine,
  shardSetups,
  type EngineError,
  type EngineResult,
  type EngineSetup,
  type EngineStep,
  type MicroBatch,
  type ShardClient,
  type StartEngine,
  type TrainEngine,
} from '../train/engine';
import type { BatchLoss, Feeds, FlatState, ShardSetup } from '../train/shard';
import type { StepScalars } from '../train/adamW';
import { runtimeError } from '../ports/tensorRuntime';
import type { LoopMethods } from './loopWorker';

/** Steps in one run on a card, between which weights and moments stay there. */
const loopBlock = 16;

/** Numbers above which a model is large: one shard, since each holds a copy of all values, and no memory kept between runs. */
const largest = 50_000_000;

const sizeOf = ({ layout, frozen }: EngineSetup): number => {
  let numbers = layout.size;
  for (const { data } of frozen.values()) numbers += data.length;
  return numbers;
};

/** How many shards pay: one per thread, where there are micro-batches for them and copies of the model are cheap. */
export const shardsFor = (setup: EngineSetup, { device, threads }: Pick<OrtOptions, 'device' | 'threads'>): number =>
  device !== 'cpu' || sizeOf(setup) > largest ? 1 : Math.max(1, Math.min(threads, setup.microBatches));

type Result<T> = Promise<E.Either<EngineError, T>>;

const failedRun = (failure: unknown): E.Either<EngineError, never> =>
  E.left(runtimeError('RunFailed', failure instanceof Error ? failure.message : String(failure)));

/** A thread that ended is a failed run, as an operator that failed is. */
const answered = async <T>(work: () => Result<T>): Result<T> => {
  try {
    return await work();
  } catch (failure) {
    return failedRun(failure);
  }
};

/** Memory that ran out, with how many threads held a copy of the model. */
const withCopies = <T>(result: E.Either<EngineError, T>, copies: number): E.Either<EngineError, T> =>
  E.isLeft(result) && result.left.tag === 'OutOfMemory' ? E.left({ ...result.left, copies }) : result;

const guarded = (engine: TrainEngine, copies: number): TrainEngine => {
  const told = async <T>(work: () => Result<T>): Result<T> => withCopies(await answered(work), copies);
  return {
    block: engine.block,
    kernelThreads: engine.kernelThreads,
    run: (steps) => told(() => engine.run(steps)),
    losses: (batches) => told(() => engine.losses(batches)),
    state: () => told(() => engine.state()),
    release: () => engine.release(),
  };
};

/** A state's vectors alone, and their memory, which moves to the thread that they are sent to. */
const moving = ({
  values,
  m,
  v,
}: FlatState): { readonly start: FlatState; readonly moved: readonly ArrayBuffer[] } => ({
  start: { values, m, v },
  moved: [values.buffer, m.buffer, v.buffer].filter((buffer) => buffer instanceof ArrayBuffer),
});

/** A shard in a thread of its own. */
class ThreadShard implements ShardClient {
  private readonly thread = new CalledThread(join(__dirname, 'trainWorker.js'));

  async begin(options: OrtOptions, setup: ShardSetup): Promise<void> {
    const { start, moved } = moving(setup.start);
    await this.thread.call('begin', [options, { ...setup, start }], moved);
  }

  private ask<T>(method: keyof ShardClient, ...args: readonly unknown[]): Result<T> {
    return answered(() => this.thread.call<E.Either<EngineError, T>>(method, args));
  }

  gradient(key: string, feeds: Feeds, slot: number, first: boolean): Result<BatchLoss> {
    return this.ask('gradient', key, feeds, slot, first);
  }

  losses(key: string, feeds: Feeds): Result<BatchLoss> {
    return this.ask('losses', key, feeds);
  }

  squares(): Result<readonly number[]> {
    return this.ask('squares');
  }

  async collect(count: number, first: boolean): Promise<void> {
    await this.thread.call('collect', [count, first]);
  }

  async update(scalars: StepScalars, clip: number): Promise<void> {
    await this.thread.call('update', [scalars, clip]);
  }

  async refresh(): Promise<void> {
    await this.thread.call('refresh', []);
  }

  async snapshot(): Promise<FlatState> {
    const state: FlatState = await this.thread.call('snapshot', []);
    return state;
  }

  async release(): Promise<void> {
    await this.thread.stopIdle();
  }
}

/** A training in one thread whose steps run as Loops of up to `block`. */
class ThreadLoop implements TrainEngine {
  readonly kernelThreads = 1;
  private readonly thread = new CalledThread(join(__dirname, 'loopWorker.js'));

  constructor(readonly block: number) {}

  private ask<T, M extends keyof LoopMethods>(
    method: M,
    args: Parameters<LoopMethods[M]>,
    moved: readonly ArrayBuffer[] = [],
  ): Result<T> {
    return answered(() => this.thread.call<E.Either<EngineError, T>>(method, args, moved));
  }

  begin(options: OrtOptions, setup: EngineSetup): Result<void> {
    const { start, moved } = moving(setup.start);
    return this.ask('begin', [options, { ...setup, start }, this.block], moved);
  }

  run(steps: readonly EngineStep[]): Result<readonly EngineResult[]> {
    return this.ask('run', [steps]);
  }

  losses(batches: readonly MicroBatch[]): Result<readonly BatchLoss[]> {
    return this.ask('losses', [batches]);
  }

  state(): Result<FlatState> {
    return this.ask('state', []);
  }

  async release(): Promise<void> {
    await this.thread.stopIdle();
  }
}

/** An engine of one thread that makes up to `block` steps in one run: for devices that state is copied to and from. */
export const threadedLoop =
  (options: OrtOptions, block: number): StartEngine =>
  async (setup) => {
    // A worker's process.env is a copy, which CUDA's libraries do not see.
    if (options.device === 'cuda') Object.assign(process.env, cudaVariables);
    const engine = new ThreadLoop(block);
    const begun = await engine.begin(options, setup);
    if (E.isRight(begun)) return E.right(engine);
    await engine.release();
    return begun;
  };

/**
 * An engine whose shards compute in threads of their own, so that this one stays free for the ledger, progress and
 * signals. Each shard computes on one thread, so no result depends on how many there are; a large model is one shard whose
 * operators share all threads, and its receipt says how many. On CUDA, where every feed and fetch is copied to and from the
 * card, steps run as one Loop.
 */
export const threadedEngine =
  (options: OrtOptions, threads: number): StartEngine =>
  async (setup) => {
    if (options.device === 'cuda') return threadedLoop(options, loopBlock)(setup);
    const shards = shardsFor(setup, { device: options.device, threads });
    const setups = shardSetups(
      setup,
      shards,
      (size) => new Float32Array(new SharedArrayBuffer(size * Float32Array.BYTES_PER_ELEMENT)),
    );
    // Several threads in one operator cut some of its sums by their number: only where a model is large do they pay.
    const isLarge = sizeOf(setup) > largest;
    const kernelThreads = isLarge ? Math.max(1, threads) : 1;
    const own = { ...options, threads: kernelThreads, arena: !isLarge };
    const begun = setups.map((each) => ({ client: new ThreadShard(), setup: each }));
    const clients = begun.map(({ client }) => client);
    try {
      await Promise.all(begun.map(({ client, setup: each }) => client.begin(own, each)));
    } catch (failure) {
      await Promise.all(clients.map((client) => client.release()));
      return withCopies(failedRun(failure), clients.length);
    }
    const slots = setups[0]?.exchange?.slots.length ?? 0;
    return E.right(guarded(new ShardedEngine(clients, slots, setup.config.clipNorm, kernelThreads), clients.length));
  };
