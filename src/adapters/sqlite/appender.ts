import * as E from 'fp-ts/Either';
import { positionOf } from '../../../events/envelope';
import { chained, repeatedAt, type Chained, type Prepared } from '../../../events/prepare';
import type { AppendError, Appended, ExpectedRevision } from '../../ports/eventLog';
import { integer, text, utf8, type Connection } from './connection';
import { isConstraint, toStoreError } from './errors';
import { pauseMilliseconds } from './fileLock';
import type { WriteLock } from './writeLock';

interface Request {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly Prepared[];
}

type Result = E.Either<AppendError, Appended>;

/** The last event of a stream, as the next one must know it. */
interface StreamHead {
  readonly revision: ExpectedRevision;
  readonly leaf: string | null;
}

const empty: StreamHead = { revision: 'noStream', leaf: null };

/** How many streams' heads are kept at hand. */
const headsKept = 4096;
/**
 * A lone event leaves the head table alone until it is this far behind: one page less for each commit, a sixth of it. What
 * is cut off an unclosed ledger is noticed but for the last events; of a closed one, whatever is cut off.
 */
const headLag = 16;

export interface Appender {
  append(request: Request): Promise<Result>;
  /** Resolves when nothing is queued or under way. */
  settled(): Promise<void>;
}

/**
 * Group commit: what is queued in one turn of the event loop goes into one transaction and one fsync, and every append
 * still gets its own result. A refused append leaves no trace in the transaction of the others. Where another process is
 * writing, the group grows while it waits.
 */
