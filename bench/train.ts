import { join } from 'node:path';
import { threadedEngine } from '../src/cli/threadedEngine';
import type { TrainEngine } from '../src/train/engine';
import { LinePeer } from './peers/linePeer';
import { findTorch } from './peers/torchPeer';
import { median, orThrow, report, rounded, seconds } from './table';
import { benchCases, shapeNamed, sizeOfShape, workload } from './trainWorkload';

// Training steps against PyTorch with the same shapes, batch, optimizer and threads, in turns in one run:
// node dist/bench/train.js [shapes] [threads] [rounds]

const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'number');

const timesOf = (answer: unknown): readonly number[] => {
  const times: unknown =
    typeof answer === 'object' && answer !== null && 'seconds' in answer ? answer.seconds : undefined;
  return isNumbers(times) ? times : [];
};

const main = async (): Promise<void> => {
  const names = (process.argv[2] ?? 's1,m10').split(',');
  const threads = Number(process.argv[3] ?? 2);
  const rounds = Number(process.argv[4] ?? 5);
  const torch = findTorch();
  if (torch === undefined) console.log('PyTorch: skipped, there is none (set TRIPOST_PYTHON to a Python that has it)');
  const rows: Record<string, string | number>[] = [];
  for (const name of names) {
    const shape = shapeNamed(name);
    const one = benchCases[name];
    if (one === undefined) throw new Error(`no case ${name}`);
    const { batch, length, microBatch } = one;
    const { setup, step } = workload(shape, batch, length, { microBatch });
    const engine: TrainEngine = orThrow(await threadedEngine({ device: 'cpu', threads, spin: true }, threads)(setup));
    let number = 1;
    const ours = async (): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < one.steps; i++)
        times.push(await seconds(async () => void orThrow(await engine.run([step(number++)]))));
      return median(times);
    };
    const peer =
      torch === undefined
        ? undefined
        : new LinePeer(torch.python, [join(__dirname, '..', '..', 'bench', 'peers', 'torchTrain.py')]);
    await peer?.ask(JSON.stringify({ shape, batch, length, threads }), () => undefined);
    const theirs = (): Promise<number> | undefined => peer?.ask(String(one.steps), (answer) => median(timesOf(answer)));
    await ours();
    await theirs();
    const pairs: (readonly [number, number])[] = [];
    for (let round = 0; round < rounds; round++) {
      const first = round % 2 === 0 ? await ours() : ((await theirs()) ?? Number.NaN);
      const second = round % 2 === 0 ? ((await theirs()) ?? Number.NaN) : await ours();
      pairs.push(round % 2 === 0 ? [first, second] : [second, first]);
    }
    await engine.release();
    await peer?.end();
    rows.push({
      shape: name,
      parameters: sizeOfShape(shape),
      batch: `${batch}x${length}`,
      'ms/step': rounded(1000 * median(pairs.map(([own]) => own))),
      'tok/s': Math.round((batch * length) / median(pairs.map(([own]) => own))),
      'PyTorch ms/step': rounded(1000 * median(pairs.map(([, other]) => other))),
      'speed-up': rounded(median(pairs.map(([own, other]) => other / own))),
      rounds: pairs.map(([own, other]) => rounded(other / own)).join(' '),
      goal: one.goal,
    });
  }
  report(`train: ${threads} threads, against PyTorch ${torch?.version ?? '(none)'}`, rows);
};

void main();
