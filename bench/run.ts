import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

// npm run bench -- [name] [arguments]: one bench, or the ledger's, training's and generation's one behind the other.

const benches = ['ledger', 'train', 'generate', 'memory', 'lora', 'calls', 'share', 'teacher'] as const;
const usual = ['ledger', 'train', 'generate'];

const [name, ...rest] = process.argv.slice(2);
if (name !== undefined && !benches.some((bench) => bench === name)) {
  console.error(`no bench "${name}"; there are ${benches.join(', ')}`);
  process.exitCode = 2;
} else
  for (const bench of name === undefined ? usual : [name]) {
    const { status } = spawnSync(process.execPath, [join(__dirname, `${bench}.js`), ...rest], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = status ?? 1;
  }