export const createAppender = (
  connection: Connection,
  lock: WriteLock,
  options: { readonly path: string; readonly now: () => string; readonly committed: () => void },
): Appender => {
  const { path } = options;
  const headOfStream = connection.query(
    `SELECT revision, ${text('leaf')} FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1`,
  );
  const atRevision = connection.query(
    `SELECT position, ${text('id')}, ${text('leaf')} FROM events WHERE stream = ? AND revision = ?`,
  );
  const placeOfId = connection.query(`SELECT ${text('stream')}, revision FROM events WHERE id = ?`);
  const lastPosition = connection.query('SELECT max(position) FROM events');
  const setHead = connection.query('UPDATE head SET size = ?, last_position = ?');
  const insert = connection.query('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');

  const queue: { readonly request: Request; readonly resolve: (result: Result) => void }[] = [];
  const idle: (() => void)[] = [];
  let scheduled = false;
  /** Heads of streams as they were when the log ended at `last`; nobody else has written while it still ends there. */
  let heads = new Map<string, StreamHead>();
  let last = -1;
  /** What the head table says, as far as this process knows. */
  let headAt = -headLag;

  const headOf = (stream: string): StreamHead => {
    const known = heads.get(stream);
    if (known !== undefined) return known;
    const row = headOfStream.get(stream);
    return row === undefined ? empty : { revision: integer(row[0]), leaf: utf8(row[1]) };
  };

  /** The revision given is not the stream's: the same batch once more, a part of it, or a stale view. */
  const whenStale = ({ stream, expected, events }: Request, actual: ExpectedRevision): Result => {
    const base = expected === 'noStream' ? 0 : expected + 1;
    const before = base === 0 ? undefined : atRevision.get(stream, base - 1);
    const rows = chained(stream, base, before === undefined ? null : utf8(before[2]), events);
    const stored = rows.map((row) => atRevision.get(stream, row.revision));
    const same = rows.filter((row, i) => utf8(stored[i]?.[1]) === row.event.id);
    if (same.length === 0) return E.left({ tag: 'WrongExpectedRevision', stream, expected, actual });
    const changed = same.find((row) => utf8(stored[row.revision - base]?.[2]) !== row.leaf);
    if (changed !== undefined) {
      return E.left({ tag: 'IdConflict', stream, id: changed.event.id, storedIn: stream, revision: changed.revision });
    }
    if (same.length < rows.length) {
      return E.left({ tag: 'PartialDuplicate', stream, stored: same.length, given: rows.length });
    }
    const position = positionOf(integer(stored.at(-1)?.[0]));
    return E.right({ stream, revision: base + rows.length - 1, position, duplicate: true });
  };

  /** The first event of a batch whose id is stored already. */
  const conflict = (stream: string, rows: readonly Chained[]): AppendError | undefined => {
    for (const { event } of rows) {
      const place = placeOfId.get(event.id);
      if (place === undefined) continue;
      return { tag: 'IdConflict', stream, id: event.id, storedIn: utf8(place[0]), revision: integer(place[1]) };
    }
    return undefined;
  };

  const insertAll = (stream: string, rows: readonly Chained[], recordedAt: string): void => {
    let position = last;
    for (const { event, revision, prev, leaf } of rows) {
      const { id, type, version, meta, dataText, observedText } = event;
      const { causation = null, correlation = null } = meta;
      position += 1;
      // One flat list: this is the innermost loop of an import.
      // biome-ignore format: in the order of the columns
      insert.run([
        position, stream, revision, id, type, version, recordedAt, causation, correlation, prev, leaf, dataText,
        observedText,
      ]);
    }
  };

  const appendOne = (request: Request): Result => {
    const { stream, expected, events } = request;
    const base = expected === 'noStream' ? 0 : expected + 1;
    const twice = repeatedAt(events);
    const { id } = events[twice] ?? {};
    if (id !== undefined) return E.left({ tag: 'IdConflict', stream, id, storedIn: stream, revision: base + twice });
    const head = headOf(stream);
    if (head.revision !== expected) return whenStale(request, head.revision);
    const rows = chained(stream, base, head.leaf, events);
    // One statement undoes itself; several need a savepoint.
    const several = rows.length > 1;
    if (several) connection.exec('SAVEPOINT batch');
    try {
      insertAll(stream, rows, options.now());
    } catch (failure) {
      if (!isConstraint(failure)) throw failure;
      if (several) connection.exec('ROLLBACK TO batch; RELEASE batch');
      const error = conflict(stream, rows);
      if (error === undefined) throw failure;
      return E.left(error);
    }
    if (several) connection.exec('RELEASE batch');
    last += rows.length;
    const revision = base + rows.length - 1;
    if (heads.size >= headsKept) heads = new Map();
    heads.set(stream, { revision, leaf: rows.at(-1)?.leaf ?? null });
    return E.right({ stream, revision, position: positionOf(last), duplicate: false });
  };

  const writeGroup = (requests: readonly Request[]): readonly Result[] => {
    const first = integer(lastPosition.get()?.[0]);
    if (first !== last) heads = new Map();
    last = first;
    const results = requests.map(appendOne);
    if (last > first + 1 || (last > first && last - headAt >= headLag)) {
      setHead.run([last, last]);
      headAt = last;
    }
    connection.exec('COMMIT');
    if (last > first) options.committed();
    return results;
  };

  const refuseAll = (failure: unknown, group: typeof queue): void => {
    heads = new Map();
    last = -1;
    headAt = -headLag;
    // A full disk may have ended the transaction already.
    if (connection.inTransaction()) connection.exec('ROLLBACK');
    const error = toStoreError(failure, path);
    for (const { resolve } of group) resolve(E.left(error));
  };

  const flush = (): void => {
    scheduled = false;
    let group: typeof queue = [];
    try {
      if (!lock.tryTake()) {
        scheduled = true;
        setTimeout(flush, pauseMilliseconds);
        return;
      }
      group = queue.splice(0);
      const results = writeGroup(group.map(({ request }) => request));
      for (const [i, result] of results.entries()) group[i]?.resolve(result);
    } catch (failure) {
      refuseAll(failure, [...group, ...queue.splice(0)]);
    }
    for (const resolve of idle.splice(0)) resolve();
  };

  return {
    append: (request) =>
      new Promise((resolve) => {
        queue.push({ request, resolve });
        if (!scheduled) setImmediate(flush);
        scheduled = true;
      }),
    settled: () => new Promise((resolve) => (scheduled ? void idle.push(resolve) : resolve())),
  };
};
