import type { Digest } from '../../events/digest';
import type { LedgerRoot } from '../ledger/seal';
import type { SignatureReport } from '../ledger/signatures';
import type { Verification } from '../ledger/verify';
import type { Output } from './output';

/** One finding about what lies around the events: SQLite's own (src/adapters/sqlite/checkStorage), or about a mirror. */
export interface StorageCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
}

export interface StorageReport {
  readonly ok: boolean;
  readonly checks: readonly StorageCheck[];
}

export interface BlobCheck {
  readonly checked: number;
  readonly missing: readonly Digest[];
  readonly damaged: readonly Digest[];
}

/** Everything that `verify` found out. */
export interface Verified {
  readonly path: string;
  readonly found: Verification;
  readonly storage: StorageReport;
  readonly sealed: LedgerRoot | null;
  /** Null: not asked for. */
  readonly blobs: BlobCheck | null;
  /** The older root that was asked about; null: none was. */
  readonly since: LedgerRoot | null;
  /** Null: no key was given. */
  readonly signatures: SignatureReport | null;
}

const damageLines = ({ found, storage, path }: Verified): readonly string[] => {
  const { firstDamaged, lastGood } = found;
  const restore = `Restore ${path} from a copy; nothing here repairs history.`;
  if (firstDamaged === null) {
    if (storage.ok) return [];
    return [
      'No event is damaged: what changed lies outside of them (an index, free space, the file as a whole).',
      restore,
    ];
  }
  const { position, stream, revision, id, type, check, expected, got } = firstDamaged;
  const named = [type, id, stream && `in stream ${stream}`, revision === null ? null : `at revision ${revision}`];
  return [
    [`First damaged event: position ${position}`, ...named].filter((part) => part !== null && part !== '').join(' '),
    `  check:    ${check}`,
    `  expected: ${expected}`,
    `  got:      ${got}`,
    `${found.damaged} ${found.damaged === 1 ? 'finding' : 'findings'} in all.`,
    ...(lastGood === null
      ? []
      : [`Up to position ${lastGood.position} everything is whole: --at ${lastGood.position} reads that part.`]),
    restore,
  ];
};

const sinceLines = ({ since, found }: Verified): readonly string[] => {
  if (since === null || !found.ok) return [];
  const { size, root } = since;
  return [`  since  ${root}: the first ${size} events are the ones under it; ${found.events - size} came later`];
};

const signatureLines = (report: SignatureReport | null): readonly string[] => {
  if (report === null) return [];
  const { key, good, unsigned, otherKey, bad, newest } = report;
  const counts = `${good} good, ${bad.length} bad, ${otherKey} by other keys, ${unsigned} seals unsigned`;
  return [
    `  ${report.ok ? 'signed' : 'NOT signed'} by key ${key}: ${counts}`,
    ...(newest === null ? [] : [`    the newest one is over the first ${newest.size} events, root ${newest.root}`]),
    ...bad.map(({ id, size }) => `    bad signature on seal ${id} over ${size} events`),
  ];
};

/** What `verify` prints for people. */
export const verificationLines = (verified: Verified, colors: Output['colors']): readonly string[] => {
  const { found, storage, sealed, blobs, path, signatures } = verified;
  const { green, red } = colors;
  const isSigned = signatures === null || signatures.ok;
  const whole =
    found.ok && storage.ok && isSigned && (blobs === null || blobs.missing.length + blobs.damaged.length === 0);
  return [
    `${whole ? green('whole') : red('NOT whole')}: ${path}`,
    `  ${found.events} events in ${found.streams} streams, ${found.seals} seals that hold`,
    `  root   ${found.root ?? 'unknown: not every event could be read'}`,
    ...(sealed === null ? [] : [`  sealed ${sealed.root} over the first ${sealed.size} events`]),
    ...sinceLines(verified),
    ...signatureLines(signatures),
    ...storage.checks.map(({ ok, name, message }) => `  ${ok ? green('ok ') : red('BAD')} ${name}: ${message}`),
    ...(blobs === null
      ? []
      : [
          `  ${blobs.checked} blobs named, ${blobs.missing.length} missing, ${blobs.damaged.length} with other bytes`,
          ...blobs.missing.map((digest) => `    missing ${digest}`),
          ...blobs.damaged.map((digest) => `    damaged ${digest}`),
        ]),
    ...damageLines(verified),
  ];
};
