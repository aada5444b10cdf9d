import type { RecordedEvent } from '../../../events/envelope';
import { LogReadError, type CaughtUp, type Follow } from '../../ports/eventLog';
import type { ClientPosition, ClientSubscription } from './client';
import { isFinal, messageOf, toStoreError } from './errors';
import { compare, fromPosition, toPosition } from './positions';
import { isEmpty, isWanted, serverFilter, type Reader } from './reader';
import { toFound } from './records';
import { pause, type Session } from './session';

const later = (a: ClientPosition | undefined, b: ClientPosition | undefined): ClientPosition | undefined => {
  if (a === undefined || b === undefined) return a ?? b;
  return compare(a, b) < 0 ? b : a;
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Ends a subscription for good: left alone, the call to the server would go on. */
const end = async (subscription: ClientSubscription): Promise<void> => {
  subscription.destroy();
  await subscription.unsubscribe().catch(() => {});
};

/**
 * Reads up to the end of the log as it is now, says so, then listens. A subscription that ends, by whoever's doing, is
 * asked for again behind the last event that was handed on, so that none is missed and none comes twice. (The server's
 * checkpoints run ahead of what was handed on, and are not used.)
 */
export const follow = async function* (
  session: Session,
  reader: Reader,
  { after, filter, signal }: Follow,
): AsyncGenerator<RecordedEvent | CaughtUp> {
  const { following, where, prefix, reconnects, closing } = session;
  const stop = AbortSignal.any([signal, closing]);
  let last = after === undefined ? undefined : fromPosition(after);
  const head = await reader.last();
  const until = head === undefined ? undefined : fromPosition(head);
  if (until !== undefined && (last === undefined || compare(last, until) < 0)) {
    for await (const event of reader.range({ after: last, until, backwards: false, filter, max: Infinity })) {
      yield event;
      if (stop.aborted) return;
    }
  }
  last = later(last, until);
  yield { tag: 'CaughtUp', position: last === undefined ? undefined : toPosition(last) };
  if (isEmpty(filter)) await aborted(stop);
  const wanted = serverFilter(filter, prefix);

  for (let failures = 0; !stop.aborted; ) {
    let said = 'it ended the subscription';
    const subscription = following.subscribeToAll({ fromPosition: last ?? 'start', filter: wanted });
    subscription.on('error', () => {});
    const quit = (): void => void subscription.destroy();
    stop.addEventListener('abort', quit);
    try {
      for await (const raw of subscription) {
        failures = 0;
        const position = raw.event?.position;
        if (position === undefined || (last !== undefined && compare(position, last) <= 0)) continue;
        const found = toFound(raw, where, prefix);
        last = position;
        if (found !== undefined && isWanted(found.event, filter)) yield found.event;
        if (stop.aborted) return;
      }
    } catch (failure) {
      if (stop.aborted) return;
      if (isFinal(failure)) throw new LogReadError(toStoreError(failure, where));
      said = messageOf(failure);
    } finally {
      stop.removeEventListener('abort', quit);
      await end(subscription);
    }
    failures += 1;
    if (failures > reconnects) {
      const message = `no subscription in ${failures} attempts: ${said}`;
      throw new LogReadError({ tag: 'Unavailable', where, message });
    }
    await pause(failures, stop);
  }
};
