import * as E from 'fp-ts/Either';
import type { NewEvent } from '../../events/envelope';
import { decodeEvent, type DecodeError, type LedgerEvent } from '../../events/index';
import type { AppendError, EventLog, ExpectedRevision } from '../ports/eventLog';

/** A stream as its one writer sees it: what is there, and a way to go on from exactly there. */
export interface OpenStream {
  readonly stream: string;
  /** The events found when the stream was opened, decoded. */
  readonly events: readonly LedgerEvent[];
  /** Appends behind the last event that this writer knows of; another writer in between is noticed. */
  readonly append: (events: readonly NewEvent[]) => Promise<E.Either<AppendError, void>>;
}

/** Reads a stream to its end and remembers the revision to append at. */
export const openStream = async (log: EventLog, stream: string): Promise<E.Either<DecodeError, OpenStream>> => {
  const events: LedgerEvent[] = [];
  let expected: ExpectedRevision = 'noStream';
  for await (const recorded of log.readStream(stream)) {
    const decoded = decodeEvent(recorded);
    if (E.isLeft(decoded)) return decoded;
    events.push(decoded.right);
    expected = recorded.revision;
  }
  return E.right({
    stream,
    events,
    append: async (next) => {
      if (next.length === 0) return E.right(undefined);
      const appended = await log.append(stream, expected, next)();
      if (E.isLeft(appended)) return appended;
      expected = appended.right.revision;
      return E.right(undefined);
    },
  });
};

/**
 * Appends one event to the stream where it belongs, unless that very event is stored already. The event does not depend
 * on what else is in the stream, so another writer in between is no reason to give up.
 */
export const appendOnce = async (
  log: EventLog,
  stream: string,
  event: NewEvent,
): Promise<E.Either<AppendError, 'appended' | 'known'>> => {
  for (;;) {
    if ((await log.readEvent(event.id)) !== undefined) return E.right('known');
    const appended = await log.append(stream, await log.streamHead(stream), [event])();
    if (E.isRight(appended)) return E.right('appended');
    const { tag } = appended.left;
    // Another writer of the same event may have come between the look and the append.
    const again =
      tag === 'WrongExpectedRevision' || (tag === 'IdConflict' && (await log.readEvent(event.id)) !== undefined);
    if (!again) return appended;
  }
};
