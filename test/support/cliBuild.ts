import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fixtures } from './golden';

const root = join(__dirname, '..', '..');
const cache = join(root, 'node_modules', '.cache', 'tripost-cli');

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

/** A digest of everything that decides what the command line does. */
const contentDigest = (): string => {
  const hash = createHash('sha256');
  const folders = ['events', 'projections', 'src', join('fixtures', 'cli')].map((name) => join(root, name));
  for (const file of [...folders.flatMap(filesUnder), join(root, 'tsconfig.json'), join(root, 'package-lock.json')]) {
    if (!/\.(txt|jsonl)$/.test(file)) hash.update(`${file}\n`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
};

/** Makes a folder once per name, whoever asks first; another worker that made it meanwhile wins. */
const madeOnce = (folder: string, make: (folder: string) => void): string => {
  if (existsSync(folder)) return folder;
  const own = `${folder}.${process.pid}`;
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  make(own);
  try {
    renameSync(own, folder);
  } catch {
    rmSync(own, { recursive: true, force: true });
  }
  return folder;
};

const day = 24 * 3600 * 1000;

const removeOld = (keep: string): void => {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    if (path !== keep && Date.now() - statSync(path).mtimeMs > day) rmSync(path, { recursive: true, force: true });
  }
};

let built: string | undefined;

/**
 * The compiled command line, made once per content of the sources. It lies under node_modules, where it finds the packages
 * and package.json as dist does. Types are checked by `npm run types`, not here.
 */
export const cliBuild = (): string => {
  if (built !== undefined) return built;
  built = madeOnce(join(cache, contentDigest()), (folder) => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    execFileSync(
      process.execPath,
      [tsc, '-p', 'tsconfig.json', '--outDir', folder, '--declaration', 'false', '--noCheck'],
      {
        cwd: root,
        stdio: 'pipe',
      },
    );
  });
  removeOld(built);
  return built;
};

export const mainFile = (): string => join(cliBuild(), 'src', 'cli', 'main.js');

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Sees the process while it runs, and what it has written to stderr so far. */
  readonly during?: (child: ChildProcess, stderr: () => string) => void;
}

const cleanEnvironment = (): NodeJS.ProcessEnv => {
  const kept = Object.entries(process.env).filter(([name]) => !/^(TRIPOST_|NODE_|JEST_|FORCE_COLOR)/.test(name));
  return { ...Object.fromEntries(kept), NO_COLOR: '1', CI: '1' };
};

/** Runs the real command line as a process of its own. */
export const runCli = (args: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [mainFile(), ...args], {
      cwd: options.cwd ?? root,
      env: { ...cleanEnvironment(), ...options.env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    options.during?.(child, () => stderr);
  });

/** One JSON object on stdout, or a failure that shows what was there instead. Whoever reads it says of what type it is. */
export const jsonOf = ({ stdout, stderr, code }: Ran) => {
  const lines = stdout.split('\n').filter((line) => line !== '');
  if (lines.length !== 1)
    throw new Error(`expected one JSON line, got ${lines.length} (exit ${code}): ${stdout}${stderr}`);
  return JSON.parse(lines[0] ?? '');
};

export const tinyConfig = join(fixtures, 'cli', 'tiny.yaml');

/** A folder that holds the finished tiny run: ledger.db with its blobs, out/ and summary.json. Made once per build. */
export const tinyRun = (): string =>
  madeOnce(join(cliBuild(), 'tiny'), (folder) => {
    const args = [
      mainFile(),
      'run',
      tinyConfig,
      '--ledger',
      join(folder, 'ledger.db'),
      '--out',
      join(folder, 'out'),
      '-q',
    ];
    execFileSync(process.execPath, args, { env: cleanEnvironment(), stdio: 'pipe' });
  });

/** A copy of the tiny run's ledger (with blobs and digest file) in a folder of one's own. */
export const tinyLedger = (folder: string): string => {
  const from = tinyRun();
  for (const name of ['ledger.db', 'ledger.db.sha256', 'ledger.db.blobs'])
    cpSync(join(from, name), join(folder, name), { recursive: true });
  return join(folder, 'ledger.db');
};

export interface Iteration {
  readonly iteration: number;
  readonly dataset: string | null;
  readonly rows: number;
  readonly checkpoint: string;
  readonly weights: string;
  readonly scores: Readonly<Record<string, number | null>>;
}

export interface Report {
  readonly runId: string;
  readonly root: string;
  readonly events: number;
  readonly reused: { readonly calls: number; readonly steps: number };
  readonly iterations: readonly Iteration[];
}

/** What the tiny run printed: report.json. */
export const tinyReport = (): Report => JSON.parse(readFileSync(join(tinyRun(), 'out', 'report.json'), 'utf8'));

export const tinyIteration = (n: number): Iteration => {
  const found = tinyReport().iterations[n];
  if (found === undefined) throw new Error(`the tiny run has no iteration ${n}`);
  return found;
};
