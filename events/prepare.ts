import { canonicalJson, type Digest, type Json } from './digest';
import { leafOfText, type Meta, type NewEvent, type StoredMeta } from './envelope';

/** An event ready to be stored: its names are storable, its data is canonical JSON text. */
export interface Prepared {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly dataText: string;
  readonly meta: Meta;
  readonly observedText: string | null;
}

/** Why an event cannot be stored at all; the adapters return it as `NotJson`. */
export interface Unstorable {
  readonly id: string;
  readonly message: string;
}

/** Control characters: C0, DEL, C1. */
const hasControl = (name: string): boolean => {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
};

/** Names end up in columns, file names and terminals: not empty, well-formed Unicode, no control characters. */
const badName = (what: string, name: unknown): string | undefined => {
  if (typeof name !== 'string' || name === '') return `${what}: expected a non-empty string, got ${typeof name}`;
  if (hasControl(name)) return `${what}: expected no control characters, got ${JSON.stringify(name)}`;
  return name.isWellFormed() ? undefined : `${what}: expected Unicode text, got a lone surrogate`;
};

/** The meta that is stored and hashed: known fields only, so that nothing slips into or out of a hash. */
export const storedMeta = (meta: Meta, prev: string | null): StoredMeta => {
  const { causation, correlation } = meta;
  if (causation === undefined) return correlation === undefined ? { prev } : { correlation, prev };
  return correlation === undefined ? { causation, prev } : { causation, correlation, prev };
};

/** An event at its place in a stream's hash chain. */
export interface Chained {
  readonly event: Prepared;
  readonly revision: number;
  readonly prev: Digest | null;
  readonly leaf: Digest;
}

/** Events chained one to the other from revision `base` on, behind the event with the leaf hash `before`. */
export const chained = (
  stream: string,
  base: number,
  before: Digest | null,
  events: readonly Prepared[],
): readonly Chained[] => {
  let prev = before;
  return events.map((event, i) => {
    const { id, type, version, dataText } = event;
    const revision = base + i;
    const leaf = leafOfText({ stream, revision, id, type, version, dataText, meta: storedMeta(event.meta, prev) });
    const row: Chained = { revision, event, prev, leaf };
    prev = leaf;
    return row;
  });
};

const badMeta = (meta: Meta): string | undefined => {
  for (const key of Object.keys(meta)) {
    if (key !== 'causation' && key !== 'correlation') return `meta.${key}: expected only causation and correlation`;
    const bad = badName(`meta.${key}`, meta[key]);
    if (bad !== undefined) return bad;
  }
  return undefined;
};

/** A RangeError is nesting deeper than the stack, which includes cycles. */
const reason = (failure: unknown): string => {
  if (failure instanceof RangeError) return 'nested too deeply, or a cycle';
  return failure instanceof Error ? failure.message : 'no JSON';
};

const textOf = (value: Json): { readonly text: string } | { readonly message: string } => {
  try {
    return { text: canonicalJson(value) };
  } catch (failure) {
    return { message: reason(failure) };
  }
};

/** Checks one event and makes its canonical text. */
export const prepare = (event: NewEvent): Prepared | Unstorable => {
  const { id, type, version, meta } = event;
  const refuse = (message: string): Unstorable => ({ id, message });
  const bad = badName('id', id) ?? badName('type', type) ?? badMeta(meta);
  if (bad !== undefined) return refuse(bad);
  if (!Number.isSafeInteger(version) || version < 1) return refuse(`version: expected 1, 2, ..., got ${version}`);
  const data = textOf(event.data);
  if ('message' in data) return refuse(`data: ${data.message}`);
  if (event.observed === undefined) return { id, type, version, dataText: data.text, meta, observedText: null };
  const observed = textOf(event.observed);
  if ('message' in observed) return refuse(`observed: ${observed.message}`);
  return { id, type, version, dataText: data.text, meta, observedText: observed.text };
};

/**
 * Prepares a batch, or says which event of it cannot be stored. Every adapter calls it first, so all of them refuse the
 * same things.
 */
export const prepareAll = (stream: string, events: readonly NewEvent[]): readonly Prepared[] | Unstorable => {
  const prepared: Prepared[] = [];
  const bad = badName('stream', stream);
  if (bad !== undefined) return { id: String(events[0]?.id), message: bad };
  for (const event of events) {
    const one = prepare(event);
    if ('message' in one) return one;
    prepared.push(one);
  }
  return prepared;
};

/** The index of the first event of a batch whose id comes again in it; -1 when all ids differ. */
export const repeatedAt = (events: readonly { readonly id: string }[]): number => {
  const seen = new Map<string, number>();
  let i = 0;
  for (const { id } of events) {
    const before = seen.get(id);
    if (before !== undefined) return before;
    seen.set(id, i);
    i += 1;
  }
  return -1;
};
