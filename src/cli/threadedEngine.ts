import * as E from 'fp-ts/Either';
import { join } from 'node:path';
import { ortRuntime, type OrtOptions } from '../adapters/onnxruntime/tensorRuntime';
import { CalledThread } from '../adapters/threads/calls';
import {
  ShardedEngine,
  shardSetups,
  type EngineError,
  type EngineSetup,
  type ShardClient,
  type StartEngine,
  type TrainEngine,
} from '../train/engine';
import { loopEngine } from '../train/loopEngine';
import type { BatchLoss, Feeds, FlatState, ShardSetup } from '../train/shard';
import type { StepScalars } from '../train/adamW';

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
  E.left({ tag: 'RunFailed', message: failure instanceof Error ? failure.message : String(failure) });

/** A thread that ended is a failed run, as an operator that failed is. */
const answered = async <T>(work: () => Result<T>): Result<T> => {
  try {
    return await work();
  } catch (failure) {
    return failedRun(failure);
  }
};

const guarded = (engine: TrainEngine): TrainEngine => ({
  block: engine.block,
  kernelThreads: engine.kernelThreads,
  run: (steps) => answered(() => engine.run(steps)),
  losses: (batches) => answered(() => engine.losses(batches)),
  state: () => answered(() => engine.state()),
  release: () => engine.release(),
});

/** A shard in a thread of its own. */
class ThreadShard implements ShardClient {
  private readonly thread = new CalledThread(join(__dirname, 'trainWorker.js'));

  async begin(options: OrtOptions, setup: ShardSetup): Promise<void> {
    const { values, m, v } = setup.start;
    const moved = [values.buffer, m.buffer, v.buffer].filter((buffer) => buffer instanceof ArrayBuffer);
    await this.thread.call('begin', [options, setup], moved);
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
    await this.thread.stop();
  }
}

/**
 * An engine whose shards compute in threads of their own, so that this one stays free for the ledger, progress and
 * signals. Each shard computes on one thread, so no result depends on how many there are; a large model is one shard whose
 * operators share all threads, and its receipt says how many. On CUDA, where every feed and fetch is copied to and from the
 * card, steps run as one Loop, in this thread.
 */
export const threadedEngine =
  (options: OrtOptions, threads: number): StartEngine =>
  async (setup) => {
    if (options.device === 'cuda') return loopEngine(ortRuntime(options), loopBlock)(setup);
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
      return failedRun(failure);
    }
    const slots = setups[0]?.exchange?.slots.length ?? 0;
    return E.right(guarded(new ShardedEngine(clients, slots, setup.config.clipNorm, kernelThreads)));
  };
