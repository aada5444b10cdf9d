import { canonicalJson, isMapping, type Json } from '../../../events/digest';
import { leafHash, type Meta, type RecordedEvent, type StoredEvent } from '../../../events/envelope';
import { storedMeta, type Chained } from '../../../events/prepare';
import { LogReadError, type StoreError } from '../../ports/eventLog';
import type { ClientEvent, ClientNewEvent, ClientRecord } from './client';
import { toPosition } from './positions';

/** An event of the ledger, and the id that the server knows it by. */
export interface Found {
  readonly event: RecordedEvent;
  readonly uuid: string;
}

/**
 * The id that the server knows an event by (RFC 9562, version 8): the first 60 bits are the leaf hash's, the last 62 are
 * drawn once for each append (`draw`, 16 hex digits), and so are the same when that append is sent again.
 * The server compares ids at the expected revision and nothing else. Were they made of content alone, it would answer
 * "done" to another writer's equal batch; this way it answers "wrong revision", and we look who wrote what.
 */
export const uuidOf = (leaf: string, draw: string): string => {
  const variant = ((parseInt(draw.slice(0, 1), 16) & 0x3) | 0x8).toString(16);
  const first = `${leaf.slice(0, 8)}-${leaf.slice(8, 12)}-8${leaf.slice(12, 15)}`;
  return `${first}-${variant}${draw.slice(1, 4)}-${draw.slice(4, 16)}`;
};

/** What the server has no field for travels in the event's metadata. `tripost` is the form's version. */
export const outgoing = ({ event, prev, leaf }: Chained, draw: string): ClientNewEvent => {
  const { id, type, version, dataText, meta, observedText } = event;
  const data: Json = JSON.parse(dataText);
  const observed: Json = observedText === null ? null : JSON.parse(observedText);
  const metadata = {
    tripost: 1,
    id,
    version,
    leaf,
    ...storedMeta(meta, prev),
    ...(observedText === null ? {} : { observed }),
  };
  return { id: uuidOf(leaf, draw), type, contentType: 'application/json', data, metadata };
};

/** What JSON.parse made is JSON; the client hands it on as something unknown. */
const isJson = (u: unknown): u is Json => u !== undefined;

const text = (u: unknown): u is string => typeof u === 'string' && u !== '';

interface Metadata {
  readonly id: string;
  readonly version: number;
  readonly leaf: string;
  readonly prev: string | null;
  readonly meta: Meta;
  readonly observed: Json;
}

/** Our metadata, or why it is none. */
const metadataOf = (metadata: unknown): Metadata | string => {
  if (!isMapping(metadata) || metadata['tripost'] === undefined) return 'not ours';
  const { tripost, id, version, leaf, prev, causation, correlation, observed = null } = metadata;
  if (tripost !== 1) return `metadata.tripost: expected 1, got ${JSON.stringify(tripost)}; a newer tripost wrote it`;
  if (!text(id)) return `metadata.id: expected text, got ${JSON.stringify(id)}`;
  if (typeof version !== 'number' || !Number.isSafeInteger(version)) return 'metadata.version: expected a whole number';
  if (!text(leaf)) return 'metadata.leaf: expected a digest';
  if (prev !== null && !text(prev)) return 'metadata.prev: expected a digest or null';
  if (!isJson(observed)) return 'metadata.observed: expected JSON';
  const meta: Meta = { ...(text(causation) && { causation }), ...(text(correlation) && { correlation }) };
  return { id, version, leaf, prev, meta, observed };
};

/** An event as text again: the client gives data parsed. */
export const toStored = ({ data, ...event }: RecordedEvent): StoredEvent => {
  const { position, stream, revision, id, type, version, meta, leaf, recordedAt } = event;
  return { position, stream, revision, id, type, version, meta, leaf, recordedAt, dataText: canonicalJson(data) };
};

/** What the server says where it knows no position: the largest number of 64 bits. */
const noPosition = 2n ** 64n - 1n;

/** The server's own events, and links, which only point at events. */
const isSystem = ({ streamId, type }: ClientRecord): boolean => streamId.startsWith('$') || type.startsWith('$');

/** Whether it is an event of this ledger, by its names alone. */
export const isOwn = ({ event }: ClientEvent, prefix: string): boolean =>
  event !== undefined && !isSystem(event) && event.streamId.startsWith(prefix);

/**
 * The ledger's event in what the client gives; undefined for a system event, a link, and another ledger's event.
 * `where` is the address as it may be shown; `prefix` is what stream names begin with on the server.
 */
export const toFound = ({ event }: ClientEvent, where: string, prefix: string): Found | undefined => {
  if (event === undefined || isSystem(event) || !event.streamId.startsWith(prefix)) return undefined;
  const stream = event.streamId.slice(prefix.length);
  const revision = Number(event.revision);
  if (event.position === undefined || event.position.commit === noPosition) {
    const message = `the server gives no position with stream ${stream}: KurrentDB 23.10 or newer is needed`;
    throw new LogReadError({ tag: 'Unavailable', where, message });
  }
  const position = toPosition(event.position);
  const found = metadataOf(event.metadata);
  const place = `${where}, stream ${stream}, revision ${revision}`;
  if (found === 'not ours') {
    const message = `event ${event.id} (${event.type}) was not written by tripost; ledger=NAME in the address keeps a ledger apart from other data`;
    throw new LogReadError({ tag: 'NotALedger', where: place, message });
  }
  const damaged = (message: string): LogReadError => {
    const reason: StoreError = { tag: 'Damaged', where: place, message };
    return new LogReadError(reason, { position, stream, revision, id: typeof found === 'string' ? null : found.id });
  };
  if (typeof found === 'string') throw damaged(found);
  if (!event.isJson || !isJson(event.data)) throw damaged('the data is not JSON');
  const { id, version, leaf, prev, meta, observed } = found;
  const recorded: RecordedEvent = {
    position,
    stream,
    revision,
    id,
    type: event.type,
    version,
    data: event.data,
    meta: storedMeta(meta, prev),
    leaf,
    recordedAt: event.created.toISOString(),
    observed,
  };
  // Broken JSON comes from the client as text that looks like any other; only the leaf can tell.
  if (typeof event.data === 'string' && leafHash(recorded) !== leaf) {
    throw damaged(
      `the data is not the text that was written: ${canonicalJson(event.data.slice(0, 80).toWellFormed())}`,
    );
  }
  return { event: recorded, uuid: event.id };
};
