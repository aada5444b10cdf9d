import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { decodeThreads } from '../../src/cli/threadedStudents';
import type { Completion, CompletionRequest, ScoreRequest } from '../../src/ports/languageModel';
import { initialWeights } from '../../src/train/initialWeights';
import type { ModelShape, Weights } from '../../src/train/modelShape';
import type { StudentSettings } from '../../src/train/student';
import { localStudents, type Students } from '../../src/train/students';
import { cliBuild } from '../support/cliBuild';
import { must, the } from '../support/events';
import { shape as tiny, tokenizer } from '../train/tinyTraining';

jest.setTimeout(60_000);

/** Of the compiled build: its worker is a script of its own. */
const { threadedStudents }: typeof import('../../src/cli/threadedStudents') = require(
  join(cliBuild(), 'src', 'cli', 'threadedStudents.js'),
);

const workerThreads: typeof import('node:worker_threads') = require('node:worker_threads');

const open: Students[] = [];
const studentsOn = (threads: number): Students => {
  const students = threadedStudents({ device: 'cpu', threads, spin: false }, threads)();
  open.push(students);
  return students;
};
afterEach(() => Promise.all(open.splice(0).map((students) => students.release())));

const local = localStudents(ortRuntime({ device: 'cpu', threads: 1, spin: false }));
afterAll(() => local.release());

const untrained = initialWeights(tiny, 1);
const settings = (batch: number, weights: Weights = untrained, shape: ModelShape = tiny): StudentSettings => ({
  checkpoint: sha256('tiny'),
  shape,
  weights,
  tokenizer,
  batch,
});

const requests = Array.from({ length: 37 }, (_, i): CompletionRequest & { readonly prompt: string } => ({
  prompt: `Q: ${'12 + '.repeat(i % 7)}${i}`,
  key: ['threads', i],
  sampling: { temperature: i % 5 === 0 ? 0 : 1, topK: i % 3 === 0 ? 9 : null, topP: null, maxTokens: 3 + (i % 15) },
  ...(i % 4 === 0 ? { stop: ['e', 'ab'] } : {}),
}));
const texts = requests.map(
  ({ prompt }, i): ScoreRequest => ({ prompt, continuation: ' = one'.slice(0, i % 7), end: i % 2 === 0 }),
);

/** Worker threads of this process. */
const threadsNow = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

describe('students in threads of their own', () => {
  it.each([
    { threads: 1, batch: 64 },
    { threads: 2, batch: 64 },
    { threads: 2, batch: 16 },
    { threads: 3, batch: 64 },
    { threads: 4, batch: 5 },
  ])(
    'answer and judge as one in this thread, to the bit, on $threads threads, $batch at once',
    async ({ threads, batch }) => {
      const here = local.open(settings(batch));
      const there = studentsOn(threads).open(settings(batch));
      expect([there.ref, there.batch]).toEqual([here.ref, here.batch]);
      const wanted = must(await here.complete(requests)());
      expect(must(await there.complete(requests)())).toEqual(wanted);
      expect(new Set(wanted.map(({ finish }) => finish)).size).toBeGreaterThan(1);
      expect(must(await there.score(texts)())).toEqual(must(await here.score(texts)()));
      expect(await there.complete([])()).toEqual(E.right([]));
    },
  );

  it('keep apart students that are asked in turns and at once, more of them than are kept open', async () => {
    const students = studentsOn(2);
    const others = [2, 3, 4].map((seed) => initialWeights(tiny, seed));
    const asked = requests.slice(0, 18);
    const answers = (from: Students, weights: Weights) => from.open(settings(64, weights)).complete(asked)();
    const wanted = [];
    for (const weights of others) wanted.push(await answers(local, weights));
    expect(new Set(wanted.map((each) => JSON.stringify(each))).size).toBe(3);
    for (const turn of [0, 1, 2, 0]) expect(await answers(students, the(others[turn]))).toEqual(wanted[turn]);
    expect(await Promise.all(others.map((weights) => answers(students, weights)))).toEqual(wanted);
  });

  it('start no thread before they are asked, and leave none behind', async () => {
    const before = threadsNow();
    const students = studentsOn(2);
    const student = students.open(settings(64));
    expect(threadsNow()).toBe(before);
    must(await student.complete(requests)());
    expect(threadsNow()).toBe(before + 2);
    await students.release();
    expect(threadsNow()).toBe(before);
  });

  it('divide the samples of a request, and tell who watches of every request as one in this thread does', async () => {
    const asked = requests.slice(0, 5).map((one, i) => ({ ...one, samples: [1, 20, 3, 1, 9][i] ?? 1 }));
    const watched = async (students: Students) => {
      const told: (readonly [number, readonly Completion[]])[] = [];
      const observer = {
        answered: async (index: number, made: readonly Completion[]) => void told.push([index, made]),
      };
      const made = must(await students.open(settings(64)).complete(asked, undefined, observer)());
      return { made, told };
    };
    const wanted = await watched(local);
    expect(await watched(studentsOn(2))).toEqual(wanted);
    expect(wanted.told.map(([index, made]) => [index, made.length])).toEqual([
      [0, 1],
      [1, 20],
      [2, 3],
      [3, 1],
      [4, 9],
    ]);
    const conversation: CompletionRequest = { ...the(requests[0]), prompt: [{ role: 'user', content: 'Q' }] };
    for (const bad of [conversation, { ...the(requests[0]), samples: 0 }])
      expect(
        await studentsOn(2)
          .open(settings(64))
          .complete([...requests, bad])(),
      ).toEqual(await local.open(settings(64)).complete([...requests, bad])());
  });

  it('refuse by name what one in this thread refuses: the first request that it would', async () => {
    const long = (length: number): CompletionRequest => ({ ...the(requests[1]), prompt: 'x'.repeat(length) });
    const bad = [...requests.slice(0, 16), long(90), ...requests.slice(16, 20), long(91), long(92)];
    const wanted = await local.open(settings(64)).complete(bad)();
    expect(wanted).toMatchObject({ left: { tag: 'PromptTooLong', tokens: 90 } });
    const students = studentsOn(2).open(settings(64));
    expect(await students.complete(bad)()).toEqual(wanted);
    const unusable = requests.map((one) => ({ ...one, sampling: { ...one.sampling, topK: 0 } }));
    expect(await students.complete(unusable)()).toMatchObject({ left: { tag: 'BadSampling' } });
    // They work on.
    expect(E.isRight(await students.complete(requests)())).toBe(true);
  });
});

