import { cpus } from 'node:os';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import * as E from 'fp-ts/Either';
import { openFileBlobStore } from '../src/adapters/files/blobStore';
import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import { ortRuntime } from '../src/adapters/onnxruntime/tensorRuntime';
import { parseYaml } from '../projections/parseYaml';
import { parsePolicy } from '../projections/policies/parsePolicy';
import { RunConfig } from '../src/run/config';
import { run } from '../src/run/run';
import { findTask } from '../src/tasks';

const root = join(__dirname, '..', '..');
const orThrow = <L, R>(either: E.Either<L, R>): R => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left).slice(0, 2000));
  return either.right;
};
const policyOf = (name: string) =>
  orThrow(
    parsePolicy(
      readFileSync(name.endsWith('.yaml') ? name : join(root, `projections/policies/presets/${name}.yaml`), 'utf8'),
    ),
  );

const main = async (): Promise<void> => {
  const [file, seedsText = '1', policiesText = 'tripost,ft-rationale'] = process.argv.slice(2);
  const text = readFileSync(file ?? '', 'utf8');
  const base = orThrow(parseYaml(text, RunConfig));
  const found = findTask(base.task.name);
  if (!found.ok) throw new Error(found.message);
  const folder = process.env['LEDGER'] ?? mkdtempSync(join(tmpdir(), 'gain-'));
  const log = orThrow(
    await openSqliteLog({
      path: join(folder, 'ledger.db'),
      mode: 'write',
      now: () => new Date().toISOString(),
      command: 'gain',
    })(),
  );
  const blobs = openFileBlobStore({ folder: join(folder, 'blobs') });
  const runtime = ortRuntime({ device: 'cpu', threads: Number(process.env['THREADS'] ?? 1) });
  const environment = {
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    cpu: cpus()[0]?.model ?? '',
    provider: 'cpu',
    packages: {},
  };
  let last = 0;
  const t0 = Date.now();
  for (const policy of policiesText.split(','))
    for (const seed of seedsText.split(',').map(Number)) {
      const config = { ...base, seed, policy };
      const result = await run(
        {
          config,
          task: found.task,
          policy: policyOf(policy),
          basePolicy: policyOf(base.base.policy),
          trained: undefined,
        },
        {
          log,
          blobs,
          runtime,
          environment,
          codeVersion: 'bench',
          signal: new AbortController().signal,
          onProgress: (p) => {
            const now = Date.now();
            if (now - last < 10000 && p.phase !== 'derive' && p.phase !== 'trained') return;
            last = now;
            const at = `${((now - t0) / 1000).toFixed(0)}s`;
            if (p.phase === 'train')
              console.error(at, 'train', p.iteration, p.step.step, '/', p.steps, p.step.loss.toFixed(4), p.step.tokens);
            else console.error(at, JSON.stringify(p).slice(0, 300));
          },
        },
      );
      if (E.isLeft(result)) {
        console.log(policy, seed, JSON.stringify(result.left).slice(0, 500));
        continue;
      }
      for (const it of result.right.iterations) {
        const sc = it.evaluation.scores;
        console.log(
          policy,
          'seed',
          seed,
          'it',
          it.iteration,
          'rows',
          it.rows,
          Object.entries(sc)
            .map(([k, v]) => `${k}=${typeof v === 'number' ? v.toFixed(3) : v}`)
            .join(' '),
        );
      }
      if (process.env['SHOW'])
        for (const item of (result.right.iterations.at(-1)?.evaluation.items ?? []).slice(
          0,
          Number(process.env['SHOW']),
        ))
          console.log(item.cell, JSON.stringify(item.texts), JSON.stringify(item.attempts));
    }
  await log.close();
};
void main();
