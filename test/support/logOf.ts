import type { LedgerEvent } from '../../events/index';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import type { EventLog } from '../../src/ports/eventLog';
import { must, testClock } from './events';

/** Appends these events in their order, each behind what its stream has. */
export const appendAll = async (log: EventLog, events: readonly LedgerEvent[]): Promise<void> => {
  for (const { stream, id, type, version, data, meta } of events) {
    const { prev: _, ...rest } = meta;
    const event = { id, type, version, data: JSON.parse(JSON.stringify(data)), meta: rest };
    must(await log.append(stream, await log.streamHead(stream), [event])());
  }
};

/** These events on a log of their own, in this order. */
export const logOf = async (events: readonly LedgerEvent[]): Promise<EventLog> => {
  const log = openMemoryLog({ now: testClock() });
  await appendAll(log, events);
  return log;
};
