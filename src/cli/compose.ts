import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Environment } from '../../events/codecs';
import type { Position } from '../../events/envelope';
import { openFileBlobStore } from '../adapters/files/blobStore';
import { openFileStateStore } from '../adapters/files/stateStore';
import { openSqliteLog, type SqliteLog } from '../adapters/sqlite/eventLog';
import type { OrtOptions } from '../adapters/onnxruntime/tensorRuntime';
import type { Verifiable, Verification } from '../ledger/verify';
import { guardedLog } from '../ledger/keyGuard';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import type { StateStore } from '../ports/stateStore';
import type { TensorRuntime } from '../ports/tensorRuntime';
import type { StartEngine } from '../train/engine';
import type { OpenStudents } from '../train/students';
import type { Args } from './args';
import { logAt } from './at';
import type { Context } from './command';
import { cudaEnvironment } from './cuda/environment';
import { thisMachine } from './cuda/outside';
import { cudaReport } from './cuda/report';
import { must, Stop, stop } from './faults';
import { secretsInUse } from './secretsInUse';
import { typed } from './lazy';
import { ledgerPlace, type LedgerPlace } from './ledgerPlace';
import { installedVersions } from './packageRoot';
import type { StorageReport } from './verificationLines';

/** A ledger and its blobs, as this command holds them. */
export interface Ledger {
  /** The file, or the address without user and password. */
  readonly path: string;
  readonly log: EventLog;
  readonly blobs: BlobStore;
  /** Saved states of projections: may be deleted at any time. */
  readonly states: StateStore;
  /** The events as the store itself has them, for `verify`: with a server's ledger past the local mirror. */
  readonly stored: (until: Position | undefined) => Verifiable;
  /** Checks of what lies around the events: the file as a whole, or the mirror. */
  readonly checkStorage: (found: Verification, until: Position | undefined) => Promise<StorageReport>;
}

/**
 * `read` changes nothing of the ledger; `append` writes one that is there; `create` makes one where there is none;
 * `collect` is `create` for who makes calls: in a file, with `--share` beside others that share, else as the only one.
 */
export type Access = 'read' | 'append' | 'create' | 'collect';

export const placeOf = (args: Args): LedgerPlace =>
  ledgerPlace(args.text('ledger') ?? './ledger.db', args.text('blobFolder'));

/** The log in a file. */
export const openFileLog = async (
  path: string,
  { signal }: Context,
  access: Access,
  share = false,
): Promise<SqliteLog> => {
  if ((access === 'read' || access === 'append') && !existsSync(path)) return stop({ tag: 'NoLedger', path });
  const now = (): string => new Date().toISOString();
  const mode = access === 'read' ? 'read' : 'write';
  const collects = access === 'collect' ? ({ collects: share ? 'shared' : 'alone' } as const) : {};
  return must(await openSqliteLog({ path, mode, now, ...collects, signal })());
};

const openPlace = async (
  place: LedgerPlace,
  context: Context,
  access: Access,
  share: boolean,
): Promise<Omit<Ledger, 'path' | 'blobs' | 'states'>> => {
  if (place.kind === 'file') {
    const log = await openFileLog(place.path, context, access, share);
    const stored = (until: Position | undefined): Verifiable => (until === undefined ? log : logAt(log, until));
    return { log, stored, checkStorage: () => log.checkStorage() };
  }
  const { openServerLedger } = typed<ServerModule>(require('./serverLedger'));
  const { log, stored, checkMirror } = await openServerLedger(place, context, access);
  const checkStorage: Ledger['checkStorage'] = async (found, until) => {
    const mirror = await checkMirror(found, until);
    return { ok: mirror.ok, checks: [mirror] };
  };
  return { log, stored, checkStorage };
};

export const openLedger = async (args: Args, context: Context, access: Access): Promise<Ledger> => {
  const place = placeOf(args);
  const opened = await openPlace(place, context, access, args.has('share'));
  const log = guardedLog(opened.log, secretsInUse(process.env));
  return {
    path: place.shown,
    blobs: openFileBlobStore({ folder: place.blobs }),
    states: openFileStateStore({ folder: place.states }),
    ...opened,
    log,
  };
};

/** Opens the ledger, uses it and closes it, whatever happens in between. */
export const withLedger = async <T>(
  args: Args,
  context: Context,
  access: Access,
  use: (ledger: Ledger) => Promise<T>,
): Promise<T> => {
  const ledger = await openLedger(args, context, access);
  let result: T;
  try {
    result = await use(ledger);
  } catch (failure) {
    // What went wrong first is what is told.
    await ledger.log.close().catch(() => undefined);
    throw failure;
  }
  await ledger.log.close();
  return result;
};

/** The same for reading a ledger that may not be there yet: undefined then. */
export const withLedgerIfAny = async <T>(
  args: Args,
  context: Context,
  use: (ledger: Ledger) => Promise<T>,
): Promise<T | undefined> => {
  try {
    return await withLedger(args, context, 'read', use);
  } catch (failure) {
    if (failure instanceof Stop && failure.fault.tag === 'NoLedger') return undefined;
    throw failure;
  }
};

const runtimeOptions = (args: Args): OrtOptions => ({
  device: args.text('device') === 'cuda' ? 'cuda' : 'cpu',
  threads: args.whole('threads') ?? 0,
  spin: args.allows('spin'),
});

type ServerModule = typeof import('./serverLedger');

type OrtModule = typeof import('../adapters/onnxruntime/tensorRuntime');

type EngineModule = typeof import('./threadedEngine');

type StudentsModule = typeof import('./threadedStudents');

const processors = (threads: number): number => (threads > 0 ? threads : cpus().length);

/** Training in threads of its own, as the runtime flags ask. */
export const openEngine = (args: Args): StartEngine => {
  const { threadedEngine } = typed<EngineModule>(require('./threadedEngine'));
  const { device, threads, spin } = runtimeOptions(args);
  return threadedEngine({ device, threads, spin }, processors(threads));
};

/** Students in threads of their own, as the runtime flags ask. */
export const openStudents = (args: Args): OpenStudents => {
  const { threadedStudents } = typed<StudentsModule>(require('./threadedStudents'));
  const options = runtimeOptions(args);
  return threadedStudents(options, processors(options.threads));
};

/** ONNX Runtime, loaded when it is needed: its native part costs every other command its start. */
export const openRuntime = (args: Args): TensorRuntime => {
  if (args.text('device') === 'auto') throw new Error('the device is not settled: wrap the command in onDevice');
  let loaded: OrtModule;
  try {
    loaded = typed<OrtModule>(require('../adapters/onnxruntime/tensorRuntime'));
  } catch (failure) {
    return stop({ tag: 'RuntimeMissing', message: failure instanceof Error ? failure.message : String(failure) });
  }
  const options = runtimeOptions(args);
  // What keeps CUDA from computing is told in our words, not by the runtime's log.
  if (options.device === 'cuda') loaded.quieten();
  return loaded.ortRuntime(options);
};

/** Everything that computes numbers or keeps them: their versions go into every receipt. */
const computing = ['@huggingface/tokenizers', 'libsql', 'onnx-proto', 'onnxruntime-node', 'protobufjs'];

/** The machine class and the software: equal environments promise equal bits. */
export const environmentOf = (provider: string): Environment => ({
  node: process.version,
  platform: process.platform,
  arch: process.arch,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  provider,
  packages: { ...installedVersions(computing) },
  ...(provider === 'cuda' ? { cuda: cudaEnvironment(cudaReport(thisMachine)) } : {}),
});
