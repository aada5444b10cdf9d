import { canonicalJson, quoted, sha256, type Digest, type Json } from './digest';

/** What a writer hands to the log. Everything in it is covered by the event's leaf hash, except `observed`. */
export interface NewEvent {
  /** Content-derived (events/digest.ts contentId); the same fact always has the same id. */
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly data: Json;
  readonly meta: Meta;
  /** Facts about this one execution (latency and the like). Stored, shown, never hashed, never read by a fold. */
  readonly observed?: Json;
}

export interface Meta {
  /** The event that made this one happen. */
  readonly causation?: string;
  /** The run, training or command that this event belongs to. */
  readonly correlation?: string;
}

/** Meta as stored: the log adds the leaf hash of the stream's previous event (null on revision 0). */
export interface StoredMeta extends Meta {
  readonly prev: Digest | null;
}

/** An event as the log returns it. `position` and `recordedAt` and `observed` are outside the leaf hash. */
export interface RecordedEvent {
  readonly position: Position;
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly data: Json;
  readonly meta: StoredMeta;
  readonly leaf: Digest;
  readonly recordedAt: string;
  readonly observed: Json;
}

/** An event as the store has it: its data is canonical JSON text that nobody has parsed. What was observed is left out. */
export interface StoredEvent extends Omit<RecordedEvent, 'data' | 'observed'> {
  readonly dataText: string;
}

/** Opaque place in the global order; compare with `EventLog.comparePositions`, store it as text. */
export type Position = string & { readonly __position: unique symbol };

/** Any text but none may be a place of some adapter's. */
export const isPosition = (text: string): text is Position => text !== '';

/** For adapters whose positions are numbers. */
export const positionOf = (n: number): Position => {
  const text = String(n);
  if (!isPosition(text)) throw new RangeError('a position has no text');
  return text;
};

/** Everything of an event that its leaf hash covers, with the data as canonical JSON text. */
export interface LeafText {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly dataText: string;
  readonly meta: StoredMeta;
}

/** What the leaf hash is of, behind its 0x00: canonical JSON of what the event says. */
export const leafTextOf = (event: LeafText): string => {
  const { stream, revision, id, type, version, dataText, meta } = event;
  const { causation, correlation, prev } = meta;
  // Canonical JSON written out: names in order, as canonicalJson gives them (a property test compares), but faster.
  const links =
    (causation === undefined ? '' : `"causation":${quoted(causation)},`) +
    (correlation === undefined ? '' : `"correlation":${quoted(correlation)},`);
  const before = prev === null ? 'null' : quoted(prev);
  return (
    `{"data":${dataText},"id":${quoted(id)},"meta":{${links}"prev":${before}},` +
    `"revision":${revision},"stream":${quoted(stream)},"type":${quoted(type)},"version":${version}}`
  );
};

/** The leaf hash where the data's canonical JSON text is at hand already (the append path). */
export const leafOfText = (event: LeafText): Digest => sha256(`\u0000${leafTextOf(event)}`);

/**
 * RFC 6962 leaf hash: SHA-256 of 0x00 followed by the canonical JSON of what the event says.
 * Neither position nor time is in it, so a ledger that moves between stores keeps its leaves;
 * `meta.prev` is in it, so each stream is a hash chain.
 */
export const leafHash = (event: {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly data: Json;
  readonly meta: StoredMeta;
}): Digest => {
  const { data, ...rest } = event;
  return leafOfText({ ...rest, dataText: canonicalJson(data) });
};
