import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import type { Environment } from '../../events/codecs';
import { openFileBlobStore } from '../adapters/files/blobStore';
import { openSqliteLog, type SqliteLog } from '../adapters/sqlite/eventLog';
import type { OrtOptions } from '../adapters/onnxruntime/tensorRuntime';
import type { BlobStore } from '../ports/blobStore';
import type { TensorRuntime } from '../ports/tensorRuntime';
import type { StartEngine } from '../train/engine';
import type { Args } from './args';
import type { Context } from './command';
import { cudaEnvironment } from './cuda/environment';
import { thisMachine } from './cuda/outside';
import { cudaReport } from './cuda/report';
import { must, stop } from './faults';
import { typed } from './lazy';
import { installedVersions } from './packageRoot';

/** A ledger and its blobs, as this command holds them. */
export interface Ledger {
  readonly path: string;
  readonly log: SqliteLog;
  readonly blobs: BlobStore;
}

/** `read` changes nothing on disk; `append` writes a ledger that is there; `create` makes one where there is none. */
export type Access = 'read' | 'append' | 'create';

export const ledgerPath = (args: Args): string => resolve(args.text('ledger') ?? './ledger.db');

export const blobFolder = (ledger: string): string => `${ledger}.blobs`;

export const openLedger = async (args: Args, context: Context, access: Access): Promise<Ledger> => {
  const path = ledgerPath(args);
  if (access !== 'create' && !existsSync(path)) return stop({ tag: 'NoLedger', path });
  const now = (): string => new Date().toISOString();
  const mode = access === 'read' ? 'read' : 'write';
  const log = must(await openSqliteLog({ path, mode, now, command: `tripost ${context.command}` })());
  return { path, log, blobs: openFileBlobStore({ folder: blobFolder(path) }) };
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

const runtimeOptions = (args: Args): OrtOptions => ({
  device: args.text('device') === 'cuda' ? 'cuda' : 'cpu',
  threads: args.whole('threads') ?? 0,
  spin: args.allows('spin'),
});

type OrtModule = typeof import('../adapters/onnxruntime/tensorRuntime');

type EngineModule = typeof import('./threadedEngine');

/** Training in threads of its own, as the runtime flags ask. */
export const openEngine = (args: Args): StartEngine => {
  const { threadedEngine } = typed<EngineModule>(require('./threadedEngine'));
  const { device, threads, spin } = runtimeOptions(args);
  return threadedEngine({ device, threads, spin }, threads > 0 ? threads : cpus().length);
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
