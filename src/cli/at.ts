import { positionOf, type Position } from '../../events/envelope';
import type { EventLog, ReadAll } from '../ports/eventLog';
import type { Args } from './args';
import type { Context } from './command';
import { usage } from './faults';

/**
 * The log as it was at a position: what came later is not read. Appending goes to the log as it is now, so a dataset that
 * is derived at a position is recorded at the end, with the prefix that it was folded from.
 */
export const logAt = (log: EventLog, until: Position): EventLog => {
  const isBefore = (position: Position): boolean => log.comparePositions(position, until) <= 0;
  const readAll = (read: ReadAll = {}) => {
    if (read.direction === 'backwards') throw new Error('logAt: a prefix is read forwards only');
    return log.readAll({ ...read, until: read.until !== undefined && isBefore(read.until) ? read.until : until });
  };
  return {
    ...log,
    readAll,
    readStream: async function* (stream, options) {
      for await (const event of log.readStream(stream, options)) if (isBefore(event.position)) yield event;
    },
    head: async () => {
      let position: Position | undefined;
      let size = 0;
      for await (const event of readAll()) {
        position = event.position;
        size += 1;
      }
      return { position, size };
    },
  };
};

/** The log that a reading command reads: all of it, or the prefix that --at names. */
export const readingLog = async (log: EventLog, args: Args, context: Context): Promise<EventLog> => {
  const at = args.whole('at');
  if (at === undefined) return log;
  const { position, size } = await log.head();
  const until = positionOf(at);
  if (at === 0 || position === undefined || log.comparePositions(until, position) > 0) {
    return usage(`--at: expected a position from 1 to ${position ?? 0} (${size} events), got ${at}`);
  }
  context.note(`Reading the ledger as it was at position ${at} of ${position}.`);
  return logAt(log, until);
};
