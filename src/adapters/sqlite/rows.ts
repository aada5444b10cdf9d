import { isUtf8 } from 'node:buffer';
import type { Json } from '../../../events/digest';
import type { Position, RecordedEvent } from '../../../events/envelope';
import { storedMeta } from '../../../events/prepare';
import { LogReadError, type FailedAt } from '../../ports/eventLog';
import { text, type Cell } from './connection';

const between = ` || char(31) || `;

/**
 * The columns of one event as one value: names and hashes, then the data, separated by U+001F, which no name may hold
 * and JSON escapes. One bytes cell is read faster than eleven text cells, and is safe on damaged text.
 */
export const eventColumns = `position, ${text(
  [
    'stream',
    'revision',
    'id',
    'type',
    'version',
    'recorded_at',
    `ifnull(causation, '')`,
    `ifnull(correlation, '')`,
    `ifnull(prev, '')`,
    'leaf',
    'data',
  ].join(between),
)}, ${text('observed')}`;

export const positionOf = (n: number): Position => String(n) as Position;

export const numberOf = (position: Position | undefined, otherwise: number): number => {
  if (position === undefined) return otherwise;
  const n = Number(position);
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`Not a position of this log: ${position}`);
  return n;
};

const whole = /^(0|[1-9][0-9]{0,15})$/;
const optional = (field: string): string | undefined => (field === '' ? undefined : field);

/** Takes one row apart; says where and how it is damaged when it is not what the log wrote. */
export const toEvent = (row: readonly Cell[], path: string): RecordedEvent => {
  const position = positionOf(Number(row[0]));
  const damaged = (message: string, known: Partial<FailedAt> = {}): LogReadError => {
    const at: FailedAt = { position, stream: null, revision: null, id: null, ...known };
    return new LogReadError({ tag: 'Damaged', where: `${path}, position ${position}`, message }, at);
  };
  const bytes = row[1];
  if (!(bytes instanceof Uint8Array)) throw damaged('a column that always has a value has none');
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const fields: string[] = [];
  let from = 0;
  for (let i = 0; i < 10; i++) {
    const end = line.indexOf('\u001f', from);
    if (end < 0) throw damaged(`expected 11 columns, got ${i + 1}`);
    fields.push(line.slice(from, end));
    from = end + 1;
  }
  const [stream, revision, id, type, version, recordedAt, causation, correlation, prev, leaf] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (!whole.test(revision)) throw damaged(`revision: expected a whole number, got ${revision}`, { stream, id });
  const known = { stream, revision: Number(revision), id };
  if (!whole.test(version)) throw damaged(`version: expected a whole number, got ${version}`, known);
  if (!isUtf8(bytes)) throw damaged('the text is not UTF-8', known);
  const parse = (column: string, json: string): Json => {
    try {
      return JSON.parse(json) as Json;
    } catch (failure) {
      throw damaged(`${column} is not JSON: ${(failure as Error).message}`, known);
    }
  };
  const observed = row[2] instanceof Uint8Array ? parse('observed', Buffer.from(row[2]).toString()) : null;
  const meta = { ...{ causation: optional(causation), correlation: optional(correlation) } };
  return {
    position,
    ...known,
    type,
    version: Number(version),
    data: parse('data', line.slice(from)),
    meta: storedMeta(meta as { causation?: string }, optional(prev) ?? null),
    leaf,
    recordedAt,
    observed,
  };
};
