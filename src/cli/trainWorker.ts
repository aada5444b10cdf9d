import { ortRuntime, type OrtOptions } from '../adapters/onnxruntime/tensorRuntime';
import { answerCalls, type Answer } from '../adapters/threads/calls';
import type { ShardClient } from '../train/engine';
import { Shard, type ShardSetup } from '../train/shard';

// A worker thread that holds one shard of a training: src/cli/threadedEngine.ts starts it and calls the shard's methods.

let shard: Shard | undefined;

const held = (): Shard => {
  if (shard === undefined) throw new Error('the shard has not begun');
  return shard;
};

const method =
  <A extends readonly unknown[]>(run: (...args: A) => Promise<unknown>) =>
  async (...args: A): Promise<Answer> => ({ result: await run(...args) });

const methods: Readonly<Record<keyof ShardClient | 'begin', (...args: never[]) => Promise<Answer>>> = {
  begin: method(async (options: OrtOptions, setup: ShardSetup) => {
    shard = new Shard(ortRuntime(options), setup);
  }),
  gradient: method((...args: Parameters<ShardClient['gradient']>) => held().gradient(...args)),
  losses: method((...args: Parameters<ShardClient['losses']>) => held().losses(...args)),
  collect: method((...args: Parameters<ShardClient['collect']>) => held().collect(...args)),
  squares: method(() => held().squares()),
  update: method((...args: Parameters<ShardClient['update']>) => held().update(...args)),
  refresh: method(() => held().refresh()),
  snapshot: async () => {
    const result = await held().snapshot();
    return { result, transfer: [result.values.buffer, result.m.buffer, result.v.buffer].map(owned) };
  },
  release: method(() => held().release()),
};

/** A snapshot's vectors are copies, in memory that no other thread sees. */
const owned = (buffer: ArrayBufferLike): ArrayBuffer => {
  if (buffer instanceof ArrayBuffer) return buffer;
  throw new Error('a snapshot shares its memory');
};

answerCalls(methods);
