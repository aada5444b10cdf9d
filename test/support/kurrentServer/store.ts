import { openMemoryLog } from '../../../src/adapters/memory/eventLog';
import type { NewEvent, RecordedEvent } from '../../../events/envelope';
import type { EventLog } from '../../../src/ports/eventLog';
import { must, textOf, the } from '../events';

/** An event as the wire has it. */
export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface Stored extends Proposed {
  readonly stream: string;
  readonly revision: number;
  /** Place in the log: a byte offset that grows with gaps, as a real log's does. */
  readonly commit: bigint;
  readonly prepare: bigint;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export type Expected = 'noStream' | number;

export type Written =
  | { readonly kind: 'written' | 'idempotent'; readonly last: Stored }
  | { readonly kind: 'wrongVersion'; readonly current: Expected };

/**
 * The server's own memory: events by log position, on our memory adapter, with the server's rules for expected revisions
 * and for repeated ids as its sources have them (an exact revision compares ids at those very places, nothing else).
 */
export interface Store {
  readonly log: EventLog;
  append(stream: string, expected: Expected, events: readonly Proposed[]): Promise<Written>;
  head(stream: string): Promise<Expected>;
  toStored(event: RecordedEvent): Stored;
  /** Makes a stream begin at a revision, as $tb and $maxCount do on the server. */
  truncate(stream: string, before: number): void;
  /** The revision at which a stream begins. */
  begin(stream: string): number;
  /** How many events lie before a place in the log: that event itself not counted. */
  countBefore(commit: bigint): number;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (data: unknown, field: string): Uint8Array => Buffer.from(textOf(data, field), 'base64');

/** With `pairs`, commit and prepare differ, as they did in logs with explicit transactions. */
export const createStore = (options: { readonly now: () => string; readonly pairs: boolean }): Store => {
  const log = openMemoryLog({ now: options.now });
  /** offsets[n - 1] belongs to the memory log's position n. */
  const offsets: bigint[] = [];
  const begins = new Map<string, number>();
  let end = 37n;

  const toStored = (event: RecordedEvent): Stored => {
    const prepare = the(offsets[Number(event.position) - 1]);
    return {
      stream: event.stream,
      revision: event.revision,
      id: textOf(event.data, 'id'),
      type: event.type,
      contentType: textOf(event.data, 'contentType'),
      data: bytesOf(event.data, 'data'),
      metadata: bytesOf(event.data, 'metadata'),
      prepare,
      commit: options.pairs ? prepare + 5n : prepare,
      created: Date.parse(event.recordedAt),
    };
  };

  const storedAt = async (stream: string, from: number, max: number): Promise<readonly Stored[]> => {
    const found: Stored[] = [];
    for await (const event of log.readStream(stream, { from, max })) found.push(toStored(event));
    return found;
  };

  const write = async (stream: string, expected: Expected, events: readonly Proposed[]): Promise<Stored> => {
    const first = expected === 'noStream' ? 0 : expected + 1;
    const rows = events.map(({ id, type, contentType, data, metadata }, i): NewEvent => {
      // The memory log wants ids that are unique; the server's need not be.
      const row = { id, contentType, data: base64(data), metadata: base64(metadata) };
      return { id: `${first + i}@${stream}`, type, version: 1, data: row, meta: {} };
    });
    const appending = log.append(stream, expected, rows)();
    for (const { data, metadata, type } of events) {
      offsets.push(end);
      end += BigInt(64 + stream.length + type.length + data.length + metadata.length);
    }
    must(await appending);
    return the((await storedAt(stream, first + events.length - 1, 1))[0]);
  };

  const decide = async (stream: string, expected: Expected, events: readonly Proposed[]): Promise<Written> => {
    const current = await log.streamHead(stream);
    if (expected === current) return { kind: 'written', last: await write(stream, expected, events) };
    const wrong = { kind: 'wrongVersion', current } as const;
    const first = expected === 'noStream' ? 0 : expected + 1;
    if (current === 'noStream' || first > current) return wrong;
    const there = await storedAt(stream, first, events.length);
    const last = there.at(-1);
    const same = there.length === events.length && events.every(({ id }, i) => there[i]?.id === id);
    return same && last !== undefined ? { kind: 'idempotent', last } : wrong;
  };

  /** One write at a time, in the order in which they came. */
  let writing: Promise<unknown> = Promise.resolve();

  return {
    log,
    toStored,
    head: (stream) => log.streamHead(stream),
    truncate: (stream, before) => void begins.set(stream, before),
    begin: (stream) => begins.get(stream) ?? 0,
    append: (stream, expected, events) => {
      const written = writing.then(() => decide(stream, expected, events));
      writing = written.catch(() => {});
      return written;
    },
    countBefore: (commit) => {
      const shift = options.pairs ? 5n : 0n;
      let [low, high] = [0, offsets.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (the(offsets[middle]) + shift < commit) low = middle + 1;
        else high = middle;
      }
      return low;
    },
  };
};

/** For tests that put something into the log that our adapter would not: system events, links, other programs' events. */
export const foreign = (type: string, fields: Partial<Proposed> = {}): Proposed => ({
  id: '00000000-0000-4000-8000-000000000000',
  type,
  contentType: 'application/json',
  data: Buffer.from('{}'),
  metadata: Buffer.from(''),
  ...fields,
});
