/// <reference lib="es2024.string" />
import { hash } from 'node:crypto';

/** Any value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Lower-case hex SHA-256, 64 characters. */
export type Digest = string;

const quoted = (text: string): string => {
  if (!text.isWellFormed()) throw new TypeError('canonicalJson: a string holds a lone surrogate, which is not Unicode');
  return JSON.stringify(text);
};

/**
 * Canonical JSON text (RFC 8785): keys sorted by UTF-16 code units, ECMAScript number text, no white space.
 * Throws on what JSON cannot hold faithfully: a non-finite number, a lone surrogate, undefined, a bigint, a cycle,
 * an object that is neither plain nor an array (a Date, a Map). Nothing is left out silently.
 */
export const canonicalJson = (value: unknown): string => {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonicalJson: ${value} is not a JSON number`);
    return String(value === 0 ? 0 : value);
  }
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value !== 'object') throw new TypeError(`canonicalJson: ${typeof value} has no JSON form`);
  if (Array.isArray(value)) return canonicalArray(value);
  if (isPlainObject(value)) return canonicalObject(value);
  throw new TypeError(`canonicalJson: ${value.constructor.name} is no plain object`);
};

/** An object literal, or what JSON.parse makes: not a Date, not a Map. */
export const isPlainObject = (value: object): value is Readonly<Record<string, unknown>> => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

const canonicalArray = (items: readonly unknown[]): string => {
  let text = '[';
  for (let i = 0; i < items.length; i++) text += (i > 0 ? ',' : '') + canonicalJson(items[i]);
  return `${text}]`;
};

const canonicalObject = (fields: Readonly<Record<string, unknown>>): string => {
  let text = '{';
  for (const key of Object.keys(fields).sort()) {
    text += `${text.length > 1 ? ',' : ''}${quoted(key)}:${canonicalJson(fields[key])}`;
  }
  return `${text}}`;
};

/** SHA-256 of bytes, or of a string's UTF-8 bytes. */
export const sha256 = (data: string | Uint8Array): Digest => hash('sha256', data, 'hex');

/** SHA-256 of bytes, as 32 bytes. */
export const sha256Bytes = (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer');

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
