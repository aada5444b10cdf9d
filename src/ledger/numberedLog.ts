import { positionOf, type Position, type RecordedEvent } from '../../events/envelope';
import type { EventLog } from '../ports/eventLog';
import type { Verifiable } from './verify';

const numberOf = (position: Position): number => Number(position);

/**
 * A log whose positions leave gaps, for `verify`: its events count 1, 2, 3, ..., as the mirror counts them. With `until`
 * it is the log as it was at that position. (Events of a single stream keep the store's own positions: `verify` asks
 * them for nothing but the sizes of seals.)
 */
export const numberedLog = (log: EventLog, until?: Position): Verifiable => {
  const last = until === undefined ? Infinity : numberOf(until);
  const readAll = async function* (): AsyncGenerator<RecordedEvent> {
    let n = 0;
    for await (const event of log.readAll()) {
      if (++n > last) return;
      yield { ...event, position: positionOf(n) };
    }
  };
  return {
    readAll,
    readStream: (stream) => log.readStream(stream),
    head: async () => {
      const size = Math.min((await log.head()).size, last);
      return { position: size === 0 ? undefined : positionOf(size), size };
    },
    comparePositions: (a, b) => (numberOf(a) < numberOf(b) ? -1 : numberOf(a) > numberOf(b) ? 1 : 0),
  };
};
