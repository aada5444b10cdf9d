import { draws } from '../projections/random';
import { sha256 } from '../events/digest';
import { ortRuntime } from '../src/adapters/onnxruntime/tensorRuntime';
import { threadedEngine } from '../src/cli/threadedEngine';
import type { EngineSetup, StartEngine } from '../src/train/engine';
import { localEngine } from '../src/train/localEngine';
import { loopEngine } from '../src/train/loopEngine';
import type { FlatState } from '../src/train/shard';
import type { TrainConfig } from '../src/train/trainConfig';
import { shapeNamed, workload } from './trainWorkload';
import { orThrow } from './table';

// What the weights of a training do not depend on: digests behind the same steps, made in different ways.
// node dist/bench/determinism.js [steps]

const shape = { ...shapeNamed('s1'), layers: 2, kvHeads: 2 };

const bytes = (vector: Float32Array): Buffer => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
const copied = ({ values, m, v }: FlatState): FlatState => ({ values: values.slice(), m: m.slice(), v: v.slice() });

/** SHA-256 of the weights behind all steps; the state may be carried over to a new engine behind some of them. */
const digestBy = async (
  start: StartEngine,
  steps: number,
  changed: Partial<TrainConfig> = {},
  stops: readonly number[] = [],
): Promise<string> => {
  const { setup, step } = workload(shape, 8, 64, { microBatch: 3, ...changed });
  const begin = async (from: FlatState) =>
    orThrow(await start({ ...setup, start: copied(from) } satisfies EngineSetup));
  let engine = await begin(setup.start);
  for (let made = 0; made < steps; ) {
    const until = Math.min(steps, made + engine.block, ...stops.filter((stop) => stop > made));
    const block = Array.from({ length: until - made }, (_, i) => step(made + 1 + i));
    orThrow(await engine.run(block));
    made = until;
    if (stops.includes(made)) {
      const state = orThrow(await engine.state());
      await engine.release();
      engine = await begin(state);
    }
  }
  const { values } = orThrow(await engine.state());
  await engine.release();
  return sha256(bytes(values));
};

const main = async (): Promise<void> => {
  const steps = Number(process.argv[2] ?? 40);
  const cpu = (threads: number, spin = true) => ({ device: 'cpu', threads, spin }) as const;
  const local = (threads: number, shards = 1): StartEngine => localEngine(ortRuntime(cpu(threads)), shards);
  const random = draws(['determinism', 'stops']);
  const stops = [...new Set(Array.from({ length: 20 }, (_, i) => 1 + random.integer(i, steps - 1)))].sort(
    (a, b) => a - b,
  );
  const ways: readonly (readonly [string, () => Promise<string>])[] = [
    ['one shard, 1 thread', () => digestBy(local(1), steps)],
    ['the same again', () => digestBy(local(1), steps)],
    ['one shard, 2 threads', () => digestBy(local(2), steps)],
    ['one shard, 4 threads', () => digestBy(local(4), steps)],
    ['2 shards', () => digestBy(local(1, 2), steps)],
    ['3 shards', () => digestBy(local(1, 3), steps)],
    ['2 worker threads', () => digestBy(threadedEngine(cpu(2), 2), steps)],
    ['a Loop of up to 7 steps', () => digestBy(loopEngine(ortRuntime(cpu(2)), 7), steps)],
    ['activations recomputed', () => digestBy(local(2), steps, { recompute: true })],
    [`stopped and resumed behind steps ${stops.join(', ')}`, () => digestBy(local(2), steps, {}, stops)],
    ['no spinning', () => digestBy(localEngine(ortRuntime(cpu(2, false))), steps)],
  ];
  const digests = new Map<string, string>();
  for (const [name, run] of ways) {
    digests.set(name, await run());
    console.log(`${digests.get(name)?.slice(0, 16)}  ${name}`);
  }
  const different = new Set(digests.values()).size;
  console.log(different === 1 ? `All ${digests.size} equal behind ${steps} steps.` : `${different} different digests.`);
  process.exitCode = different === 1 ? 0 : 1;
};

void main();
