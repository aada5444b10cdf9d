import * as E from 'fp-ts/Either';
import type { Position } from '../../events/envelope';
import type { KurrentLog } from '../adapters/kurrentdb/eventLog';
import { openSqliteMirror } from '../adapters/sqlite/mirror';
import { mirroredLog, mirrorMismatch } from '../ledger/mirroredLog';
import { numberedLog } from '../ledger/numberedLog';
import { verify, type Verifiable, type Verification } from '../ledger/verify';
import { LogReadError, type EventLog } from '../ports/eventLog';
import type { Mirror } from '../ports/mirror';
import { logAt } from './at';
import type { Context } from './command';
import type { Access } from './compose';
import { must, stop } from './faults';
import { typed } from './lazy';
import type { LedgerPlace } from './ledgerPlace';
import type { StorageCheck } from './verificationLines';

type Server = Extract<LedgerPlace, { readonly kind: 'server' }>;

type KurrentModule = typeof import('../adapters/kurrentdb/eventLog');

/** The server's own log. The adapter is loaded only now, and the client's package by it. */
export const openServerLog = async (
  place: Server,
  options: Partial<Parameters<KurrentModule['openKurrentLog']>[0]> = {},
): Promise<KurrentLog> => {
  const { openKurrentLog } = typed<KurrentModule>(require('../adapters/kurrentdb/eventLog'));
  return must(await openKurrentLog({ url: place.url, ...options })());
};

/** The first mirror that no other process of this machine is writing. */
const openMirror = async ({ mirrors, shown }: Server): Promise<Mirror> => {
  for (const path of mirrors.slice(0, -1)) {
    const opened = await openSqliteMirror({ path, of: shown })();
    if (E.isRight(opened) || opened.left.tag !== 'Locked') return must(opened);
  }
  return must(await openSqliteMirror({ path: mirrors.at(-1) ?? '', of: shown })());
};

export const isEmptyLog = async (log: EventLog): Promise<boolean> => {
  try {
    for await (const _ of log.readAll({ direction: 'backwards', max: 1 })) return false;
    return true;
  } catch (failure) {
    // Something is there; what is wrong with it is for the reading to say.
    if (failure instanceof LogReadError && failure.reason.tag === 'Damaged') return false;
    throw failure;
  }
};

/** A ledger on a server, as a command holds it. */
export interface ServerLedger {
  /** Appends go to the server, readings come from the mirror. */
  readonly log: EventLog;
  /** The server's own events, numbered as the mirror numbers them. */
  readonly stored: (until: Position | undefined) => Verifiable;
  /** Whether the mirror holds what `verify` has found on the server. */
  readonly checkMirror: (found: Verification, until: Position | undefined) => Promise<StorageCheck>;
}

const checkMirror = async (
  log: EventLog,
  mirror: Mirror,
  found: Verification,
  until: Position | undefined,
): Promise<StorageCheck> => {
  const name = 'mirror';
  try {
    // Waits until the mirror has caught up.
    await log.head();
    const own = await verify(until === undefined ? mirror.log : logAt(mirror.log, until));
    if (own.root === found.root && own.damaged === found.damaged) {
      return { name, ok: true, message: `${mirror.where} holds the same ${own.events} events` };
    }
    const message = `${mirror.where} has root ${own.root} over ${own.events} events, the server ${found.root} over ${found.events}; delete that file and it is made again`;
    return { name, ok: false, message };
  } catch (failure) {
    if (!(failure instanceof LogReadError) || failure.reason.tag === 'Unavailable') throw failure;
    return { name, ok: false, message: failure.message };
  }
};

/** A second or so of copying: from here on a mirror that catches up says so. */
const worthTelling = 20_000;

/** Opens the server's log with a mirror of it; a reading or appending command wants a ledger that is there. */
export const openServerLedger = async (place: Server, context: Context, access: Access): Promise<ServerLedger> => {
  const mirror = await openMirror(place);
  let server: KurrentLog | undefined;
  try {
    const after = mirror.source();
    server = await openServerLog(place, after === undefined ? {} : { known: { events: mirror.places(), after } });
    if ((access === 'read' || access === 'append') && after === undefined && (await isEmptyLog(server))) {
      return stop({ tag: 'NoLedger', path: place.shown });
    }
    const mismatch = await mirrorMismatch(server, mirror);
    if (mismatch !== undefined) {
      const { id, position } = mismatch.mirrored;
      stop({ tag: 'MirrorDiffers', mirror: mirror.where, ledger: place.shown, id, position });
    }
  } catch (failure) {
    await server?.close().catch(() => undefined);
    await mirror.close();
    throw failure;
  }
  const own = server;
  const onCatchUp = (copied: number): void => {
    if (copied < worthTelling) return;
    const detail = `${copied} events copied`;
    context.progress.report({ phase: 'mirror', done: copied, total: 0, unit: 'events', detail });
  };
  const log = mirroredLog(own, mirror, { readOnly: access === 'read', onCatchUp });
  return {
    log,
    stored: (until) => numberedLog(own, until),
    checkMirror: (found, until) => checkMirror(log, mirror, found, until),
  };
};
