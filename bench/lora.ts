import { threadedEngine } from '../src/cli/threadedEngine';
import { orThrow, report, seconds } from './table';
import { shapeNamed, sizeOfShape, workload } from './trainWorkload';

// One epoch of 100 rows with low-rank factors on SmolLM2-135M's shape: time and memory.
// node dist/bench/lora.js [rows] [tokens of a row]

const main = async (): Promise<void> => {
  const rows = Number(process.argv[2] ?? 100);
  const length = Number(process.argv[3] ?? 128);
  const batch = 4;
  const shape = shapeNamed('smol');
  const lora = { rank: 8, alpha: 16, targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj'] as const };
  const { setup, step } = workload(shape, batch, length, {
    microBatch: 2,
    lora: { ...lora, targets: [...lora.targets] },
  });
  const engine = orThrow(await threadedEngine({ device: 'cpu', threads: 2, spin: true }, 2)(setup));
  const losses: number[] = [];
  const spent = await seconds(async () => {
    for (let i = 1; i <= Math.ceil(rows / batch); i++) {
      losses.push(orThrow(await engine.run([step(i)]))[0]?.loss ?? Number.NaN);
    }
  });
  await engine.release();
  report('lora: one epoch on the 135M shape', [
    {
      parameters: sizeOfShape(shape),
      trained: setup.layout.size,
      rows: `${rows}x${length}`,
      seconds: Math.round(spent),
      'tok/s': Math.round((rows * length) / spent),
      'peak MB': Math.round((process.resourceUsage().maxRSS * 1024) / 1e6),
      'first loss': (losses[0] ?? Number.NaN).toFixed(3),
      'last loss': (losses[losses.length - 1] ?? Number.NaN).toFixed(3),
    },
  ]);
};

void main();
