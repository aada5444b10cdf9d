import { isUtf8 } from 'node:buffer';
import type { Json } from '../../../events/digest';
import { positionOf, type Meta, type Position, type RecordedEvent, type StoredEvent } from '../../../events/envelope';
import { storedMeta } from '../../../events/prepare';
import { LogReadError, type FailedAt } from '../../ports/eventLog';
import { text, type Cell } from './connection';

const between = ` || char(31) || `;

/**
 * Names and hashes of one event as one value, separated by U+001F, which no name may hold; then data and what was observed.
 * One bytes cell is read faster than ten text cells, and is safe on damaged text. The data is a cell of its own: a name is a
 * slice of the text that it was read in, and whoever keeps an id would keep the whole event.
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
  ].join(between),
)}, ${text('data')}, ${text('observed')}`;

export const numberOf = (position: Position | undefined, otherwise: number): number => {
  if (position === undefined) return otherwise;
  const n = Number(position);
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`Not a position of this log: ${position}`);
  return n;
};

const decoded = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();

const damagedAt = (path: string, at: FailedAt, message: string): LogReadError =>
  new LogReadError({ tag: 'Damaged', where: `${path}, position ${at.position}`, message }, at);

const whole = /^(0|[1-9][0-9]{0,15})$/;

/** Takes one row apart; says where and how it is damaged when it is not what the log wrote. Its JSON is not parsed. */
export const toStored = (row: readonly Cell[], path: string): StoredEvent => {
  const position = positionOf(Number(row[0]));
  const damaged = (message: string, known: Partial<FailedAt> = {}): LogReadError =>
    damagedAt(path, { position, stream: null, revision: null, id: null, ...known }, message);
  const [, named, data] = row;
  if (!(named instanceof Uint8Array && data instanceof Uint8Array))
    throw damaged('a column that always has a value has none');
  const names = decoded(named);
  let from = 0;
  const next = (): string => {
    const end = names.indexOf('\u001f', from);
    if (end < 0) throw damaged('expected 10 columns, got fewer');
    const field = names.slice(from, end);
    from = end + 1;
    return field;
  };
  const [stream, revision, id, type, version] = [next(), next(), next(), next(), next()];
  const [recordedAt, causation, correlation, prev] = [next(), next(), next(), next()];
  const leaf = names.slice(from);
  if (!whole.test(revision)) throw damaged(`revision: expected a whole number, got ${revision}`, { stream, id });
  const known = { stream, revision: Number(revision), id };
  if (!whole.test(version)) throw damaged(`version: expected a whole number, got ${version}`, known);
  if (!isUtf8(named) || !isUtf8(data)) throw damaged('the text is not UTF-8', known);
  const meta: Meta = { ...(causation && { causation }), ...(correlation && { correlation }) };
  return {
    position,
    ...known,
    type,
    version: Number(version),
    meta: storedMeta(meta, prev === '' ? null : prev),
    leaf,
    recordedAt,
    dataText: decoded(data),
  };
};

/** The same, parsed. */
export const toEvent = (row: readonly Cell[], path: string): RecordedEvent => {
  const { dataText, ...event } = toStored(row, path);
  const parse = (column: string, json: string): Json => {
    try {
      const value: Json = JSON.parse(json);
      return value;
    } catch (failure) {
      const { position, stream, revision, id } = event;
      const message = `${column} is not JSON: ${failure instanceof Error ? failure.message : ''}`;
      throw damagedAt(path, { position, stream, revision, id }, message);
    }
  };
  const observed = row[3] instanceof Uint8Array ? parse('observed', decoded(row[3])) : null;
  return { ...event, data: parse('data', dataText), observed };
};
