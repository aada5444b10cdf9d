import { setImmediate } from 'node:timers/promises';
import { positionOf, type RecordedEvent, type StoredEvent } from '../../../events/envelope';
import { LogReadError, type ExpectedRevision, type FailedAt, type Filter, type StoreError } from '../../ports/eventLog';
import { integer, text, utf8, type Cell, type Connection, type Parameter, type Query } from './connection';
import { isCorruption, toStoreError } from './errors';
import { eventColumns, toEvent, toStored } from './rows';

/** Rows per query: long readings hold no transaction, so a writer's checkpoints are never held up. */
const pageSize = 1000;

/** A range of rows in the order of one column, both ends inclusive. */
export interface Range {
  readonly column: 'position' | 'revision';
  readonly backwards: boolean;
  readonly low: number;
  readonly high: number;
  readonly max: number;
  readonly condition: string;
  readonly parameters: readonly Parameter[];
}

/** One condition with its parameters. A prefix is compared by characters: GLOB and LIKE have special ones. */
export const filterSql = (filter: Filter | undefined): { condition: string; parameters: readonly string[] } => {
  if (filter === undefined) return { condition: 'true', parameters: [] };
  if ('types' in filter) {
    return { condition: 'type IN (SELECT value FROM json_each(?))', parameters: [JSON.stringify(filter.types)] };
  }
  return {
    condition: 'EXISTS (SELECT 1 FROM json_each(?) WHERE substr(stream, 1, length(value)) = value)',
    parameters: [JSON.stringify(filter.streamPrefix)],
  };
};

export interface Reader {
  /** A range in pages of one event or more; `pages` does not parse. */
  range(range: Range): AsyncGenerator<readonly RecordedEvent[]>;
  pages(range: Range): AsyncGenerator<readonly StoredEvent[]>;
  /** The events at these positions, which differ; in the order of the log. */
  at(positions: readonly number[]): readonly StoredEvent[];
  /** The position of the last stored event (0: none), and the last one that the head table knows of. */
  last(): { readonly position: number; readonly headPosition: number };
  revisionOf(stream: string): ExpectedRevision;
  byId(id: string): RecordedEvent | undefined;
  /** Changes whenever another process commits. */
  dataVersion(): number;
}

