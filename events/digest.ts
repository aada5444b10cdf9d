import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** Any value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Lower-case hex SHA-256, 64 characters. */
export type Digest = string;

/**
 * Canonical JSON text (RFC 8785): keys sorted by UTF-16 code units, ECMAScript number text, no white space.
 * Throws on what JSON cannot hold faithfully: a non-finite number, a lone surrogate, undefined, a bigint.
 */
export const canonicalJson = (value: unknown): string => {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('canonicalJson: the value has no JSON form (undefined or a function)');
  return text;
};

/** SHA-256 of bytes, or of a string's UTF-8 bytes. */
export const sha256 = (data: string | Uint8Array): Digest => createHash('sha256').update(data).digest('hex');

/** SHA-256 over the canonical JSON of a value. */
export const digestOf = (value: unknown): Digest => sha256(canonicalJson(value));

/**
 * A UUID (RFC 9562 version 8) that depends on nothing but the identity it is given:
 * writing the same thing twice yields the same id, which is what makes append idempotent and resume exact.
 */
export const contentId = (identity: unknown): string => {
  const hex = digestOf(identity);
  const variant = ((parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
