import * as E from 'fp-ts/Either';
import { contentId, type Json } from '../../events/digest';
import type { NewEvent, RecordedEvent } from '../../events/envelope';
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
  events.map((event) => (event.data as { readonly name?: unknown }).name);

/** A clock that moves a second at each look. */
export const testClock = (): (() => string) => {
  let seconds = 0;
  return () => new Date(Date.UTC(2026, 0, 1) + 1000 * seconds++).toISOString();
};
