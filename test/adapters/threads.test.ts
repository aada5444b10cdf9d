import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { CalledThread } from '../../src/adapters/threads/calls';

const folder = mkdtempSync(join(tmpdir(), 'tripost-threads-'));
const script = join(folder, 'worker.js');

/** The worker is plain JavaScript beside the compiled module: a thread does not run TypeScript. */
const methods = `
const { answerCalls } = require('./calls');
let kept;
answerCalls({
  echo: async (...args) => ({ result: args }),
  nothing: async () => ({ result: undefined }),
  after: async (turns, value) => {
    for (let i = 0; i < turns; i++) await new Promise((next) => setImmediate(next));
    return { result: value };
  },
  fail: async (message) => { throw new Error(message); },
  failOddly: async () => { throw 'a text, not an error'; },
  keep: async (numbers) => { kept = numbers; return { result: kept.reduce((sum, x) => sum + x, 0) }; },
  give: async () => ({ result: kept, transfer: [kept.buffer] }),
  length: async () => ({ result: kept.length }),
  add: async (shared) => { shared[0] += 1; return { result: null }; },
  never: async () => new Promise(() => setInterval(() => undefined, 1000)),
  exit: async (code) => process.exit(code),
  crash: async () => { setImmediate(() => { throw new Error('out of luck'); }); return new Promise(() => undefined); },
  crashOddly: async () => { setImmediate(() => { throw 'a text'; }); return new Promise(() => undefined); },
  giveFunction: async () => ({ result: () => 1 }),
});
`;

beforeAll(() => {
  const source = readFileSync(join(__dirname, '..', '..', 'src', 'adapters', 'threads', 'calls.ts'), 'utf8');
  const { code } = transformSync(source, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  writeFileSync(join(folder, 'calls.js'), code);
  writeFileSync(script, methods);
});

const threads: CalledThread[] = [];
const started = (path = script): CalledThread => {
  const thread = new CalledThread(path);
  threads.push(thread);
  return thread;
};

afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.stop()));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a call to a thread', () => {
  it('gives the result of the method', async () => {
    const thread = started();
    expect(await thread.call('echo', [1, 'two', { three: [3n] }])).toEqual([1, 'two', { three: [3n] }]);
    expect(await thread.call('echo', [])).toEqual([]);
    expect(await thread.call('nothing', [])).toBeUndefined();
  });

  it('throws what the method threw, and the next one works', async () => {
    const thread = started();
    await expect(thread.call('fail', ['no such thing'])).rejects.toThrow('no such thing');
    await expect(thread.call('failOddly', [])).rejects.toThrow('a text, not an error');
    await expect(thread.call('unheardOf', [])).rejects.toThrow('no method unheardOf');
    expect(await thread.call('echo', [1])).toEqual([1]);
  });

  it('gets its own answer, in whichever order answers come', async () => {
    const thread = started();
    const done: string[] = [];
    const calls = [
      [40, 'slow'],
      [0, 'fast'],
      [10, 'middling'],
    ].map(async ([turns, value]) => {
      const answer = await thread.call<string>('after', [turns, value]);
      done.push(answer);
      return answer;
    });
    expect(await Promise.all(calls)).toEqual(['slow', 'fast', 'middling']);
    expect(done).toEqual(['fast', 'middling', 'slow']);
  });

  it('moves buffers there and back', async () => {
    const thread = started();
    const numbers = Float32Array.of(1, 2, 3.5);
    expect(await thread.call('keep', [numbers], [numbers.buffer])).toBe(6.5);
    expect(numbers.byteLength).toBe(0);
    const back = await thread.call<Float32Array>('give', []);
    expect(Array.from(back)).toEqual([1, 2, 3.5]);
    // The thread has them no more.
    expect(await thread.call('length', [])).toBe(0);
  });

  it('copies what it is not told to move, and shares what is shared', async () => {
    const thread = started();
    const numbers = Float32Array.of(1, 2);
    expect(await thread.call('keep', [numbers])).toBe(3);
    expect(Array.from(numbers)).toEqual([1, 2]);
    const shared = new Float32Array(new SharedArrayBuffer(4));
    await thread.call('add', [shared]);
    await thread.call('add', [shared]);
    expect(shared[0]).toBe(2);
  });

  it('throws where arguments cannot be sent; the thread works on', async () => {
    const thread = started();
    await expect(thread.call('echo', [() => 1])).rejects.toThrow(/could not be cloned/);
    expect(await thread.call('echo', [1])).toEqual([1]);
    // Nothing waits for what was not sent.
    await thread.stopIdle();
  });

  it('throws where its result cannot be sent', async () => {
    await expect(started().call('giveFunction', [])).rejects.toThrow(/could not be cloned/);
  });
});

describe('a thread that ends', () => {
  it('fails every call that waits, and every later one, with its exit code', async () => {
    const thread = started();
    const waiting = [thread.call('never', []), thread.call('never', []), thread.call('exit', [3])];
    const results = await Promise.allSettled(waiting);
    expect(results.map((result) => result.status === 'rejected' && result.reason)).toEqual(
      waiting.map(() => new Error('the thread ended with code 3')),
    );
    await expect(thread.call('echo', [])).rejects.toThrow('the thread ended with code 3');
  });

  it.each([
    ['crash', 'out of luck'],
    ['crashOddly', 'a text'],
  ])('by %s: with what was thrown', async (method, message) => {
    const thread = started();
    const waiting = [thread.call('never', []), thread.call(method, [])];
    for (const result of await Promise.allSettled(waiting))
      expect(result).toEqual({ status: 'rejected', reason: new Error(message) });
    await expect(thread.call('echo', [])).rejects.toThrow(message);
  });

  it('whose script is not there fails its calls', async () => {
    await expect(started(join(folder, 'nowhere.js')).call('echo', [])).rejects.toThrow(/Cannot find module/);
  });

  it('because it is stopped says so, to calls that wait and to later ones; it may be stopped twice', async () => {
    const thread = started();
    expect(await thread.call('echo', [1])).toEqual([1]);
    const waiting = thread.call('never', []);
    const [settled] = await Promise.allSettled([waiting, thread.stop()]);
    expect(settled).toEqual({ status: 'rejected', reason: new Error('the thread was stopped') });
    await expect(thread.call('echo', [])).rejects.toThrow('the thread was stopped');
    await thread.stop();
  });
});

describe('a thread that is stopped when it is idle', () => {
  it('answers what it was asked before, and nothing after', async () => {
    const thread = started();
    const waiting = thread.call('after', [50, 'done']);
    await thread.stopIdle();
    expect(await waiting).toBe('done');
    expect(thread.isOver).toBe(true);
    await expect(thread.call('echo', [])).rejects.toThrow('the thread was stopped');
  });

  it('is stopped at once where nothing waits, or where it has ended', async () => {
    const idle = started();
    expect(idle.isOver).toBe(false);
    await idle.stopIdle();
    const crashed = started();
    await expect(crashed.call('exit', [2])).rejects.toThrow('the thread ended with code 2');
    expect(crashed.isOver).toBe(true);
    await crashed.stopIdle();
  });
});
