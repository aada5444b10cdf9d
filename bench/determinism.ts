import { spawnSync } from 'node:child_process';
import { canonicalJson, sha256 } from '../events/digest';
import { draws } from '../projections/random';
import { ortRuntime } from '../src/adapters/onnxruntime/tensorRuntime';
import { threadedEngine } from '../src/cli/threadedEngine';
import { threadedStudents } from '../src/cli/threadedStudents';
import type { CompletionRequest } from '../src/ports/languageModel';
import type { EngineSetup, StartEngine } from '../src/train/engine';
import { localEngine } from '../src/train/localEngine';
import { initialWeights } from '../src/train/initialWeights';
import { loopEngine } from '../src/train/loopEngine';
import type { FlatState } from '../src/train/shard';
import { localStudents, type OpenStudents } from '../src/train/students';
import { loadTokenizer } from '../src/train/tokenizer';
import { byteLevelTokenizer } from '../src/train/trainTokenizer';
import type { TrainConfig } from '../src/train/trainConfig';
import { shapeNamed, workload } from './trainWorkload';
import { orThrow } from './table';

// What weights and texts do not depend on: digests of the same training and of the same answers, made in different ways.
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

/** SHA-256 over sampled texts, their tokens and the bits of their log-probabilities, in the order of the requests. */
const textsBy = async (open: OpenStudents, batch: number, reversed = false): Promise<string> => {
  const tokenizer = orThrow(loadTokenizer(byteLevelTokenizer()));
  const model = { ...shape, vocabSize: tokenizer.vocabSize };
  const students = open();
  const checkpoint = sha256('determinism');
  const student = students.open({ checkpoint, shape: model, weights: initialWeights(model, 5), tokenizer, batch });
  const requests = Array.from(
    { length: 48 },
    (_, i): CompletionRequest => ({
      prompt: 'Q: '.padEnd(3 + (i % 11), 'abcdefghij'),
      sampling: {
        temperature: 1,
        topK: i % 3 === 0 ? 40 : null,
        topP: i % 2 === 0 ? 0.9 : null,
        maxTokens: 8 + (i % 5) * 8,
      },
      key: ['determinism', i],
    }),
  );
  const asked = reversed ? requests.toReversed() : requests;
  const made = orThrow(await student.complete(asked)());
  await students.release();
  const inOrder = reversed ? made.toReversed() : made;
  return sha256(
    canonicalJson(inOrder.map(({ text, tokenIds, logprobs }) => [text, [...(tokenIds ?? [])], [...(logprobs ?? [])]])),
  );
};

type Ways = readonly (readonly [string, () => Promise<string>])[];

/** Makes a thing in every way, prints a digest a line, and tells whether they are all one. */
const compare = async (what: string, ways: Ways): Promise<boolean> => {
  console.log(what);
  const digests = new Map<string, string>();
  for (const [name, run] of ways) {
    digests.set(name, await run());
    console.log(`  ${digests.get(name)?.slice(0, 16)}  ${name}`);
  }
  const different = new Set(digests.values()).size;
  console.log(different === 1 ? `  all ${digests.size} equal` : `  ${different} different digests`);
  return different === 1;
};

const cpu = (threads: number, spin = true) => ({ device: 'cpu', threads, spin }) as const;

/** The digest that another process prints for the same thing. */
const elsewhere = (what: 'weights' | 'texts', steps: number): string => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [__filename, String(steps), what], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
};

const here = {
  weights: (steps: number) => digestBy(localEngine(ortRuntime(cpu(1)), 1), steps),
  texts: () => textsBy(() => localStudents(ortRuntime(cpu(1))), 16),
} as const;

const main = async (): Promise<void> => {
  const steps = Number(process.argv[2] ?? 40);
  const only = process.argv[3];
  if (only === 'weights' || only === 'texts') {
    console.log(await here[only](steps));
    return;
  }
  const local = (threads: number, shards = 1): StartEngine => localEngine(ortRuntime(cpu(threads)), shards);
  const random = draws(['determinism', 'stops']);
  const stops = [...new Set(Array.from({ length: 20 }, (_, i) => 1 + random.integer(i, steps - 1)))].sort(
    (a, b) => a - b,
  );
  const trained = await compare(`Weights behind ${steps} steps`, [
    ['one shard, 1 thread', () => here.weights(steps)],
    ['the same again', () => here.weights(steps)],
    ['in another process', () => Promise.resolve(elsewhere('weights', steps))],
    ['one shard, 2 threads', () => digestBy(local(2), steps)],
    ['one shard, 4 threads', () => digestBy(local(4), steps)],
    ['2 shards', () => digestBy(local(1, 2), steps)],
    ['3 shards', () => digestBy(local(1, 3), steps)],
    ['2 worker threads', () => digestBy(threadedEngine(cpu(2), 2), steps)],
    ['a Loop of up to 7 steps', () => digestBy(loopEngine(ortRuntime(cpu(2)), 7), steps)],
    ['activations recomputed', () => digestBy(local(2), steps, { recompute: true })],
    [`stopped and resumed behind steps ${stops.join(', ')}`, () => digestBy(local(2), steps, {}, stops)],
    ['no spinning', () => digestBy(localEngine(ortRuntime(cpu(2, false))), steps)],
  ]);
  const one =
    (threads: number): OpenStudents =>
    () =>
      localStudents(ortRuntime(cpu(threads)));
  const answered = await compare('Sampled texts, tokens and log-probabilities of 48 prompts', [
    ['16 at once, 1 thread', () => here.texts()],
    ['the same again', () => here.texts()],
    ['in another process', () => Promise.resolve(elsewhere('texts', steps))],
    ['one at a time', () => textsBy(one(1), 1)],
    ['64 at once', () => textsBy(one(1), 64)],
    ['the other way round', () => textsBy(one(1), 16, true)],
    ['2 threads in an operator', () => textsBy(one(2), 16)],
    ['4 threads in an operator', () => textsBy(one(4), 16)],
    ['rows divided among 2 worker threads', () => textsBy(threadedStudents(cpu(2), 2), 16)],
    ['rows divided among 3 worker threads', () => textsBy(threadedStudents(cpu(3), 3), 16)],
  ]);
  console.log('Not measured here: another class of processor, and CUDA. A receipt names both (`environment`).');
  process.exitCode = trained && answered ? 0 : 1;
};

void main();
