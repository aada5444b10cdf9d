import * as E from 'fp-ts/Either';
import { findKeyIn } from '../../events/secrets';
import type { AppendError, EventLog } from '../ports/eventLog';

/**
 * A log that stores no access key: an append whose events hold one, in data, in what is observed or in meta, is refused
 * whole. `secrets` are the very values in use; known key forms are refused without being named.
 */
export const guardedLog = (log: EventLog, secrets: readonly string[]): EventLog => ({
  append: (stream, expected, events) => {
    for (const { id, type, data, meta, observed } of events) {
      const found = findKeyIn({ data, meta, observed }, secrets);
      if (found === undefined) continue;
      const where = `${type} ${id} for stream ${stream}, ${found.path}`;
      const refused: AppendError = { tag: 'KeyInText', where, what: found.what };
      return async () => E.left(refused);
    }
    return log.append(stream, expected, events);
  },
  // Not a spread: a log may be an instance of a class.
  readStream: (stream, options) => log.readStream(stream, options),
  readAll: (options) => log.readAll(options),
  readPages: (options) => log.readPages(options),
  readAt: (positions) => log.readAt(positions),
  follow: (options) => log.follow(options),
  head: () => log.head(),
  streamHead: (stream) => log.streamHead(stream),
  readEvent: (id) => log.readEvent(id),
  comparePositions: (a, b) => log.comparePositions(a, b),
  close: () => log.close(),
});
