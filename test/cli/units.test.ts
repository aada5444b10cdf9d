import { Readable } from 'node:stream';
import { Args } from '../../src/cli/args';
import { byPrefix } from '../../src/cli/find';
import { linesOf } from '../../src/cli/lines';
import { wantsColor } from '../../src/cli/output';
import { createProgress, progressLine, type Step } from '../../src/cli/progress';
import { Stop, type Fault } from '../../src/cli/faults';

const faultOf = (run: () => unknown): Fault | undefined => {
  try {
    run();
  } catch (failure) {
    if (failure instanceof Stop) return failure.fault;
    throw failure;
  }
  return undefined;
};

describe('progress', () => {
  const step = (done: number, phase = 'train'): Step => ({
    phase,
    done,
    total: 200,
    unit: 'steps',
    detail: 'loss 0.4',
  });

  it('says rate, done, left and ETA', () => {
    const line = progressLine({ step: step(50), startedAt: 0, startedWith: 10, tokens: 0, now: 4000 });
    expect(line).toBe('train: 50 of 200 steps, 10 steps/s, 150 left, ETA 15 s · loss 0.4');
  });

  it('says how long it took, and nothing that it cannot know', () => {
    expect(progressLine({ step: step(200), startedAt: 0, startedWith: 0, tokens: 0, now: 100_000 })).toBe(
      'train: 200 of 200 steps, 2.0 steps/s, took 1 min 40 s · loss 0.4',
    );
    expect(progressLine({ step: step(10), startedAt: 0, startedWith: 10, tokens: 0, now: 0 })).toBe(
      'train: 10 of 200 steps, 190 left · loss 0.4',
    );
  });

  const shown = (live: boolean): string => {
    jest.useFakeTimers();
    let written = '';
    let now = 0;
    const progress = createProgress({
      live,
      now: () => now,
      write: (text) => void (written += text),
      columns: () => 60,
    });
    for (let done = 0; done <= 150; done++) {
      progress.report(step(done));
      now += 100;
      jest.advanceTimersByTime(100);
    }
    progress.report(step(0, 'evaluate'));
    progress.end();
    jest.useRealTimers();
    return written;
  };

  it('gives a log a line when a phase begins, every five seconds, and when it ends', () => {
    const lines = shown(false).split('\n');
    expect(lines.map((line) => line.replace(/,.*/, ''))).toEqual([
      'train: 0 of 200 steps',
      'train: 49 of 200 steps',
      'train: 99 of 200 steps',
      'train: 149 of 200 steps',
      'train: 150 of 200 steps',
      'evaluate: 0 of 200 steps',
      '',
    ]);
  });

  it('draws one line over on a terminal, no longer than the terminal is wide', () => {
    const drawn = shown(true).split('\r\u001b[K');
    expect(drawn.length).toBeGreaterThan(100);
    expect(Math.max(...drawn.map((line) => line.trimEnd().length))).toBeLessThan(60);
  });
});

describe('Args', () => {
  it('reads whole numbers and refuses others by the option that gave them', () => {
    const args = new Args([], { seed: '7', maxTokens: '1e3', at: '-1', threads: '99999999999999999999' });
    expect(args.whole('seed')).toBe(7);
    expect(args.whole('absent')).toBeUndefined();
    for (const [name, option] of [
      ['maxTokens', '--max-tokens'],
      ['at', '--at'],
      ['threads', '--threads'],
    ] as const) {
      expect(faultOf(() => args.whole(name))).toMatchObject({ tag: 'Usage', message: expect.stringContaining(option) });
    }
  });

  it('asks for what is needed', () => {
    expect(faultOf(() => new Args([], {}).need('dataset'))).toEqual({
      tag: 'Usage',
      message: 'option --dataset is needed',
    });
  });
});

describe('byPrefix', () => {
  const ids = ['aaaaaaaa1', 'aaaaaaaa2', 'bbbbbbbb1'];

  it('takes a whole id, an unambiguous prefix of six characters, and latest', () => {
    expect(byPrefix('run', 'aaaaaaaa2', ids)).toBe('aaaaaaaa2');
    expect(byPrefix('run', 'bbbbbb', ids)).toBe('bbbbbbbb1');
    expect(byPrefix('run', 'latest', ids)).toBe('bbbbbbbb1');
  });

  it('refuses the rest', () => {
    expect(faultOf(() => byPrefix('run', 'aaaaaa', ids))).toMatchObject({ tag: 'IdAmbiguous', found: ids.slice(0, 2) });
    expect(faultOf(() => byPrefix('run', 'bbbbb', ids))).toMatchObject({ tag: 'IdNotFound', known: ids });
    expect(faultOf(() => byPrefix('run', 'latest', []))).toMatchObject({ tag: 'IdNotFound', known: [] });
  });
});

describe('linesOf', () => {
  const read = async (
    ...chunks: readonly (string | Buffer)[]
  ): Promise<readonly (readonly [number, string | undefined])[]> => {
    const lines: (readonly [number, string | undefined])[] = [];
    for await (const { number, text } of linesOf(Readable.from(chunks))) lines.push([number, text]);
    return lines;
  };

  it('puts chunks together and numbers what they hold', async () => {
    expect(await read('a', 'b\nc\r\n', '\nd')).toEqual([
      [1, 'ab'],
      [2, 'c'],
      [3, ''],
      [4, 'd'],
    ]);
    expect(await read('a\n')).toEqual([[1, 'a']]);
    expect(await read()).toEqual([]);
  });

  it('keeps characters whole that a chunk cuts', async () => {
    const bytes = Buffer.from('é\n');
    expect(await read(bytes.subarray(0, 1), bytes.subarray(1))).toEqual([[1, 'é']]);
  });

  it('drops a line that never ends, and goes on with the next', async () => {
    const mib = 'x'.repeat(1024 * 1024);
    expect(await read(...Array.from({ length: 9 }, () => mib), 'tail\nnext\n')).toEqual([
      [1, undefined],
      [2, 'next'],
    ]);
  });
});

describe('wantsColor', () => {
  it('follows NO_COLOR, FORCE_COLOR and the terminal', () => {
    expect(wantsColor({ isTTY: true }, {})).toBe(true);
    expect(wantsColor({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColor({}, {})).toBe(false);
    expect(wantsColor({}, { FORCE_COLOR: '1' })).toBe(true);
  });
});
