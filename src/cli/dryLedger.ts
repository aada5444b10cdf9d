import * as TE from 'fp-ts/TaskEither';
import { positionOf } from '../../events/envelope';
import { memoryBlobStore } from '../adapters/memory/blobStore';
import { openMemoryLog } from '../adapters/memory/eventLog';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import type { StateStore } from '../ports/stateStore';
import type { Args } from './args';
import type { Context } from './command';
import { placeOf, withLedgerIfAny, type Ledger } from './compose';

/** A log that can be read, and takes appends without keeping them. */
const forgetting = (log: EventLog): EventLog => ({
  append: (stream, expected, events) => {
    const revision = (expected === 'noStream' ? -1 : expected) + events.length;
    return TE.right({ stream, revision, position: positionOf(1), duplicate: false });
  },
  readStream: (...asked) => log.readStream(...asked),
  readAll: (...asked) => log.readAll(...asked),
  readPages: (...asked) => log.readPages(...asked),
  readAt: (positions) => log.readAt(positions),
  follow: (...asked) => log.follow(...asked),
  head: () => log.head(),
  streamHead: (stream) => log.streamHead(stream),
  readEvent: (id) => log.readEvent(id),
  comparePositions: (a, b) => log.comparePositions(a, b),
  close: () => log.close(),
});

/** Blobs over those of a store, which gets none of them. */
const apart = (blobs: BlobStore): BlobStore => {
  const own = memoryBlobStore();
  return {
    put: (bytes) => own.put(bytes),
    putPieces: (pieces) => own.putPieces(pieces),
    putStream: (pieces) => own.putStream(pieces),
    remove: (digest) => own.remove(digest),
    get: (digest) => async () => ((await own.has(digest)) ? own.get(digest)() : blobs.get(digest)()),
    has: async (digest) => (await own.has(digest)) || blobs.has(digest),
    size: async (digest) => (await own.size(digest)) ?? blobs.size(digest),
    list: () => blobs.list(),
  };
};

/** Nothing is saved, nothing found. */
const noStates: StateStore = { load: async () => undefined, save: async () => undefined };

/** A ledger to plan on: what is there can be read, what is written is forgotten. Where there is none, an empty one. */
export const withDryLedger = async (
  args: Args,
  context: Context,
  use: (ledger: Ledger) => Promise<void>,
): Promise<void> => {
  let used = false;
  await withLedgerIfAny(args, context, async (ledger) => {
    used = true;
    const states = { ...noStates, load: (name: string) => ledger.states.load(name) };
    await use({ ...ledger, log: forgetting(ledger.log), blobs: apart(ledger.blobs), states });
  });
  if (used) return;
  const log = openMemoryLog({ now: () => '' });
  const nothing = { ok: true, checks: [] };
  await use({
    path: placeOf(args).shown,
    log,
    blobs: memoryBlobStore(),
    states: noStates,
    stored: () => {
      throw new Error('there is no ledger to verify');
    },
    checkStorage: async () => nothing,
  });
};
