import * as E from 'fp-ts/Either';
import type { Json } from '../../../events/digest';
import {
  leafOfText,
  positionOf,
  type Position,
  type RecordedEvent,
  type StoredEvent,
  type StoredMeta,
} from '../../../events/envelope';
import { prepareAll, repeatedAt, storedMeta, type Prepared } from '../../../events/prepare';
import {
  LogReadError,
  type AppendError,
  type Appended,
  type CaughtUp,
  type EventLog,
  type ExpectedRevision,
  type Filter,
  type Follow,
  type ReadAll,
} from '../../ports/eventLog';

interface Row extends Omit<RecordedEvent, 'data' | 'observed' | 'position'> {
  readonly position: number;
  readonly dataText: string;
  readonly observedText: string | null;
}

/** Every reader gets its own copy of the data, so no reader can change what another one sees. */
const recorded = (row: Row): RecordedEvent => {
  const { dataText, observedText, ...rest } = row;
  const data: Json = JSON.parse(dataText);
  const observed: Json = observedText === null ? null : JSON.parse(observedText);
  return { ...rest, position: positionOf(row.position), meta: { ...row.meta }, data, observed };
};

const asStored = (row: Row): StoredEvent => {
  const { stream, revision, id, type, version, leaf, recordedAt, dataText } = row;
  const position = positionOf(row.position);
  return { position, stream, revision, id, type, version, meta: { ...row.meta }, leaf, recordedAt, dataText };
};

/** Events of one page of readPages. */
const pageSize = 1000;

const numberOf = (position: Position | undefined, otherwise: number): number => {
  if (position === undefined) return otherwise;
  const n = Number(position);
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`Not a position of this log: ${position}`);
  return n;
};

const matches = (row: Row, filter: Filter | undefined): boolean => {
  if (filter === undefined) return true;
  if ('types' in filter) return filter.types.includes(row.type);
  return filter.streamPrefix.some((prefix) => row.stream.startsWith(prefix));
};

const appended = (stream: string, last: Row | undefined, duplicate: boolean): E.Either<AppendError, Appended> => {
  if (last === undefined) throw new RangeError(`append to ${stream}: the batch is empty`);
  return E.right({ stream, revision: last.revision, position: positionOf(last.position), duplicate });
};

