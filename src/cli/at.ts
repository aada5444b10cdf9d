import { positionOf, type Position } from '../../events/envelope';
import { LogReadError, type EventLog, type ReadAll } from '../ports/eventLog';
import type { Args } from './args';
import type { Context } from './command';
import { stop, usage } from './faults';
import { parseTime } from './time';

/**
 * The log as it was at a position: what came later is not read. Appending goes to the log as it is now, so a dataset that
 * is derived at a position is recorded at the end, with the prefix that it was folded from.
 */
export const logAt = (log: EventLog, until: Position): EventLog => {
  const isBefore = (position: Position): boolean => log.comparePositions(position, until) <= 0;
  const inside = (read: ReadAll = {}): ReadAll => {
    if (read.direction === 'backwards') throw new Error('logAt: a prefix is read forwards only');
    return { ...read, until: read.until !== undefined && isBefore(read.until) ? read.until : until };
  };
  return {
    ...log,
    readAll: (read) => log.readAll(inside(read)),
    readPages: (read) => log.readPages(inside(read)),
    readAt: async (positions) => {
      const message = `it is behind ${until}, where the prefix ends`;
      for (const position of positions)
        if (!isBefore(position)) throw new LogReadError({ tag: 'Damaged', where: `position ${position}`, message });
      return log.readAt(positions);
    },
    readStream: async function* (stream, options) {
      for await (const event of log.readStream(stream, options)) if (isBefore(event.position)) yield event;
    },
    readEvent: async (id) => {
      const event = await log.readEvent(id);
      return event !== undefined && isBefore(event.position) ? event : undefined;
    },
    follow: () => {
      throw new Error('logAt: a prefix does not grow');
    },
    head: async () => {
      let position: Position | undefined;
      let size = 0;
      for await (const page of log.readPages(inside())) {
        position = page.at(-1)?.position;
        size += page.length;
      }
      return { position, size };
    },
  };
};

/** The longest prefix of the log in which no event was recorded later than a time. */
export interface Prefix {
  readonly until: Position | undefined;
  /** When its last event was recorded; that of the first event of all where the prefix is empty. */
  readonly recordedAt: string | undefined;
  /** The first place in it where the clock had gone back, if it had. */
  readonly wentBack: Position | undefined;
}

/**
 * Positions order the ledger, times only describe it: clocks go back, and differ between machines. So the prefix ends
 * before the first event that is later than `to` (milliseconds since 1970), whatever the times behind that event say.
 */
export const prefixUntil = async (log: EventLog, to: number, signal: AbortSignal): Promise<Prefix> => {
  let until: Position | undefined;
  let recordedAt: string | undefined;
  let wentBack: Position | undefined;
  let latest = Number.NEGATIVE_INFINITY;
  for await (const event of log.readAll()) {
    if (signal.aborted) return stop({ tag: 'Stopped', what: 'the position of --at was looked for' });
    const time = Date.parse(event.recordedAt);
    // A time that cannot be read is not known to be early enough.
    if (!(time <= to)) return { until, recordedAt: recordedAt ?? event.recordedAt, wentBack };
    if (time < latest) wentBack ??= event.position;
    latest = Math.max(latest, time);
    ({ position: until, recordedAt } = event);
  }
  return { until, recordedAt, wentBack };
};

const positionAtTime = async (log: EventLog, text: string, to: number, context: Context): Promise<Position> => {
  const { until, recordedAt, wentBack } = await prefixUntil(log, to, context.signal);
  if (until === undefined)
    return usage(
      `--at: nothing was recorded by ${text}; the first event is of ${recordedAt ?? 'no time: there is none'}`,
    );
  context.note(`Reading the ledger as it was at ${text}: up to position ${until}, recorded ${recordedAt}.`);
  if (wentBack !== undefined)
    context.note(`The clock went back at position ${wentBack}; the prefix ends before the first event that is later.`);
  return until;
};

/** The position that --at names, by itself or by a time; undefined without --at. */
export const untilOf = async (log: EventLog, args: Args, context: Context): Promise<Position | undefined> => {
  const text = args.text('at');
  if (text === undefined) return undefined;
  const span = parseTime(text);
  if (span !== undefined) return positionAtTime(log, text, span.to, context);
  if (!/^[0-9]+$/.test(text)) {
    return usage(`--at: expected a position, or a time such as 2026-11-24T12:44:05Z, got ${JSON.stringify(text)}`);
  }
  const at = args.whole('at') ?? 0;
  const until = positionOf(at);
  let found = false;
  if (at > 0) for await (const _ of log.readAll({ after: positionOf(at - 1), until, max: 1 })) found = true;
  if (!found) {
    const { position, size } = await log.head();
    return usage(`--at: expected a position from 1 to ${position ?? 0} (${size} events), got ${at}`);
  }
  context.note(`Reading the ledger as it was at position ${at}.`);
  return until;
};

/** The log that a reading command reads: all of it, or the prefix that --at names by its last position or by a time. */
export const readingLog = async (log: EventLog, args: Args, context: Context): Promise<EventLog> => {
  const until = await untilOf(log, args, context);
  return until === undefined ? log : logAt(log, until);
};
