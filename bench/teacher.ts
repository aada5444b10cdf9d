import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findKey } from '../events/secrets';
import { draws } from '../projections/random';
import { packageRoot } from '../src/cli/packageRoot';
import { tasks } from '../src/tasks';
import { report } from './table';

/**
 * A served student and a teacher with every fault, at full size: all tasks, a run that is killed ten times, and its replay
 * with nobody there. Exits 1 where a count or a digest differs, or a key is found.
 *
 *     npm run bench -- teacher [problems] [at once] [kills]      200 problems, 16 at once, 10 kills
 */
const cli = join(packageRoot, 'dist', 'src', 'cli', 'main.js');
const apiKey = `sk-proj-${'B3nch'.repeat(8)}`;
const nobody = 'http://127.0.0.1:9/v1';

interface Teacher {
  readonly url: string;
  readonly calls: () => Promise<number>;
  readonly stop: () => void;
}

const startTeacher = (seed: number): Promise<Teacher> =>
  new Promise((resolve, reject) => {
    const words = ['fake-teacher', '--json', '--faults', 'all', '--seed', String(seed), '--key', apiKey];
    const child = spawn(process.execPath, [cli, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.on('error', reject);
    child.stdout.once('data', (line: Buffer) => {
      const { url }: { readonly url: string } = JSON.parse(line.toString('utf8').split('\n')[0] ?? '');
      const calls = async (): Promise<number> => {
        const { calls: served }: { readonly calls: number } = JSON.parse(
          await (await fetch(url.replace(/v1$/, 'count'))).text(),
        );
        return served;
      };
      resolve({ url, calls, stop: () => child.kill('SIGINT') });
    });
  });

const envAt = (url: string): NodeJS.ProcessEnv => ({ ...process.env, OPENAI_BASE_URL: url, OPENAI_API_KEY: apiKey });

/** Ends with its output, or killed after so many milliseconds. */
const run = (
  words: readonly string[],
  url: string,
  killAfter?: number,
): Promise<{ readonly out: string; readonly killed: boolean }> =>
  new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(process.execPath, [cli, ...words], {
      env: envAt(url),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout?.on('data', (text: Buffer) => (out += text.toString('utf8')));
    child.stderr?.on('data', (text: Buffer) => (err += text.toString('utf8')));
    const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0 && signal === null) reject(new Error(`${words.join(' ')}: exit ${code}\n${err}`));
      else resolve({ out: out + err, killed: signal === 'SIGKILL' });
    });
  });

const jsonLines = (words: readonly string[]): readonly { readonly data: Readonly<Record<string, unknown>> }[] =>
  spawnSync(process.execPath, [cli, ...words, '--json'], { encoding: 'utf8', maxBuffer: 2 ** 30 })
    .stdout.split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));

const attemptsOn = (ledger: string): number =>
  jsonLines(['log', '--ledger', ledger, '--type', 'GenerationProduced', '--type', 'CallFailed']).filter(
    ({ data }) => data['reusedFrom'] === null,
  ).length;

const datasetOf = (ledger: string): string => {
  const { stdout } = spawnSync(process.execPath, [cli, 'derive', '--ledger', ledger, '--json'], { encoding: 'utf8' });
  const { dataset }: { readonly dataset: string } = JSON.parse(stdout);
  return dataset;
};

const main = async (): Promise<void> => {
  const [problems = '200', atOnce = '16', wanted = '10'] = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), 'tripost-teacher-'));
  let good = true;
  const hold = (holds: boolean): 'yes' | 'NO' => {
    good &&= holds;
    return holds ? 'yes' : 'NO';
  };
  const words = (task: string, ledger: string): readonly string[] => {
    const config = join(folder, `${task}.yaml`);
    writeFileSync(
      config,
      `task: { name: ${task}, train: ${problems}, testSeen: 1, testUnseen: 1 }
base: { shape: { hiddenSize: 32, intermediateSize: 64, layers: 1, heads: 2, kvHeads: 1, headDim: 16 } }
collect: { maxCalls: 1, sampling: { temperature: 1, maxTokens: 1500 } }
`,
    );
    return [
      'collect',
      '-c',
      config,
      '--student',
      'endpoint:small',
      '--teacher',
      'large',
      '--ledger',
      ledger,
      '--concurrency',
      atOnce,
      '--timeout',
      '2',
      '--json',
      '-q',
    ];
  };
  const said: string[] = [];
  const rows: Record<string, string | number>[] = [];
  const begun: Record<string, number> = {};
  try {
    for (const task of tasks.keys()) {
      const teacher = await startTeacher(7);
      const ledger = join(folder, `${task}.db`);
      const start = Date.now();
      said.push((await run(words(task, ledger), teacher.url)).out);
      begun[task] = Date.now() - start;
      const [served, recorded] = [await teacher.calls(), attemptsOn(ledger)];
      teacher.stop();
      const again = join(folder, `${task}-again.db`);
      said.push((await run([...words(task, again), '--offline', '--calls-from', ledger], nobody)).out);
      const equal = datasetOf(again) === datasetOf(ledger) && attemptsOn(again) === 0;
      rows.push({
        task,
        seconds: Math.round(begun[task] / 1000),
        served,
        recorded,
        'counts equal': hold(served === recorded),
        'replay equal': hold(equal),
      });
    }
    report(`${problems} problems a task, ${atOnce} calls at once, every fault`, rows);

    const [task = ''] = tasks.keys();
    const teacher = await startTeacher(7);
    const ledger = join(folder, 'killed.db');
    let kills = 0;
    for (let attempt = 0; kills < Number(wanted) && attempt < 5 * Number(wanted); attempt++) {
      // All of them together within half of what the run takes.
      const longest = Math.max(1, Math.floor((begun[task] ?? 0) / Number(wanted)));
      const after = 700 + draws(['kill a teacher', attempt]).integer(0, longest);
      if (!(await run(words(task, ledger), teacher.url, after)).killed) break;
      kills += 1;
    }
    said.push((await run(words(task, ledger), teacher.url)).out);
    const lost = (await teacher.calls()) - attemptsOn(ledger);
    teacher.stop();
    report(`${task}, killed`, [
      {
        kills,
        'as many as wanted': hold(kills === Number(wanted)),
        'calls served and not recorded': lost,
        'at most in flight': hold(lost >= 0 && lost <= kills * Number(atOnce)),
        'dataset equal': hold(datasetOf(ledger) === datasetOf(join(folder, `${task}.db`))),
      },
    ]);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const found = [...said, ...files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))].some(
      (text) => findKey(text, [apiKey]) !== undefined,
    );
    console.log(`${files.length} files and all output scanned: ${hold(!found) === 'yes' ? 'no key' : 'A KEY'}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.exitCode = good ? 0 : 1;
};

void main();