/** The reference log: everything the other adapters must mean, in arrays. Lost when the process ends. */
export const openMemoryLog = (options: { readonly now: () => string }): EventLog => {
  const rows: Row[] = [];
  const streams = new Map<string, Row[]>();
  const byId = new Map<string, Row>();
  const waiting = new Set<() => void>();
  const state = { closed: false };

  const rowsOf = (stream: string): readonly Row[] => streams.get(stream) ?? [];
  const revisionOf = (stream: string): ExpectedRevision => {
    const last = rowsOf(stream).length - 1;
    return last < 0 ? 'noStream' : last;
  };

  const conflict = (stream: string, row: Row): AppendError => {
    return { tag: 'IdConflict', stream, id: row.id, storedIn: row.stream, revision: row.revision };
  };

  /** The caller's revision is not the stream's: the same batch once more, a part of it, or a stale view. */
  const whenStale = (
    stream: string,
    expected: ExpectedRevision,
    batch: readonly Row[],
  ): E.Either<AppendError, Appended> => {
    const stored = rowsOf(stream);
    const same = batch.filter((row) => stored[row.revision]?.id === row.id);
    const changed = same.find((row) => stored[row.revision]?.leaf !== row.leaf);
    if (same.length === 0) {
      return E.left({ tag: 'WrongExpectedRevision', stream, expected, actual: revisionOf(stream) });
    }
    if (changed !== undefined) return E.left(conflict(stream, stored[changed.revision] ?? changed));
    if (same.length < batch.length) {
      return E.left({ tag: 'PartialDuplicate', stream, stored: same.length, given: batch.length });
    }
    return appended(stream, stored[batch.at(-1)?.revision ?? 0], true);
  };

  const toRows = (stream: string, base: number, events: readonly Prepared[]): readonly Row[] => {
    let prev = rowsOf(stream)[base - 1]?.leaf ?? null;
    const recordedAt = options.now();
    return events.map((event, i) => {
      const revision = base + i;
      const meta: StoredMeta = storedMeta(event.meta, prev);
      const leaf = leafOfText({ ...event, stream, revision, meta });
      prev = leaf;
      return { ...event, position: rows.length + 1 + i, stream, revision, meta, leaf, recordedAt };
    });
  };

  const append: EventLog['append'] = (stream, expected, events) => async () => {
    if (events.length === 0) throw new RangeError(`append to ${stream}: the batch is empty`);
    const fail = (error: AppendError): E.Either<AppendError, Appended> => E.left(error);
    if (state.closed) return fail({ tag: 'Unavailable', where: 'memory', message: 'the log is closed' });
    const prepared = prepareAll(stream, events);
    if ('message' in prepared) return fail({ tag: 'NotJson', stream, ...prepared });
    const batch = toRows(stream, expected === 'noStream' ? 0 : expected + 1, prepared);
    const repeated = batch[repeatedAt(batch)];
    if (repeated !== undefined) return fail(conflict(stream, repeated));
    if (expected !== revisionOf(stream)) return whenStale(stream, expected, batch);
    const elsewhere = batch.map((row) => byId.get(row.id)).find((row) => row !== undefined);
    if (elsewhere !== undefined) return fail(conflict(stream, elsewhere));
    const stored = streams.get(stream) ?? [];
    streams.set(stream, stored);
    for (const row of batch) {
      rows.push(row);
      stored.push(row);
      byId.set(row.id, row);
    }
    for (const wake of waiting) wake();
    return appended(stream, batch.at(-1), false);
  };

  const mustBeOpen = (): void => {
    if (state.closed) throw new LogReadError({ tag: 'Unavailable', where: 'memory', message: 'the log is closed' });
  };

  /** What a reading means now. What is appended while it goes on is not part of it. */
  const chosen = (read: ReadAll): readonly Row[] => {
    mustBeOpen();
    const backwards = read.direction === 'backwards';
    const after = numberOf(read.after, backwards ? Infinity : 0);
    const until = numberOf(read.until, backwards ? 0 : Infinity);
    // The row at position p is rows[p - 1].
    const between = backwards
      ? rows.slice(Math.max(until - 1, 0), Math.max(after - 1, 0)).reverse()
      : rows.slice(after, until);
    return between.filter((row) => matches(row, read.filter)).slice(0, read.max);
  };

  const readAll = async function* (read: ReadAll = {}): AsyncGenerator<RecordedEvent> {
    for (const row of chosen(read)) {
      yield recorded(row);
      mustBeOpen();
    }
  };

  const readPages = async function* (read: ReadAll = {}): AsyncGenerator<readonly StoredEvent[]> {
    const found = chosen(read);
    for (let at = 0; at < found.length; at += pageSize) {
      yield found.slice(at, at + pageSize).map(asStored);
      mustBeOpen();
    }
  };

  const readAt: EventLog['readAt'] = async (positions) => {
    mustBeOpen();
    return [...new Set(positions.map((position) => numberOf(position, 0)))]
      .sort((a, b) => a - b)
      .map((position) => {
        const row = rows[position - 1];
        if (row !== undefined) return asStored(row);
        throw new LogReadError({
          tag: 'Damaged',
          where: 'memory',
          message: `there is no event at position ${position}`,
        });
      });
  };

  const readStream: EventLog['readStream'] = async function* (stream, read = {}) {
    mustBeOpen();
    const all = rowsOf(stream);
    const backwards = read.direction === 'backwards';
    const from = read.from ?? (backwards ? all.length - 1 : 0);
    const wanted = backwards ? all.slice(0, from + 1).toReversed() : all.slice(from);
    for (const row of wanted.slice(0, read.max ?? wanted.length)) yield recorded(row);
  };

  /** Resolves on the next append, on abort and on close. */
  const changed = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener('abort', done);
    });

  const follow = async function* (read: Follow): AsyncGenerator<RecordedEvent | CaughtUp> {
    const filter = read.filter === undefined ? {} : { filter: read.filter };
    mustBeOpen();
    let after = numberOf(read.after, 0);
    let live = false;
    while (!read.signal.aborted && !state.closed) {
      const until = rows.length;
      for await (const event of readAll({
        ...filter,
        after: positionOf(after),
        until: positionOf(until),
      })) {
        yield event;
        if (read.signal.aborted) return;
      }
      after = Math.max(after, until);
      if (!live) yield { tag: 'CaughtUp', position: after === 0 ? undefined : positionOf(after) };
      live = true;
      if (rows.length === until && !read.signal.aborted && !state.closed) await changed(read.signal);
    }
  };

  return {
    append,
    readAll,
    readPages,
    readAt,
    readStream,
    follow,
    head: async () => {
      mustBeOpen();
      const last = rows.at(-1);
      return { position: last && positionOf(last.position), size: rows.length };
    },
    streamHead: async (stream) => {
      mustBeOpen();
      return revisionOf(stream);
    },
    readEvent: async (id) => {
      mustBeOpen();
      const row = byId.get(id);
      return row && recorded(row);
    },
    comparePositions: (a, b) => {
      const [x, y] = [numberOf(a, 0), numberOf(b, 0)];
      return x < y ? -1 : x > y ? 1 : 0;
    },
    close: async () => {
      state.closed = true;
      for (const wake of waiting) wake();
    },
  };
};
