import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { sha256 } from '../../events/digest';
import { writeSignature, type PublicKey } from '../ledger/signatures';
import { stop } from './faults';
import { readText } from './inputFile';

/** What a PEM file says that it holds, for messages; never what it holds. */
const labelOf = (pem: string): string => {
  const [, label] = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem) ?? [];
  return label === undefined ? 'a file that is no PEM' : `a PEM file with ${label}`;
};

const load = (path: string, expected: string, make: (pem: string) => KeyObject): KeyObject => {
  const pem = readText(path);
  const refuse = (got: string): never => stop({ tag: 'KeyUnreadable', path, expected, got });
  const isPrivate = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem);
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----/.test(pem)) return refuse('an encrypted private key');
  if (isPrivate !== expected.includes('private')) return refuse(labelOf(pem));
  let key: KeyObject;
  try {
    key = make(pem);
  } catch {
    return refuse(labelOf(pem));
  }
  return key.asymmetricKeyType === 'ed25519' ? key : refuse(`a key of type ${key.asymmetricKeyType ?? key.type}`);
};

const idOf = (key: KeyObject): string => sha256(key.export({ type: 'spki', format: 'der' })).slice(0, 16);

/** Signs with the Ed25519 private key of a PEM file (PKCS #8); the key is in memory only. */
export const signerOf = (path: string): ((message: string) => string) => {
  const key = load(path, 'an unencrypted Ed25519 private key in PEM', (pem) => createPrivateKey(pem));
  const id = idOf(createPublicKey(key));
  return (message) => writeSignature({ key: id, bytes: sign(null, Buffer.from(message), key) });
};

/** Checks with the Ed25519 public key of a PEM file (SubjectPublicKeyInfo). */
export const publicKeyOf = (path: string): PublicKey => {
  const key = load(path, 'an Ed25519 public key in PEM', (pem) => createPublicKey(pem));
  return { id: idOf(key), verify: (message, signature) => verify(null, Buffer.from(message), key, signature) };
};
