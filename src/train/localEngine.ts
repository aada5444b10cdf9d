import * as E from 'fp-ts/Either';
import type { TensorRuntime } from '../ports/tensorRuntime';
import { ShardedEngine, shardSetups, type StartEngine } from './engine';
import { Shard } from './shard';

/** An engine whose shards are in this thread: for tests, and the measure for those in threads of their own. */
export const localEngine =
  (runtime: TensorRuntime, shards = 1): StartEngine =>
  async (setup) => {
    const setups = shardSetups(setup, shards, (size) => new Float32Array(size));
    const slots = setups[0]?.exchange?.slots.length ?? 0;
    return E.right(
      new ShardedEngine(
        setups.map((each) => new Shard(runtime, each)),
        slots,
        setup.config.clipNorm,
      ),
    );
  };
