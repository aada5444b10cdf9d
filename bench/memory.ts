import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { threadedEngine } from '../src/cli/threadedEngine';
import { LinePeer } from './peers/linePeer';
import { findTorch } from './peers/torchPeer';
import { orThrow, report, rounded } from './table';
import { benchCases, shapeNamed, sizeOfShape, workload } from './trainWorkload';

// Peak resident memory of a process that only trains, ours and PyTorch's, with the shapes and batches of bench/train.ts:
// node dist/bench/memory.js [shapes]

const peakOf = (answer: unknown): number =>
  typeof answer === 'object' && answer !== null && 'peakBytes' in answer ? Number(answer.peakBytes) : Number.NaN;

/** Makes three steps and prints its own peak: the child process of this bench. */
const child = async (name: string, recompute: boolean): Promise<void> => {
  const { batch, length, microBatch } = benchCases[name] ?? { batch: 1, length: 1, microBatch: 1 };
  const { setup, step } = workload(shapeNamed(name), batch, length, { microBatch, recompute });
  const engine = orThrow(await threadedEngine({ device: 'cpu', threads: 2, spin: true }, 2)(setup));
  // The untrained weights that the workload was made of are nobody's any more.
  globalThis.gc?.();
  for (let i = 1; i <= 3; i++) orThrow(await engine.run([step(i)]));
  await engine.release();
  console.log(JSON.stringify({ peakBytes: process.resourceUsage().maxRSS * 1024 }));
};

const ours = (name: string, recompute: boolean): number => {
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', __filename, '--child', name, String(recompute)], {
    encoding: 'utf8',
  });
  return peakOf(JSON.parse(stdout.trim()));
};

const main = async (): Promise<void> => {
  const names = (process.argv[2] ?? 's1,m10,smol').split(',');
  const torch = findTorch();
  const rows: Record<string, string | number>[] = [];
  for (const name of names) {
    const shape = shapeNamed(name);
    const { batch, length } = benchCases[name] ?? { batch: 1, length: 1 };
    const [plain, recomputed] = [ours(name, false), ours(name, true)];
    let theirs = Number.NaN;
    if (torch !== undefined) {
      const peer = new LinePeer(torch.python, [join(__dirname, '..', '..', 'bench', 'peers', 'torchTrain.py')]);
      await peer.ask(JSON.stringify({ shape, batch, length, threads: 2 }), () => undefined);
      theirs = await peer.ask('3', peakOf);
      await peer.end();
    }
    rows.push({
      shape: name,
      parameters: sizeOfShape(shape),
      batch: `${batch}x${length}`,
      'peak MB': Math.round(plain / 1e6),
      'recomputing MB': Math.round(recomputed / 1e6),
      'PyTorch MB': Math.round(theirs / 1e6),
      'of PyTorch': rounded(plain / theirs),
    });
  }
  report(`memory: peak resident, against PyTorch ${torch?.version ?? '(none)'}`, rows);
};

const [flag, name = '', recompute] = process.argv.slice(2);
void (flag === '--child' ? child(name, recompute === 'true') : main());
