import type { Digest } from '../../events/digest';
import type { EventLog } from '../ports/eventLog';
import { sealMessage, sealsOf, type LedgerRoot } from './seal';

/** A signature as a seal carries it: `ed25519:<key>:<base64 of 64 bytes>`. */
export interface Signature {
  /** The first 16 hex digits of the SHA-256 of the public key in its DER form (SubjectPublicKeyInfo). */
  readonly key: string;
  readonly bytes: Uint8Array;
}

const form = /^ed25519:([0-9a-f]{16}):([A-Za-z0-9+/]{86}==)$/;

export const writeSignature = ({ key, bytes }: Signature): string =>
  `ed25519:${key}:${Buffer.from(bytes).toString('base64')}`;

/** Undefined: it is in no form that is known. */
export const readSignature = (text: string): Signature | undefined => {
  const [, key, base64] = form.exec(text) ?? [];
  return key === undefined || base64 === undefined ? undefined : { key, bytes: Buffer.from(base64, 'base64') };
};

/** A public key that can check signatures. */
export interface PublicKey {
  readonly id: string;
  readonly verify: (message: string, signature: Uint8Array) => boolean;
}

export type SignatureFound = 'good' | 'bad' | 'unsigned' | 'other key';

/** What a key says to a seal's signature; one that another key made, or says it made, is not this key's to judge. */
export const checkSignature = (seal: LedgerRoot, signature: string | null, key: PublicKey): SignatureFound => {
  if (signature === null) return 'unsigned';
  const read = readSignature(signature);
  if (read === undefined) return 'bad';
  if (read.key !== key.id) return 'other key';
  return key.verify(sealMessage(seal), read.bytes) ? 'good' : 'bad';
};

export interface SignatureReport {
  readonly ok: boolean;
  readonly key: string;
  readonly good: number;
  readonly unsigned: number;
  readonly otherKey: number;
  /** Seals whose signature does not hold. */
  readonly bad: readonly { readonly id: string; readonly size: number; readonly root: Digest }[];
  /** The newest seal that this key has signed. */
  readonly newest: LedgerRoot | null;
}

/** Holds the signatures of all seals against a key. Not ok where one does not hold, or where the key has signed none. */
export const checkSignatures = async (log: EventLog, key: PublicKey): Promise<SignatureReport> => {
  const found = { good: 0, bad: 0, unsigned: 0, 'other key': 0 };
  const bad: { readonly id: string; readonly size: number; readonly root: Digest }[] = [];
  let newest: LedgerRoot | null = null;
  for (const { id, size, root, signature } of await sealsOf(log)) {
    const is = checkSignature({ size, root }, signature, key);
    found[is] += 1;
    if (is === 'bad') bad.push({ id, size, root });
    if (is === 'good') newest = { size, root };
  }
  const { good, unsigned, 'other key': otherKey } = found;
  return { ok: bad.length === 0 && good > 0, key: key.id, good, unsigned, otherKey, bad, newest };
};