export const createReader = (connection: Connection, path: string): Reader => {
  const prepared = new Map<string, Query>();
  const query = (sql: string): Query => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const made = connection.query(sql);
    prepared.set(sql, made);
    return made;
  };

  const failed = (failure: unknown, at?: FailedAt): LogReadError => {
    if (failure instanceof LogReadError) return failure;
    const where = at === undefined ? path : `${path}, position ${at.position}`;
    return new LogReadError(toStoreError(failure, where), at);
  };

  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (failure) {
      throw failed(failure);
    }
  };

  const tryGet = (sql: string, ...parameters: readonly Parameter[]): string | undefined => {
    try {
      const cell = query(sql).get(...parameters)?.[0];
      return typeof cell === 'number' ? String(cell) : cell instanceof Uint8Array ? utf8(cell) : undefined;
    } catch {
      return undefined;
    }
  };

  /** Names a row that cannot be read: from its own first columns, or else from the two indexes, which hold its keys. */
  const nameRow = (position: number): FailedAt => {
    const column = (name: string, index: string): string | undefined =>
      tryGet(`SELECT ${text(name)} FROM events WHERE position = ?`, position) ??
      tryGet(`SELECT ${text(name)} FROM events INDEXED BY ${index} WHERE +position = ?`, position);
    const revision = column('revision', 'events_stream');
    return {
      position: positionOf(position),
      stream: column('stream', 'events_stream') ?? null,
      revision: revision === undefined ? null : Number(revision),
      id: column('id', 'events_id') ?? null,
    };
  };

  /** The first position in a range that SQLite cannot read: the key alone is often still readable. */
  const firstUnreadable = (range: Range, low: number, high: number): number => {
    const order = range.backwards ? 'DESC' : 'ASC';
    const sql = `SELECT position FROM events WHERE ${range.condition} AND ${range.column} BETWEEN ? AND ?
      ORDER BY ${range.column} ${order} LIMIT 1`;
    const found = tryGet(sql, ...range.parameters, low, high);
    return found === undefined ? (range.backwards ? high : low) : Number(found);
  };

  /** Rows of a range page by page; each page is whole when it is given, or ends before the damage that is then thrown. */
  const pages = async function* <T extends StoredEvent | RecordedEvent>(
    wanted: Range,
    convert: (row: readonly Cell[], path: string) => T,
  ): AsyncGenerator<readonly T[]> {
    const { column, backwards } = wanted;
    const sql = `SELECT ${eventColumns} FROM events WHERE ${wanted.condition} AND ${column} BETWEEN ? AND ?
      ORDER BY ${column} ${backwards ? 'DESC' : 'ASC'} LIMIT ?`;
    let { low, high, max } = wanted;
    let page = pageSize;
    while (max > 0 && low <= high) {
      let rows: ReturnType<Query['all']>;
      const limit = Math.min(page, max);
      try {
        rows = query(sql).all(...wanted.parameters, low, high, limit);
      } catch (failure) {
        if (!isCorruption(failure)) throw failed(failure);
        if (page === 1) throw failed(failure, nameRow(firstUnreadable(wanted, low, high)));
        // Somewhere in this page: go on row by row, so that every event before the damage is still read.
        page = 1;
        continue;
      }
      const events: T[] = [];
      let damage: unknown;
      for (const row of rows) {
        try {
          const event = convert(row, path);
          const key = column === 'position' ? integer(row[0]) : event.revision;
          if (key < low || key > high) {
            const message = `${column} ${key} is out of order: expected ${low} to ${high}`;
            const { stream, revision, id, position } = event;
            const reason: StoreError = { tag: 'Damaged', where: `${path}, position ${position}`, message };
            throw new LogReadError(reason, { position, stream, revision, id });
          }
          if (backwards) high = key - 1;
          else low = key + 1;
          events.push(event);
        } catch (failure) {
          damage = failure;
          break;
        }
      }
      if (events.length > 0) yield events;
      if (damage !== undefined) throw damage;
      max -= rows.length;
      if (rows.length < limit) return;
      // Signals and timers get their turn between pages.
      await setImmediate();
    }
  };

  const at = (positions: readonly number[]): readonly StoredEvent[] =>
    guarded(() => {
      const found = query(
        `SELECT ${eventColumns} FROM events WHERE position IN (SELECT value FROM json_each(?)) ORDER BY position`,
      ).all(JSON.stringify(positions));
      const events = found.map((row) => toStored(row, path));
      if (events.length === positions.length) return events;
      const there = new Set(events.map(({ position }) => Number(position)));
      const missing = positions.find((position) => !there.has(position));
      throw new LogReadError({ tag: 'Damaged', where: path, message: `there is no event at position ${missing}` });
    });

  return {
    range: (wanted) => pages(wanted, toEvent),
    pages: (wanted) => pages(wanted, toStored),
    at,
    last: () =>
      guarded(() => {
        // One statement sees one state: other processes commit meanwhile.
        const row = query('SELECT (SELECT max(position) FROM events), last_position FROM head').get();
        return { position: integer(row?.[0]), headPosition: integer(row?.[1]) };
      }),
    revisionOf: (stream) =>
      guarded(() => {
        const row = query('SELECT max(revision) FROM events WHERE stream = ?').get(stream);
        return row?.[0] === null || row === undefined ? 'noStream' : integer(row[0]);
      }),
    byId: (id) =>
      guarded(() => {
        const row = query(`SELECT ${eventColumns} FROM events WHERE id = ?`).get(id);
        return row === undefined ? undefined : toEvent(row, path);
      }),
    dataVersion: () => guarded(() => integer(query('PRAGMA data_version').get()?.[0])),
  };
};
