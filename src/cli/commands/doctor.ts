import { accessSync, constants, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import * as E from 'fp-ts/Either';
import { eventRetracted } from '../../../events/eventRetracted';
import { openSqliteLog } from '../../adapters/sqlite/eventLog';
import { encodeModel } from '../../onnx/modelProto';
import { GraphBuilder } from '../../onnx/graph';
import type { TensorRuntime } from '../../ports/tensorRuntime';
import { verify } from '../../ledger/verify';
import { Args } from '../args';
import { jsonFlag, ledgerFlag, type Command } from '../command';
import { blobFolder, environmentOf, ledgerPath, openRuntime } from '../compose';
import { Stop } from '../faults';
import { typed } from '../lazy';
import { codeVersion, packageJson } from '../packageRoot';

interface Check {
  readonly name: string;
  /** `note`: not needed, or not to be had on this machine. */
  readonly status: 'ok' | 'note' | 'failed';
  readonly detail: string;
  /** What to do about it. */
  readonly fix: string | null;
}

const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail, fix: null });
const failed = (name: string, detail: string, fix: string): Check => ({ name, status: 'failed', detail, fix });

const messageOf = (failure: unknown): string => {
  if (failure instanceof Stop && 'message' in failure.fault) return failure.fault.message;
  return failure instanceof Error ? failure.message : String(failure);
};

const node = (): Check => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 19);
  const detail = `${process.version} on ${process.platform} ${process.arch}`;
  return enough ? ok('node', detail) : failed('node', detail, 'Install Node 20.19 or newer.');
};

const machine = (): Check => {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  return ok('machine', `${cpus().length} x ${model}, ${(totalmem() / 2 ** 30).toFixed(1)} GiB of memory`);
};

const cudaFix =
  'CUDA libraries are not fetched by default (.npmrc). With an NVIDIA driver on Linux x64: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node';

/** A provider that is not there is a finding here, not something for the runtime to shout about on stderr. */
const hush = (): void => {
  try {
    typed<typeof import('onnxruntime-node')>(require('onnxruntime-node')).env.logLevel = 'fatal';
  } catch {
    // That it does not load is what the check of the provider says.
  }
};

/** [1, 2] + [3, 4] on a provider: that it computes, not only that it is listed. */
const provider = async (device: 'cpu' | 'cuda'): Promise<Check> => {
  const name = `provider ${device}`;
  const bad = (detail: string): Check =>
    device === 'cpu'
      ? failed(name, detail, 'Run `npm ci` again on this machine.')
      : { name, status: 'note', detail, fix: cudaFix };
  let runtime: TensorRuntime;
  try {
    runtime = openRuntime(new Args([], { device, threads: '1' }));
  } catch (failure) {
    return bad(messageOf(failure));
  }
  const b = new GraphBuilder('doctor');
  const x = b.input('x', 'float32', [2]);
  b.output('y', b.one('Add', [x, b.constant('float32', [2], [3, 4])]));
  const program = await runtime.load(encodeModel(b.build()))();
  if (E.isLeft(program)) return bad(program.left.message.split('\n')[0] ?? '');
  const got = await program.right.run({ x: { dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) } })();
  await program.right.release();
  if (E.isLeft(got)) return bad(got.left.message);
  const sum = [...(got.right['y']?.data ?? [])].map(Number);
  if (sum.join() !== '4,6') return bad(`expected [1, 2] + [3, 4] = [4, 6], got [${sum.join(', ')}]`);
  return ok(name, `ONNX Runtime ${runtime.version} loads a graph and computes it`);
};

/** A ledger in a folder of its own: append, read back, verify. */
const sqlite = async (folder: string): Promise<Check> => {
  const name = 'sqlite';
  let temporary: string | undefined;
  try {
    temporary = mkdtempSync(join(folder, '.tripost-doctor-'));
    const path = join(temporary, 'ledger.db');
    const opened = await openSqliteLog({
      path,
      mode: 'write',
      now: () => new Date().toISOString(),
      command: 'tripost doctor',
    })();
    if (E.isLeft(opened)) return failed(name, JSON.stringify(opened.left), 'See the message; a local disk works best.');
    const log = opened.right;
    const event = eventRetracted.create({ eventId: 'none', reason: 'a check of this machine', by: 'doctor' });
    const appended = await log.append('notes', 'noStream', [event])();
    const found = await verify(log);
    await log.close();
    if (E.isLeft(appended))
      return failed(name, JSON.stringify(appended.left), 'See the message; a local disk works best.');
    if (!found.ok)
      return failed(name, 'what was read back is not what was written', 'Do not keep a ledger on this disk.');
    return ok(
      name,
      `libsql ${environmentOf('cpu').packages['libsql'] ?? ''} writes, reads and verifies a ledger in ${folder}`,
    );
  } catch (failure) {
    return failed(name, messageOf(failure), `Check who may write in ${folder}, or name another --ledger.`);
  } finally {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  }
};

const needed = 2 ** 30;

const disk = (folder: string): Check => {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const detail = `${(free / 2 ** 30).toFixed(1)} GiB free in ${folder}`;
  if (free < needed)
    return { name: 'disk', status: 'note', detail, fix: 'A run of the demo needs some 100 MiB; larger models more.' };
  return ok('disk', detail);
};

const blobs = (ledger: string): Check => {
  const folder = blobFolder(ledger);
  const there = existsSync(folder);
  try {
    accessSync(there ? folder : dirname(folder), constants.R_OK | constants.W_OK);
    return ok('blobs', there ? `${folder} can be written` : `${folder} will be made by the first write`);
  } catch (failure) {
    return failed('blobs', messageOf(failure), `Let this user read and write ${folder}.`);
  }
};

export const doctor: Command = {
  name: 'doctor',
  summary: 'Check this machine: Node, ONNX Runtime and its providers, SQLite, disk',
  json: 'object',
  details: [
    'Each provider computes a tiny graph; SQLite writes, reads and verifies a ledger beside --ledger. Nothing is left behind.',
    'JSON: {ok, version, checks: [{name, status: "ok" | "note" | "failed", detail, fix}]}.',
  ].join('\n'),
  arguments: [],
  flags: [ledgerFlag, jsonFlag],
  examples: ['tripost doctor', 'tripost doctor --ledger /data/ledger.db --json'],
  run: async (args, context) => {
    hush();
    const ledger = ledgerPath(args);
    const folder = dirname(ledger);
    const rest = existsSync(folder)
      ? [await sqlite(folder), disk(folder), blobs(ledger)]
      : [failed('disk', `there is no folder ${folder}`, 'Make it, or name another --ledger.')];
    const checks = [node(), machine(), await provider('cpu'), await provider('cuda'), ...rest];
    const broken = checks.filter((check) => check.status === 'failed');
    if (context.json) {
      await context.out.json({ ok: broken.length === 0, version: codeVersion(), checks });
    } else {
      const { green, red, yellow } = context.out.colors;
      const sign = { ok: green('ok    '), note: yellow('note  '), failed: red('FAILED') };
      await context.out.line(`tripost ${packageJson().version}`);
      for (const { name, status, detail, fix } of checks) {
        await context.out.line(`${sign[status]} ${name}: ${detail}`);
        if (fix !== null) await context.out.line(`       ${fix}`);
      }
    }
    if (broken.length === 0) return 'ok';
    return broken.some((check) => check.name === 'provider cpu' || check.name === 'node') ? 'runtime' : 'storage';
  },
};
