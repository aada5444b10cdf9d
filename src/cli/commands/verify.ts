import * as E from 'fp-ts/Either';
import type { Digest } from '../../../events/digest';
import { decodeEvent } from '../../../events/index';
import { verify as verifyLedger } from '../../ledger/verify';
import type { LedgerRoot } from '../../ledger/seal';
import { checkSignature, checkSignatures, type PublicKey, type SignatureReport } from '../../ledger/signatures';
import { LogReadError, type EventLog } from '../../ports/eventLog';
import { logAt, untilOf } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command, type Context } from '../command';
import { withLedger, type Ledger } from '../compose';
import type { ExitName } from '../exitCodes';
import { stop } from '../faults';
import { readText } from '../inputFile';
import { publicKeyOf } from '../keys';
import { namedBlobs } from '../namedBlobs';
import { parseRoot } from '../proofFiles';
import { verificationLines, type BlobCheck, type Verified } from '../verificationLines';

const checkBlobs = async (log: EventLog, { log: whole, blobs }: Ledger, context: Context): Promise<BlobCheck> => {
  const missing: Digest[] = [];
  const damaged: Digest[] = [];
  const named = await namedBlobs(log, whole);
  let done = 0;
  for (const digest of named) {
    if (context.signal.aborted) stop({ tag: 'Stopped', what: `${done} of ${named.size} blobs checked` });
    const got = await blobs.get(digest)();
    if (E.isLeft(got)) (got.left.tag === 'BlobMissing' ? missing : damaged).push(digest);
    context.progress.report({ phase: 'blobs', done: ++done, total: named.size, unit: 'blobs', detail: '' });
  }
  return { checked: named.size, missing, damaged };
};

const isRoot = (value: unknown): value is LedgerRoot =>
  typeof value === 'object' &&
  value !== null &&
  'size' in value &&
  typeof value.size === 'number' &&
  'root' in value &&
  typeof value.root === 'string';

/** Seals kept elsewhere: an object {size, root}, or a list of them. */
const readPublished = (path: string): readonly LedgerRoot[] => {
  let value: unknown;
  try {
    value = JSON.parse(readText(path));
  } catch (failure) {
    if (!(failure instanceof SyntaxError)) throw failure;
    return stop({ tag: 'InputUnreadable', path, message: `not JSON: ${failure.message}` });
  }
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every(isRoot))
    return stop({ tag: 'InputUnreadable', path, message: 'expected {"size": ..., "root": "..."}, or a list of such' });
  return list;
};

/** The newest seal that can be read: what a run printed as its root. */
const lastSeal = async (log: EventLog): Promise<LedgerRoot | null> => {
  let last: LedgerRoot | null = null;
  try {
    for await (const recorded of log.readStream('seals')) {
      const event = decodeEvent(recorded);
      if (E.isRight(event) && event.right.type === 'LedgerSealed')
        last = { size: event.right.data.size, root: event.right.data.root };
    }
  } catch (failure) {
    // The pass over the events names what cannot be read.
    if (!(failure instanceof LogReadError)) throw failure;
  }
  return last;
};

/** Signatures of the ledger's seals; null where a damaged ledger does not even give those. */
const signaturesOf = async (log: EventLog, key: PublicKey): Promise<SignatureReport | null> => {
  try {
    return await checkSignatures(log, key);
  } catch (failure) {
    // The pass over the events names what cannot be read.
    if (!(failure instanceof LogReadError)) throw failure;
    return null;
  }
};

/** A published seal that says it is signed must be signed by the key. */
const checkPublished = (
  path: string,
  seals: readonly (LedgerRoot & { readonly signature?: unknown })[],
  key: PublicKey,
): void => {
  for (const seal of seals) {
    if (typeof seal.signature !== 'string') continue;
    const found = checkSignature(seal, seal.signature, key);
    if (found !== 'good')
      stop({ tag: 'SignatureDiffers', where: `${path}, the seal over ${seal.size} events`, key: key.id, got: found });
  }
};

const exitOf = ({ found, storage, blobs, signatures }: Verified): ExitName => {
  if (!found.ok || !storage.ok || signatures?.ok === false) return 'mismatch';
  return blobs !== null && blobs.missing.length + blobs.damaged.length > 0 ? 'blob' : 'ok';
};

export const verify: Command = {
  name: 'verify',
  summary: 'Check every event, hash, seal and the file itself; name the first damaged event',
  json: 'object',
  failure: { events: 0, root: null, firstDamaged: null },
  details: [
    'JSON: {ok, events, root, firstDamaged, damaged, lastGood, streams, seals, sealed, storage: {ok, checks}, blobs}.',
    'firstDamaged: null, or {position, stream, revision, id, type, check, expected, got}.',
    'On a KurrentDB server the server itself is read, not its mirror; storage says whether the mirror holds the same.',
    'sealed: {size, root} of the newest seal, or null. blobs: null without --blobs, else {checked, missing, damaged}.',
    'since: {size, root} of --since, or null. signatures: null without --public-key, else {ok, key, good, unsigned, otherKey,',
    'bad: [{id, size, root}], newest: {size, root} or null}.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '--blobs', description: 'also check that every blob the events name is there, with its bytes' },
    {
      flags: '--published <file>',
      description: 'JSON {size, root}, or a list: seals kept elsewhere that must still hold',
    },
    {
      flags: '--since <root>',
      description: 'an older root, <size>:<root> or that of a seal: nothing before it may have changed',
    },
    { flags: '--public-key <file>', description: 'check the signatures of the seals with this Ed25519 key (PEM)' },
    atFlag,
    jsonFlag,
    { flags: '-q, --quiet', description: 'nothing on stderr but errors' },
    { flags: '--no-progress', description: 'no progress lines on stderr' },
  ],
  examples: [
    'tripost verify --ledger ledger.db',
    'tripost verify --blobs --json',
    'tripost verify --published seals.json --public-key key.pub',
    'tripost verify --since 971e694d59cd1019ef4fcfe49d36a856bbda5d959e96fb273823be043216d40c',
  ],
  run: async (args, context) => {
    const file = args.text('published');
    const published = file === undefined ? [] : readPublished(file);
    const keyFile = args.text('publicKey');
    const key = keyFile === undefined ? undefined : publicKeyOf(keyFile);
    if (key !== undefined && file !== undefined) checkPublished(file, published, key);
    return withLedger(args, context, 'read', async (ledger) => {
      const until = await untilOf(ledger.log, args, context);
      const log = until === undefined ? ledger.log : logAt(ledger.log, until);
      const older = args.text('since');
      const since = older === undefined ? null : await parseRoot(log, '--since', older);
      const found = await verifyLedger(ledger.stored(until), {
        published: since === null ? published : [...published, since],
      });
      const storage = await ledger.checkStorage(found, until);
      const sealed = await lastSeal(log);
      const signatures = key === undefined ? null : await signaturesOf(log, key);
      const blobs = args.has('blobs') ? await checkBlobs(log, ledger, context) : null;
      context.progress.end();
      const verified: Verified = { path: ledger.path, found, storage, sealed, blobs, since, signatures };
      const exit = exitOf(verified);
      if (context.json)
        await context.out.json({ ...found, ok: exit === 'ok', storage, sealed, blobs, since, signatures });
      else for (const line of verificationLines(verified, context.out.colors)) await context.out.line(line);
      return exit;
    });
  },
};
