import * as E from 'fp-ts/Either';
import type { Digest } from '../../../events/digest';
import { decodeEvent } from '../../../events/index';
import { verify as verifyLedger, type Verification } from '../../ledger/verify';
import type { LedgerRoot } from '../../ledger/seal';
import type { EventLog } from '../../ports/eventLog';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command, type Context } from '../command';
import { withLedger, type Ledger } from '../compose';
import type { ExitName } from '../exitCodes';
import { stop } from '../faults';
import { readText } from '../inputFile';

interface BlobCheck {
  readonly checked: number;
  readonly missing: readonly Digest[];
  readonly damaged: readonly Digest[];
}

/** Digests of the blobs that the events name. */
const namedBlobs = async (log: EventLog): Promise<ReadonlySet<Digest>> => {
  const named = new Set<Digest>();
  for await (const recorded of log.readAll({ filter: { types: ['DatasetDerived', 'CheckpointWritten'] } })) {
    const event = decodeEvent(recorded);
    if (E.isLeft(event)) continue;
    if (event.right.type === 'DatasetDerived') {
      const { dataset, decisions, manifest } = event.right.data;
      for (const digest of [dataset, decisions, manifest]) named.add(digest);
    }
    if (event.right.type === 'CheckpointWritten')
      for (const digest of Object.values(event.right.data.files)) named.add(digest);
  }
  return named;
};

const checkBlobs = async (log: EventLog, { blobs }: Ledger, context: Context): Promise<BlobCheck> => {
  const missing: Digest[] = [];
  const damaged: Digest[] = [];
  const named = await namedBlobs(log);
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

const explainVerification = (found: Verification, ledger: string): readonly string[] => {
  const { firstDamaged, lastGood } = found;
  if (firstDamaged === null) return [];
  const { position, stream, revision, id, type, check, expected, got } = firstDamaged;
  const named = [
    type,
    id,
    stream === null ? null : `in stream ${stream}`,
    revision === null ? null : `at revision ${revision}`,
  ];
  const lines = [
    `First damaged event: position ${position}${named.some((part) => part !== null) ? `, ${named.filter((part) => part !== null).join(' ')}` : ''}`,
    `  check: ${check}`,
    `  expected ${expected}`,
    `  got      ${got}`,
    `${found.damaged} ${found.damaged === 1 ? 'finding' : 'findings'} in all.`,
  ];
  if (lastGood !== null)
    lines.push(`Everything up to position ${lastGood.position} is whole: --at ${lastGood.position} reads that part.`);
  lines.push(`Restore ${ledger} from a copy; nothing here repairs history.`);
  return lines;
};

const verdictOf = (ledger: boolean, storage: boolean, blobs: BlobCheck | undefined): ExitName => {
  if (!ledger || !storage) return 'mismatch';
  return blobs !== undefined && blobs.missing.length + blobs.damaged.length > 0 ? 'blob' : 'ok';
};

export const verify: Command = {
  name: 'verify',
  summary: 'Check every event, hash, seal and the file itself; name the first damaged event',
  json: 'object',
  details: [
    'JSON: {ok, events, root, firstDamaged, damaged, lastGood, streams, seals, storage: {ok, checks}, blobs}.',
    'firstDamaged: null, or {position, stream, revision, id, type, check, expected, got}.',
    'blobs: null without --blobs, else {checked, missing, damaged}.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '--blobs', description: 'also check that every blob the events name is there, with its bytes' },
    {
      flags: '--published <file>',
      description: 'JSON {size, root}, or a list: seals kept elsewhere that must still hold',
    },
    atFlag,
    jsonFlag,
    { flags: '-q, --quiet', description: 'nothing on stderr but errors' },
    { flags: '--no-progress', description: 'no progress lines on stderr' },
  ],
  examples: [
    'tripost verify --ledger ledger.db',
    'tripost verify --blobs --json',
    'tripost verify --published seals.json',
  ],
  run: async (args, context) => {
    const published = args.text('published');
    const options = published === undefined ? {} : { published: readPublished(published) };
    return withLedger(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const found = await verifyLedger(log, options);
      const storage = await ledger.log.checkStorage();
      const blobs = args.has('blobs') ? await checkBlobs(log, ledger, context) : undefined;
      context.progress.end();
      const exit = verdictOf(found.ok, storage.ok, blobs);
      if (context.json) {
        await context.out.json({ ...found, ok: exit === 'ok', storage, blobs: blobs ?? null });
        return exit;
      }
      const { out } = context;
      const { green, red } = out.colors;
      await out.line(`${exit === 'ok' ? green('whole') : red('NOT whole')}: ${ledger.path}`);
      await out.line(`  ${found.events} events in ${found.streams} streams, ${found.seals} seals that hold`);
      await out.line(`  root ${found.root ?? 'unknown: not every event could be read'}`);
      for (const { ok, name, message } of storage.checks)
        await out.line(`  ${ok ? green('ok ') : red('BAD')} ${name}: ${message}`);
      if (blobs !== undefined) {
        const { checked, missing, damaged } = blobs;
        await out.line(`  ${checked} blobs named, ${missing.length} missing, ${damaged.length} with other bytes`);
        for (const digest of missing) await out.line(`    missing ${digest}`);
        for (const digest of damaged) await out.line(`    damaged ${digest}`);
      }
      for (const line of explainVerification(found, ledger.path)) await out.line(line);
      return exit;
    });
  },
};
