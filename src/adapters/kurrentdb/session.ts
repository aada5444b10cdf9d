import { setTimeout } from 'node:timers/promises';
import { LogReadError } from '../../ports/eventLog';
import type { KurrentClient } from './client';
import { isFinal, toStoreError, within } from './errors';

/** One connection to the server, and how much patience there is with it. */
export interface Session {
  /** For readings: whichever client is the current one. */
  readonly reading: () => KurrentClient;
  /** Replaces the client for readings, if it is still this one. */
  readonly renew: (failed: KurrentClient) => void;
  /** Clients that have read something. */
  readonly connected: WeakSet<KurrentClient>;
  readonly following: KurrentClient;
  /** For appends: it is reset when an answer does not come, which must not end anybody's subscription. */
  readonly writing: KurrentClient;
  /** The address as it may be shown. */
  readonly where: string;
  /** What stream names begin with on the server. */
  readonly prefix: string;
  /** Longest wait for one answer, in milliseconds. */
  readonly deadline: number;
  /** How often a request is made before it has failed. */
  readonly attempts: number;
  /** How often in a row a follower that gets nothing asks for a new subscription. */
  readonly reconnects: number;
  readonly pageSize: number;
  readonly closing: AbortSignal;
}

/** 25 ms, then twice as long each time, up to 2 s; ends early when the log closes or `signal` aborts. */
export const pause = async (attempt: number, signal: AbortSignal): Promise<void> => {
  await setTimeout(Math.min(25 * 2 ** (attempt - 1), 2000), undefined, { signal }).catch(() => {});
};

export const mustBeOpen = ({ closing, where }: Session): void => {
  if (closing.aborted) throw new LogReadError({ tag: 'Unavailable', where, message: 'the log is closed' });
};

/**
 * Asks again while asking again may help. Only for readings: nothing changes on the server. The part of the client that
 * reads looks for the leader once and then stays with that node for ever, so that from the second failure on it is
 * replaced.
 */
export const patiently = async <T>(session: Session, ask: (client: KurrentClient) => Promise<T>): Promise<T> => {
  const { deadline, connected } = session;
  for (let attempt = 1; ; attempt++) {
    mustBeOpen(session);
    const client = session.reading();
    try {
      // A client's first reading connects first, for which this one may take half a second.
      const answer = await within(connected.has(client) ? deadline : Math.max(deadline, 5000), ask(client));
      connected.add(client);
      return answer;
    } catch (failure) {
      if (isFinal(failure) || attempt >= session.attempts) throw new LogReadError(toStoreError(failure, session.where));
      if (attempt > 1) session.renew(client);
      await pause(attempt, session.closing);
    }
  }
};
