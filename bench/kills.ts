import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { draws } from '../projections/random';
import { packageRoot } from '../src/cli/packageRoot';
import { report } from './table';

/**
 * kill -9 at random moments of a run, resumed each time: the digests must be those of a run that nobody disturbed.
 *
 * Usage: node dist/bench/kills.js [config] [kills] [seed]; exits 1 when a digest differs.
 */
interface Report {
  readonly root: string;
  readonly reused: { readonly calls: number; readonly steps: number };
  readonly iterations: readonly { readonly dataset: string | null; readonly weights: string | null }[];
}

const cli = join(packageRoot, 'dist', 'src', 'cli', 'main.js');

const reportOf = (stdout: string): Report => JSON.parse(stdout);

/** The run, killed after so many milliseconds unless it ends before. */
const killedRun = (args: readonly string[], after: number): Promise<'killed' | 'ended'> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), after);
    child.on('error', reject);
    child.on('exit', (_, signal) => {
      clearTimeout(timer);
      resolve(signal === 'SIGKILL' ? 'killed' : 'ended');
    });
  });

const wholeRun = (args: readonly string[]): Report => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(stderr);
  return reportOf(stdout);
};

const main = async (): Promise<void> => {
  const [config = join(packageRoot, 'fixtures', 'cli', 'tiny.yaml'), kills = '10', seed = '1'] = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), 'tripost-kills-'));
  const args = (name: string): readonly string[] => [
    'run',
    config,
    '--ledger',
    join(folder, name),
    '--json',
    '--quiet',
  ];
  const start = Date.now();
  const plain = wholeRun(args('plain.db'));
  const duration = Date.now() - start;
  const rows: Record<string, string | number>[] = [];
  let killed = 0;
  for (let attempt = 0; killed < Number(kills) && attempt < 10 * Number(kills); attempt++) {
    const after = 250 + draws([Number(seed), 'kill', attempt]).integer(0, Math.max(1, Math.floor(duration * 0.25)));
    const how = await killedRun(args('killed.db'), after);
    if (how === 'ended') break;
    killed++;
    rows.push({ kill: killed, 'after ms': after });
  }
  const resumed = wholeRun(args('killed.db'));
  const verified = spawnSync(process.execPath, [
    cli,
    'verify',
    '--blobs',
    '--ledger',
    join(folder, 'killed.db'),
  ]).status;
  rmSync(folder, { recursive: true });
  report(`kill -9 amid ${config}`, rows);
  const digests = ({ iterations, root }: Report): string =>
    JSON.stringify([iterations.map(({ dataset, weights }) => [dataset, weights]), root]);
  const equal = digests(plain) === digests(resumed);
  console.log(
    `${killed} kills; datasets, weights and root ${equal ? 'equal' : 'NOT equal'} to the undisturbed run's; verify exits ${verified}; the last run reused ${resumed.reused.calls} calls and ${resumed.reused.steps} steps`,
  );
  process.exitCode = equal && verified === 0 ? 0 : 1;
};

void main();