/** Rows that take long enough to be met while they are decoded. */
const slowShape: ModelShape = {
  ...tiny,
  layers: 6,
  hiddenSize: 256,
  intermediateSize: 1024,
  heads: 8,
  kvHeads: 8,
  headDim: 32,
  maxPositions: 1024,
};
const slow = settings(64, initialWeights(slowShape, 1), slowShape);
const slowRequests = requests.map((one) => ({ ...one, sampling: { ...one.sampling, maxTokens: 900 }, stop: [] }));

describe('while students answer', () => {
  it('this thread is free, and an abort is answered at once; they work on afterwards', async () => {
    const student = studentsOn(2).open(slow);
    const stop = new AbortController();
    const order: string[] = [];
    const answering = student
      .complete(slowRequests, stop.signal)()
      .then((answer) => {
        order.push('answered');
        return answer;
      });
    // Turns of this thread's event loop, in which the rows are far from done.
    for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next));
    await new Promise((next) => setTimeout(next, 300));
    expect(order).toEqual([]);
    stop.abort();
    expect(await answering).toEqual(E.left({ tag: 'Interrupted' }));
    expect(await student.complete(requests, stop.signal)()).toEqual(E.left({ tag: 'Interrupted' }));
    // The threads leave the aborted rows at their next run, else this would wait for all of them.
    const short = requests.slice(0, 20).map((one) => ({ ...one, sampling: { ...one.sampling, maxTokens: 2 } }));
    expect(await student.complete(short)()).toEqual(await local.open(slow).complete(short)());
  });

  it('a release is an abort, and waits for the run that is under way', async () => {
    const students = studentsOn(2);
    const answering = students.open(slow).complete(slowRequests)();
    await new Promise((next) => setTimeout(next, 300));
    await students.release();
    expect(await answering).toEqual(E.left({ tag: 'Interrupted' }));
  });
});

describe('a thread that dies', () => {
  it('is a failure that says so, and the next question starts another', async () => {
    const started: Worker[] = [];
    const Real = workerThreads.Worker;
    const spy = jest.spyOn(workerThreads, 'Worker').mockImplementation((...args) => {
      const worker = new Real(...args);
      started.push(worker);
      return worker;
    });
    const student = studentsOn(2).open(settings(64));
    const answering = student.complete(requests)();
    expect(started).toHaveLength(2);
    await the(started[1]).terminate();
    expect(await answering).toEqual(
      E.left({
        tag: 'ModelUnavailable',
        message: expect.stringMatching(/^RunFailed: the thread ended with code [01]$/),
      }),
    );
    expect(await student.complete(requests)()).toEqual(await local.open(settings(64)).complete(requests)());
    expect(started).toHaveLength(3);
    spy.mockRestore();
  });
});

describe('among how many threads rows are divided', () => {
  const cpu = (threads: number) => ({ device: 'cpu', threads }) as const;
  it('is one for eight rows each, where there are so many processors', () => {
    expect([1, 7, 15, 16, 24, 64, 1000].map((rows) => decodeThreads(rows, 1e6, cpu(4)))).toEqual([1, 1, 1, 2, 3, 4, 4]);
    expect(decodeThreads(64, 1e6, cpu(1))).toBe(1);
  });
  it('is one for a large model, and on a card', () => {
    expect(decodeThreads(64, 60_000_000, cpu(4))).toBe(1);
    expect(decodeThreads(64, 1e6, { device: 'cuda', threads: 4 })).toBe(1);
  });
});
