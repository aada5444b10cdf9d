import { setImmediate } from 'node:timers/promises';
import type { RecordedEvent, StoredEvent } from '../../../events/envelope';
import type { EventLog, ReadAll } from '../../ports/eventLog';
import { filterSql, type Range, type Reader } from './reader';
import { numberOf } from './rows';

const last = Number.MAX_SAFE_INTEGER;
/** Positions of one query of readAt. */
const atOnce = 1000;

/** The log's readings over the rows of a file; each notices when the log is closed meanwhile. */
export const createReadings = (
  reader: Reader,
  mustBeOpen: () => void,
): Pick<EventLog, 'readAll' | 'readPages' | 'readAt' | 'readStream'> => {
  const rangeOf = (read: ReadAll): Range => {
    mustBeOpen();
    const backwards = read.direction === 'backwards';
    // What is appended while this reading goes on is not part of it.
    const stored = reader.last().position;
    const [low, high] = backwards
      ? [numberOf(read.until, 0), numberOf(read.after, last) - 1]
      : [numberOf(read.after, 0) + 1, numberOf(read.until, last)];
    const range = { column: 'position', backwards, low, high: Math.min(high, stored), max: read.max ?? last } as const;
    return { ...range, ...filterSql(read.filter) };
  };

  const readAll = async function* (read: ReadAll = {}): AsyncGenerator<RecordedEvent> {
    for await (const page of reader.range(rangeOf(read))) {
      for (const event of page) {
        yield event;
        mustBeOpen();
      }
    }
  };

  const readPages = async function* (read: ReadAll = {}): AsyncGenerator<readonly StoredEvent[]> {
    for await (const page of reader.pages(rangeOf(read))) {
      yield page;
      mustBeOpen();
    }
  };

  const readAt: EventLog['readAt'] = async (positions) => {
    const asked = [...new Set(positions.map((position) => numberOf(position, 0)))].sort((a, b) => a - b);
    const found: StoredEvent[] = [];
    for (let from = 0; from < asked.length; from += atOnce) {
      mustBeOpen();
      found.push(...reader.at(asked.slice(from, from + atOnce)));
      await setImmediate();
    }
    return found;
  };

  const readStream: EventLog['readStream'] = async function* (stream, read = {}) {
    mustBeOpen();
    const backwards = read.direction === 'backwards';
    const head = reader.revisionOf(stream);
    if (head === 'noStream') return;
    const low = backwards ? 0 : (read.from ?? 0);
    const high = backwards ? Math.min(read.from ?? head, head) : head;
    const range = { column: 'revision', backwards, low, high, max: read.max ?? last } as const;
    for await (const page of reader.range({ ...range, condition: 'stream = ?', parameters: [stream] })) {
      for (const event of page) {
        yield event;
        mustBeOpen();
      }
    }
  };

  return { readAll, readPages, readAt, readStream };
};
