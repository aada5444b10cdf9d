import type { DecodeError } from '../../../events/index';
import type { BlobError } from '../../ports/blobStore';
import type { AppendError } from '../../ports/eventLog';
import type { CopyError } from '../../ledger/copy';
import type { CliFault } from '../faults';
import { because, ledgerOption, some, type Explained, type Table, type Where } from './explained';

const again = 'Run the same command again: what is on the ledger is used, not made again.';

const undecodable = (error: DecodeError, where: Where): Explained =>
  because(
    'damaged',
    `Event ${error.eventId} in stream ${error.stream} at revision ${error.revision} does not decode as ${error.type}@${error.version}:`,
    ...some(error.details).map((detail) => `  ${detail}`),
    error.tag === 'BadData'
      ? `Nothing was changed. \`tripost verify${ledgerOption(where)}\` checks every event and names the first damaged one.`
      : 'Nothing was changed. The event was written by another version of tripost: read it with that version, or upgrade.',
  );

export type StoreTag =
  | AppendError['tag']
  | BlobError['tag']
  | DecodeError['tag']
  | CopyError['tag']
  | Extract<CliFault['tag'], 'NoLedger' | 'MirrorDiffers'>;

/** Messages of the ledger and of the blob store. */
/** A blob that came in pieces has no name before it is whole. */
const blobOf = (digest: string): string => (digest === '' ? 'a blob that was being written' : `blob ${digest}`);

export const storeTable: Table<StoreTag> = {
  Locked: ({ where, holder }) =>
    where.endsWith('.collecting')
      ? because(
          'locked',
          'Another process is collecting into this ledger.',
          `  lock:   ${where}`,
          `  holder: ${holder}`,
          'Nothing was changed, and no call was made twice. Wait for it to end, or let all of them share the work: `tripost collect --share`.',
        )
      : because(
          'locked',
          'Another process keeps this ledger from being written.',
          `  lock:   ${where}`,
          `  holder: ${holder}`,
          'Nothing was changed. Wait for it to end, or use another --ledger. Reading commands work meanwhile.',
        ),
  NotALedger: ({ where, message }) =>
    because(
      'noLedger',
      `Not a tripost ledger: ${where}`,
      `  ${message}`,
      'Nothing was changed. Name the ledger with --ledger; a name that does not exist yet starts a new one.',
    ),
  Damaged: ({ where, message }, at) =>
    because(
      'damaged',
      `The ledger is damaged: ${where}`,
      `  ${message}`,
      at.command === 'verify'
        ? 'So far gone that no event can be named. Restore the file from a copy; nothing was changed.'
        : `Nothing was changed. \`tripost verify${ledgerOption(at)}\` names the first damaged event; restore the file from a copy.`,
    ),
  NoSpace: ({ where, message }) =>
    because(
      'space',
      `No space left for the ledger: ${where}`,
      `  ${message}`,
      'The batch that did not fit was not stored; everything before it is whole. Free some space.',
      again,
    ),
  Unavailable: ({ where, message }) =>
    because(
      'storage',
      `Cannot use ${where}`,
      `  ${message}`,
      'Everything appended before is there. Whether the last append is may be unknown: repeating it is safe, it is stored once.',
      `Check the path or the address, and who may use it. ${again}`,
    ),
  WrongExpectedRevision: ({ stream, expected, actual }) =>
    because(
      'conflict',
      `Another writer appended to stream ${stream} in the meantime.`,
      `  expected revision ${expected}, got ${actual}`,
      `Nothing was stored twice and nothing was lost. ${again}`,
    ),
  IdConflict: ({ stream, id, storedIn, revision }, at) =>
    because(
      'conflict',
      `Event ${id} for stream ${stream} is on the ledger already, with other content.`,
      `  stored in stream ${storedIn} at revision ${revision}`,
      'The same step gave another result than before: other code, another machine class, or an edited ledger. Nothing was appended.',
      `\`tripost verify${ledgerOption(at)}\` tells an edited ledger; otherwise use a new --ledger for this code.`,
    ),
  PartialDuplicate: ({ stream, stored, given }, at) =>
    because(
      'conflict',
      `Stream ${stream} holds ${stored} of the ${given} events of a batch that is stored whole or not at all.`,
      `Nothing was appended. \`tripost verify${ledgerOption(at)}\` checks the ledger; otherwise use a new --ledger.`,
    ),
  NotJson: ({ stream, id, message }) =>
    because(
      'unexpected',
      `Event ${id} for stream ${stream} has no canonical JSON form: ${message}`,
      'Nothing was appended. This is a fault in tripost: please report it with the command and the config.',
    ),
  KeyInText: ({ where, what }) =>
    because(
      'refused',
      `A text that would have been kept holds an access key: ${what}`,
      `  in ${where}`,
      'It was not stored, and the key is not repeated here. If it is real, revoke it: it has been in a text.',
      'Take it out of the prompt, the problem or the config that it came from, then run again.',
    ),
  BlobMissing: ({ digest, where }) =>
    because(
      'blob',
      `A blob is missing: ${digest}`,
      `  looked for in ${where}`,
      'The ledger names it, so it was there. Copy the .blobs folder that belongs to this ledger beside it; a dataset comes back by deriving it again.',
    ),
  BlobDamaged: ({ digest, got, where }) =>
    because(
      'blob',
      `A blob has other bytes than its name says: ${where}`,
      `  expected SHA-256 ${digest}`,
      `  got      SHA-256 ${got}`,
      'It is not used. Restore that file from a copy; deriving a dataset or importing a checkpoint again also writes it anew.',
    ),
  BlobNoSpace: ({ digest, where, message }) =>
    because(
      'space',
      `No space left for ${blobOf(digest)}: ${where}`,
      `  ${message}`,
      'Half-written blobs were removed; the ledger is whole. Free some space.',
      again,
    ),
  BlobUnavailable: ({ digest, where, message }) =>
    because(
      'storage',
      `Cannot read or write ${blobOf(digest)}: ${where}`,
      `  ${message}`,
      `Check who may use that folder. ${again}`,
    ),
  NoLedger: ({ path }) =>
    because(
      'noLedger',
      `There is no ledger at ${path}`,
      'Name it with --ledger. `tripost run` and `tripost import` start one; `tripost init` writes a config to run.',
    ),
  MirrorDiffers: ({ mirror, ledger, id, position }) =>
    because(
      'mismatch',
      `The local mirror is not of the ledger that ${ledger} holds now.`,
      `  mirror: ${mirror}`,
      `  its last event, ${id} at position ${position}, is not on the server in that place`,
      'Was the database made anew, or restored from an older copy? Then delete the mirror: it is made again.',
      'If it was not, history was changed on the server, and the mirror is the evidence: keep it.',
    ),
  CopyDiffers: ({ position, expected, got }) =>
    because(
      'conflict',
      'The target holds something else than a beginning of the source.',
      `  event ${position} of the source: ${expected}`,
      `  event ${position} of the target: ${got}`,
      'Nothing was copied. Name a new target, or the ledger that was copied from before.',
    ),
  RootsDiffer: ({ from, to }) =>
    because(
      'mismatch',
      'The copy is not the source.',
      `  source: root ${from.root} over ${from.size} events`,
      `  target: root ${to.root} over ${to.size} events`,
      'Did somebody else append to the target meanwhile? Copy to a new target; the source was not changed.',
    ),
  UnknownType: undecodable,
  UnknownVersion: undecodable,
  BadData: undecodable,
};
