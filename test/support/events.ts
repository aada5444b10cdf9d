import * as E from 'fp-ts/Either';
import { contentId, type Json } from '../../events/digest';
import type { NewEvent, Position, RecordedEvent } from '../../events/envelope';
import type { AppendError, Appended, EventLog } from '../../src/ports/eventLog';

/** An event that no definition knows: for tests of the log, which does not look into events. */
export const anEvent = (name: string, data: Json = { name }, type = 'Noted'): NewEvent => ({
  id: contentId(['test', name]),
  type,
  version: 1,
  data,
  meta: {},
});

export const someEvents = (prefix: string, count: number): readonly NewEvent[] =>
  Array.from({ length: count }, (_, i) => anEvent(`${prefix}-${i}`));

export const collect = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

/** A value that must be there. */
export const the = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('expected a value, got none');
  return value;
};

const isFields = (data: unknown): data is Readonly<Record<string, Json>> => typeof data === 'object' && data !== null;

/** The fields of data that must be an object. */
export const fieldsOf = (data: unknown): Readonly<Record<string, Json>> => {
  if (!isFields(data)) throw new Error(`expected an object, got ${JSON.stringify(data)}`);
  return data;
};

export const textOf = (data: unknown, field: string): string => {
  const text = fieldsOf(data)[field];
  if (typeof text !== 'string') throw new Error(`${field}: expected text, got ${JSON.stringify(text)}`);
  return text;
};

/** Text as a position, also where it is none. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const asPosition = (text: string): Position => text as Position;

/** The result of an append that must succeed. */
export const must = <L, R>(result: E.Either<L, R>): R => {
  if (E.isLeft(result)) throw new Error(`expected success, got ${JSON.stringify(result.left)}`);
  return result.right;
};

/** The refusal of an append that must be refused. */
export const refusal = (result: E.Either<AppendError, Appended>): AppendError => {
  if (E.isRight(result)) throw new Error(`expected a refusal, got ${JSON.stringify(result.right)}`);
  return result.left;
};

/** Appends events one by one at the end of a stream. */
export const appendTo = async (log: EventLog, stream: string, events: readonly NewEvent[]): Promise<void> => {
  for (const event of events) must(await log.append(stream, await log.streamHead(stream), [event])());
};

export const namesOf = (events: readonly RecordedEvent[]): readonly unknown[] =>
  events.map((event) => fieldsOf(event.data)['name']);

/** A clock that moves a second at each look. */
export const testClock = (): (() => string) => {
  let seconds = 0;
  return () => new Date(Date.UTC(2026, 0, 1) + 1000 * seconds++).toISOString();
};
