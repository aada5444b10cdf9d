import * as E from 'fp-ts/Either';
import { openFileBlobStore } from '../../adapters/files/blobStore';
import { copyBehind, present, type Present } from '../../ledger/copy';
import type { EventLog } from '../../ports/eventLog';
import { jsonFlag, progressFlags, type Command, type Context } from '../command';
import { openFileLog, type Access } from '../compose';
import type { ExitName } from '../exitCodes';
import { must, stop, usage } from '../faults';
import { typed } from '../lazy';
import { ledgerPlace, type LedgerPlace } from '../ledgerPlace';
import { namedBlobs } from '../namedBlobs';

type ServerModule = typeof import('../serverLedger');

/** The store's own log: a copy needs no mirror. */
const openStore = async (place: LedgerPlace, context: Context, access: Access): Promise<EventLog> => {
  if (place.kind === 'file') return openFileLog(place.path, context, access);
  const { openServerLog, isEmptyLog } = typed<ServerModule>(require('../serverLedger'));
  const log = await openServerLog(place);
  if (access !== 'read' || !(await isEmptyLog(log))) return log;
  await log.close();
  return stop({ tag: 'NoLedger', path: place.shown });
};

/** A file takes so many appends in one transaction, in order; a server gets the next one when it has answered. */
const appendsTogether = 256;

interface BlobsCopied {
  readonly named: number;
  readonly copied: number;
  readonly present: number;
  readonly missing: readonly string[];
}

/** Copies the blobs that the source's events name; those it lacks itself are counted. */
const copyBlobs = async (log: EventLog, from: LedgerPlace, to: LedgerPlace, context: Context): Promise<BlobsCopied> => {
  const [source, target] = [from, to].map(({ blobs }) => openFileBlobStore({ folder: blobs }));
  if (source === undefined || target === undefined) throw new Error('a copy has two sides');
  const named = await namedBlobs(log);
  const missing: string[] = [];
  let copied = 0;
  let there = 0;
  for (const digest of named) {
    if (context.signal.aborted) stop({ tag: 'Cancelled', done: copied + there, total: named.size });
    if (await target.has(digest)) there += 1;
    else {
      const bytes = await source.get(digest)();
      if (E.isLeft(bytes) && bytes.left.tag === 'BlobMissing') missing.push(digest);
      else {
        must(await target.put(must(bytes))());
        copied += 1;
      }
    }
    const done = copied + there + missing.length;
    context.progress.report({ phase: 'blobs', done, total: named.size, unit: 'blobs', detail: '' });
  }
  return { named: named.size, copied, present: there, missing };
};

/** Opens both, and closes both whatever happens. */
const withBoth = async <T>(
  from: LedgerPlace,
  to: LedgerPlace,
  context: Context,
  use: (source: EventLog, target: EventLog) => Promise<T>,
): Promise<T> => {
  const source = await openStore(from, context, 'read');
  try {
    const target = await openStore(to, context, 'create');
    let result: T;
    try {
      result = await use(source, target);
    } catch (failure) {
      await target.close().catch(() => undefined);
      throw failure;
    }
    await target.close();
    return result;
  } finally {
    await source.close();
  }
};

const sameStore = (from: LedgerPlace, to: LedgerPlace): boolean => from.shown === to.shown;

export const copy: Command = {
  name: 'copy',
  summary: 'Copy a ledger to another store, and prove that the Merkle roots agree',
  json: 'object',
  details: [
    'From a file or a KurrentDB server to another, in the global order, each append awaited (a file takes many in one',
    'transaction). Running it again goes on where it was stopped or killed: what the target has is checked, not sent again;',
    'a target that holds anything else is refused. Ids, data, meta, revisions and what was observed are kept, and so every',
    'leaf, seal and root; recordedAt is the time at which the target stored it. At the end the target is read back, and its',
    "root held against the source's. Blobs that events name are copied first; one that the source lacks ends with the exit",
    'code of a missing blob.',
    'JSON: {from: {ledger, size, root}, to: {ledger, size, root}, present, appended, blobs}; blobs is null with --no-blobs,',
    'else {named, copied, present, missing}.',
  ].join('\n'),
  arguments: [
    { name: '<from>', description: 'the ledger: a file, or kurrentdb://host:2113?tls=false' },
    { name: '<to>', description: 'where to: the same; made where there is none' },
  ],
  flags: [
    { flags: '--no-blobs', description: 'copy the events only' },
    {
      flags: '--from-blobs <folder>',
      description: 'blobs of <from> (default: <file>.blobs, or ./<host>-<port>.blobs)',
    },
    { flags: '--to-blobs <folder>', description: 'blobs of <to> (default: the same of <to>)' },
    jsonFlag,
    ...progressFlags,
  ],
  examples: [
    "tripost copy demo/ledger.db 'kurrentdb://localhost:2113?tls=false'",
    "tripost copy 'kurrentdb://localhost:2113?tls=false&ledger=team-a' back.db --json",
    'tripost copy old.db new.db --no-blobs',
  ],
  run: (args, context) => {
    const from = ledgerPlace(args.at(0), args.text('fromBlobs'));
    const to = ledgerPlace(args.at(1), args.text('toBlobs'));
    if (sameStore(from, to)) usage(`<from> and <to> are the same ledger: ${from.shown}`);
    return withBoth<ExitName>(from, to, context, async (source, target) => {
      const start: Present = must(await present(source, target));
      const wantsBlobs = args.allows('blobs') && from.blobs !== to.blobs;
      const blobs = wantsBlobs ? await copyBlobs(source, from, to, context) : null;
      const onProgress = (done: number, total: number): void =>
        context.progress.report({ phase: 'copy', done, total, unit: 'events', detail: '' });
      const together = to.kind === 'file' ? appendsTogether : 1;
      const done = must(await copyBehind(source, target, start, { signal: context.signal, onProgress, together }));
      if ('stoppedAt' in done) {
        return stop({ tag: 'Cancelled', done: done.stoppedAt, total: start.size + start.missing });
      }
      context.progress.end();
      const sides = {
        from: { ledger: from.shown, ...done.from },
        to: { ledger: to.shown, ...done.to },
      };
      if (context.json) {
        await context.out.json({ ...sides, present: done.present, appended: done.appended, blobs });
      } else {
        const { bold } = context.out.colors;
        await context.out.line(`${done.appended} events copied, ${done.present} there already`);
        await context.out.line(`source ${bold(done.from.root)} over ${done.from.size} events: ${from.shown}`);
        await context.out.line(`target ${bold(done.to.root)} over ${done.to.size} events: ${to.shown}`);
        if (blobs !== null) {
          await context.out.line(`${blobs.copied} blobs copied, ${blobs.present} there already`);
          for (const digest of blobs.missing) await context.out.line(`  missing ${digest}`);
        }
      }
      return blobs !== null && blobs.missing.length > 0 ? 'blob' : 'ok';
    });
  },
};
