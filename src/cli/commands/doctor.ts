import { accessSync, constants, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import * as E from 'fp-ts/Either';
import { eventRetracted } from '../../../events/eventRetracted';
import { shownUrl } from '../../adapters/openai/shownUrl';
import { defaultSettings } from '../../adapters/openai/settings';
import { openSqliteLog } from '../../adapters/sqlite/eventLog';
import { verify } from '../../ledger/verify';
import { Args } from '../args';
import { jsonFlag, ledgerFlag, type Command } from '../command';
import { environmentOf, openRuntime, placeOf } from '../compose';
import { cudaChecks, graphPlaces } from '../cuda/checks';
import { tryCuda, type TriedCuda } from '../cuda/device';
import { thisMachine } from '../cuda/outside';
import { cudaReport } from '../cuda/report';
import { tinyGraphs } from '../cuda/tinyGraphs';
import { tryRuntime } from '../cuda/trial';
import { failed, note, ok, type Check } from '../doctorCheck';
import { serverOf } from '../endpoint';
import { some } from '../explain/explained';
import { Stop } from '../faults';
import { typed } from '../lazy';
import { folderOf, type LedgerPlace } from '../ledgerPlace';
import { codeVersion, packageJson } from '../packageRoot';

type ModelsModule = typeof import('../../adapters/openai/models');

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

/** That it computes, not only that it is listed. */
const cpuProvider = async (): Promise<Check> => {
  const name = 'provider cpu';
  const bad = (detail: string): Check => failed(name, detail, 'Run `npm ci` again on this machine.');
  try {
    const runtime = openRuntime(new Args([], { device: 'cpu', threads: '1' }));
    const tried = await tryRuntime(runtime);
    if (E.isLeft(tried)) return bad(tried.left);
    return ok(name, `ONNX Runtime ${runtime.version} loads a graph and computes it`);
  } catch (failure) {
    return bad(messageOf(failure));
  }
};

const cudaProvider = async (): Promise<TriedCuda> => {
  try {
    return await tryCuda(() => openRuntime(new Args([], { device: 'cuda', threads: '1' })));
  } catch (failure) {
    return { report: cudaReport(thisMachine), reasons: [messageOf(failure)] };
  }
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
  if (free < needed) return note('disk', detail, 'A run of the demo needs some 100 MiB; larger models more.');
  return ok('disk', detail);
};

const blobs = (folder: string): Check => {
  const there = existsSync(folder);
  try {
    accessSync(there ? folder : dirname(folder), constants.R_OK | constants.W_OK);
    return ok('blobs', there ? `${folder} can be written` : `${folder} will be made by the first write`);
  } catch (failure) {
    return failed('blobs', messageOf(failure), `Let this user read and write ${folder}.`);
  }
};

/** Whether the server of a ledger answers. */
const server = async (place: Extract<LedgerPlace, { readonly kind: 'server' }>): Promise<Check> => {
  const name = 'kurrentdb';
  try {
    const { isEmptyLog, openServerLog } = typed<typeof import('../serverLedger')>(require('../serverLedger'));
    const log = await openServerLog(place, { attempts: 3 });
    const empty = await isEmptyLog(log);
    await log.close();
    return ok(name, `${place.shown} answers; ${empty ? 'there is no ledger on it yet' : 'a ledger is on it'}`);
  } catch (failure) {
    const fix = 'Check the address, and whether the server runs; docker/kurrentdb starts one.';
    return failed(name, `${place.shown}: ${messageOf(failure)}`, fix);
  }
};

/** Asked only where the environment names a server or a key: nothing here needs one. */
const endpoint = async (env: NodeJS.ProcessEnv): Promise<readonly Check[]> => {
  const name = 'endpoint';
  if ((env['OPENAI_BASE_URL'] ?? '') === '' && (env['OPENAI_API_KEY'] ?? '') === '') return [];
  const fix = 'Only commands with a served model need it: check OPENAI_BASE_URL and OPENAI_API_KEY.';
  try {
    const settings = defaultSettings({ ...serverOf(env), model: '', timeoutMs: 5000 });
    const listed = await typed<ModelsModule>(require('../../adapters/openai/models')).listModels(settings)();
    const where = shownUrl(settings.baseUrl);
    if (E.isLeft(listed)) return [note(name, `${where}: ${listed.left}`, fix)];
    return [ok(name, `${where} has ${listed.right.length} models: ${some(listed.right, 5).join(', ')}`)];
  } catch (failure) {
    return [note(name, messageOf(failure), fix)];
  }
};

export const doctor: Command = {
  name: 'doctor',
  summary: 'Check this machine: Node, ONNX Runtime and its providers, SQLite, disk',
  json: 'object',
  details: [
    'Each provider computes a tiny graph; SQLite writes, reads and verifies a ledger beside --ledger. Nothing is left behind.',
    'A KurrentDB --ledger is asked whether it answers.',
    'For CUDA it looks for the provider, the libraries that it needs and the driver, and names the one command that installs',
    'what is missing; it also says which nodes of our graphs would run on the CPU all the same.',
    'Where OPENAI_BASE_URL or OPENAI_API_KEY is set, that server is asked which models it has.',
    'JSON: {ok, version, checks: [{name, status: "ok" | "note" | "failed", detail, fix}], cuda: {platform, supported, wanted,',
    'provider, libraries: [{name, use, state, path, version, others}], driver, missing, fix, reasons, graphs}}.',
  ].join('\n'),
  arguments: [],
  flags: [ledgerFlag, jsonFlag],
  examples: ['tripost doctor', 'tripost doctor --ledger /data/ledger.db --json'],
  run: async (args, context) => {
    const place = placeOf(args);
    const folder = folderOf(place);
    const rest = existsSync(folder)
      ? [await sqlite(folder), disk(folder), blobs(place.blobs)]
      : [failed('disk', `there is no folder ${folder}`, 'Make it, or name another --ledger.')];
    if (place.kind === 'server') rest.push(await server(place));
    // CUDA first: what it says of itself while it loads is turned off before the runtime begins.
    const cuda = await cudaProvider();
    const places = graphPlaces(tinyGraphs());
    const checks = [
      node(),
      machine(),
      await cpuProvider(),
      ...cudaChecks(cuda, places),
      ...rest,
      ...(await endpoint(process.env)),
    ];
    const broken = checks.filter((check) => check.status === 'failed');
    if (context.json) {
      const { report, reasons } = cuda;
      const found = { ...report, reasons, graphs: places };
      await context.out.json({ ok: broken.length === 0, version: codeVersion(), checks, cuda: found });
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
