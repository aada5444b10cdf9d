import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import { openFileBlobStore } from '../src/adapters/files/blobStore';
import { ortRuntime } from '../src/adapters/onnxruntime/tensorRuntime';
import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import { Args } from '../src/cli/args';
import { environmentOf } from '../src/cli/compose';
import { threadedEngine } from '../src/cli/threadedEngine';
import { threadedStudents } from '../src/cli/threadedStudents';
import { codeVersion, packageRoot } from '../src/cli/packageRoot';
import { loadRun } from '../src/cli/runConfig';
import { LedgerPrefix } from '../src/run/ledgerPrefix';
import { run } from '../src/run/run';
import type { IterationSummary } from '../src/run/runContext';

/**
 * The claim behind the demo, over seeds: the student after TriPosT against the very same student given the same number
 * of optimizer steps, at the same batch size and schedule, on gold rationales alone. Both arms are runs on one ledger and
 * share the base; only the policy differs. Stop it and start it again as you like: it resumes.
 *
 * Usage: node dist/bench/gain.js [config] [seeds] [policies]
 */
interface Arm {
  readonly policy: string;
  readonly seed: number;
  readonly iterations: readonly IterationSummary[];
}

const orThrow = <L, R>(either: E.Either<L, R>): R => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left).slice(0, 2000));
  return either.right;
};

const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '-' : (100 * value).toFixed(1);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / Math.max(1, values.length - 1));

const tableOf = (arms: readonly Arm[]): string => {
  const metrics = [
    'accuracy.seen',
    'accuracy.unseen',
    'accuracy.total',
    'firstCorrect.total',
    'siFrequency.total',
    'siContribution.total',
  ];
  const lines = [
    '| policy | seed | iteration | seen | unseen | total | first attempt | SI frequency | SI contribution |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (const { policy, seed, iterations } of arms)
    for (const { iteration, evaluation } of iterations)
      lines.push(
        `| ${policy} | ${seed} | ${iteration} | ${metrics.map((metric) => percent(evaluation.scores[metric])).join(' | ')} |`,
      );
  for (const policy of new Set(arms.map((arm) => arm.policy))) {
    const own = arms.filter((arm) => arm.policy === policy);
    const last = Math.max(...own.map((arm) => arm.iterations.length)) - 1;
    for (let iteration = 0; iteration <= last; iteration++) {
      const cells = metrics.map((metric) => {
        const values = own.flatMap((arm) => arm.iterations[iteration]?.evaluation.scores[metric] ?? []);
        return values.length === 0 ? '-' : `${percent(mean(values))} ± ${percent(deviation(values))}`;
      });
      lines.push(`| **${policy}** | mean of ${own.length} ± sd | ${iteration} | ${cells.join(' | ')} |`);
    }
  }
  return lines.join('\n');
};

const main = async (): Promise<void> => {
  const [
    file = join(packageRoot, 'fixtures', 'demo', 'run.yaml'),
    seeds = '1,2,3,4,5',
    policies = 'tripost,ft-rationale',
  ] = process.argv.slice(2);
  const folder = process.env['GAIN_FOLDER'] ?? join(packageRoot, 'gain');
  mkdirSync(folder, { recursive: true });
  const log = orThrow(
    await openSqliteLog({
      path: join(folder, 'ledger.db'),
      mode: 'write',
      now: () => new Date().toISOString(),
    })(),
  );
  const blobs = openFileBlobStore({ folder: join(folder, 'ledger.db.blobs') });
  const prefix = new LedgerPrefix(log);
  const options = { device: 'cpu', threads: 2, spin: true } as const;
  const runtime = ortRuntime(options);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const arms: Arm[] = [];
  const start = Date.now();
  for (const seed of seeds.split(','))
    for (const policy of policies.split(',')) {
      const { input } = loadRun(file, new Args([], { set: process.env['GAIN_SET']?.split(';') ?? [], seed, policy }), [
        'seed',
        'policy',
      ]);
      const done = await run(input, {
        log,
        blobs,
        prefix,
        openStudents: threadedStudents(options, options.threads),
        startEngine: threadedEngine(options, options.threads),
        signal: stop.signal,
        environment: environmentOf(runtime.provider),
        codeVersion: codeVersion(),
        onProgress: () => undefined,
      });
      if (E.isLeft(done)) {
        console.error(`${policy} seed ${seed}: ${JSON.stringify(done.left).slice(0, 400)}`);
        continue;
      }
      arms.push({ policy, seed: Number(seed), iterations: done.right.iterations });
      const shown = done.right.iterations.map(
        ({ evaluation, rows }) =>
          `${percent(evaluation.scores['accuracy.total'])}% (${rows} rows, SI ${percent(evaluation.scores['siFrequency.total'])}%)`,
      );
      console.error(`${((Date.now() - start) / 1000).toFixed(0)} s ${policy} seed ${seed}: ${shown.join(' -> ')}`);
    }
  await log.close();
  console.log(tableOf(arms));
};

void main();
