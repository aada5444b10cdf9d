import { setMaxListeners } from 'node:events';
import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import type { Position, RecordedEvent, StoredEvent } from '../../../events/envelope';
import { prepareAll } from '../../../events/prepare';
import { LogReadError, type AppendError, type EventLog, type ReadAll, type StoreError } from '../../ports/eventLog';
import { parseAddress, type Address } from './address';
import { createAppender } from './appender';
import { loadClient, packageName, packageVersion, type KurrentClient } from './client';
import { messageOf, toStoreError, within } from './errors';
import { follow } from './follower';
import { createKnownIds, type Known } from './knownIds';
import { compare, fromPosition } from './positions';
import { createReader } from './reader';
import { toStored } from './records';
import { mustBeOpen, type Session } from './session';

export interface KurrentLogOptions {
  /** address.ts says what it may hold. */
  readonly url: string;
  /** Longest wait for one answer, in milliseconds: 10,000 unless told otherwise. */
  readonly deadline?: number;
  /** How often a request is made before it has failed: 10, with pauses of 25 ms to 2 s. */
  readonly attempts?: number;
  /** How often in a row a follower asks for a new subscription: 60, with the same pauses. */
  readonly reconnects?: number;
  /** Events per page of a reading: 2000. (A page costs a round trip, with this client up to 45 ms.) */
  readonly pageSize?: number;
  /** What a mirror knows of this ledger, so that opening it for writing need not read all of it. */
  readonly known?: Known;
}

/** What differs from the stores in one file. */
export interface KurrentCapabilities {
  /** Positions grow with gaps: they are places in the server's log. */
  readonly positions: 'growing';
  /** `recordedAt` is the server's clock. */
  readonly clock: 'server';
  /**
   * An id is refused wherever this process knows it to be, and everywhere in its own stream. The server itself compares
   * ids at the expected revision only: of two processes that at the same moment append one id to two streams, both may
   * succeed. (Ids are made of content, and content says its stream, so `verify` would name the event in the wrong one.)
   */
  readonly idsUnique: 'inStream';
}

export type KurrentLog = EventLog & { readonly capabilities: KurrentCapabilities };

export const capabilities: KurrentCapabilities = { positions: 'growing', clock: 'server', idsUnique: 'inStream' };

/** The server keeps names that begin with $ for itself. */
const reserved = (stream: string, prefix: string, types: readonly string[]): string | undefined => {
  const bad = [...(prefix === '' ? [stream] : []), ...types].find((name) => name.startsWith('$'));
  return bad === undefined
    ? undefined
    : `KurrentDB keeps names that begin with $ for itself, got ${JSON.stringify(bad)}`;
};

/** Events of one page of readPages. */
const eventsPerPage = 1000;

const createLog = (session: Session, closing: AbortController, known: Known | undefined): KurrentLog => {
  const { where, prefix, deadline } = session;
  const reader = createReader(session);
  const ids = createKnownIds(reader, known);
  const appender = createAppender(session, reader, ids);
  const state = { closed: false };

  const append: EventLog['append'] = (stream, expected, events) => async () => {
    if (events.length === 0) throw new RangeError(`append to ${stream}: the batch is empty`);
    const prepared = prepareAll(stream, events);
    if ('message' in prepared) return E.left<AppendError>({ tag: 'NotJson', stream, ...prepared });
    const message = reserved(
      stream,
      prefix,
      prepared.map(({ type }) => type),
    );
    if (message !== undefined)
      return E.left<AppendError>({ tag: 'NotJson', stream, id: prepared[0]?.id ?? '', message });
    if (state.closed) return E.left<AppendError>({ tag: 'Unavailable', where, message: 'the log is closed' });
    return appender.append(stream, expected, prepared);
  };

  const readAll = async function* (read: ReadAll = {}): AsyncGenerator<RecordedEvent> {
    mustBeOpen(session);
    const place = (position: Position | undefined) => (position === undefined ? undefined : fromPosition(position));
    const [after, until] = [place(read.after), place(read.until)];
    const { filter, max = Infinity } = read;
    if (read.direction === 'backwards') {
      yield* reader.range({ after, until, backwards: true, filter, max });
      return;
    }
    // What is appended while this reading goes on is not part of it.
    const end = place(await reader.last());
    if (end === undefined) return;
    const first = until === undefined || compare(end, until) < 0 ? end : until;
    yield* reader.range({ after, until: first, backwards: false, filter, max });
  };

  const readPages = async function* (read: ReadAll = {}): AsyncGenerator<readonly StoredEvent[]> {
    let page: StoredEvent[] = [];
    try {
      for await (const event of readAll(read)) {
        page.push(toStored(event));
        if (page.length < eventsPerPage) continue;
        yield page;
        page = [];
      }
    } catch (failure) {
      // What came before the damage is still read.
      if (page.length > 0) yield page;
      throw failure;
    }
    if (page.length > 0) yield page;
  };

  const readAt: EventLog['readAt'] = async (positions) => {
    mustBeOpen(session);
    const found: StoredEvent[] = [];
    for (const place of [...new Set(positions)].map(fromPosition).sort(compare))
      found.push(toStored(await reader.at(place)));
    return found;
  };

  const close = async (): Promise<void> => {
    if (state.closed) return;
    state.closed = true;
    // Appends that were asked for are still done, unless the server does not answer.
    await within(deadline, appender.settled()).catch(() => {});
    closing.abort();
    await Promise.all(
      [session.following, session.writing].map((client) => within(deadline, client.dispose()).catch(() => {})),
    );
  };

  return {
    capabilities,
    append,
    readAll,
    readPages,
    readAt,
    readStream: async function* (stream, { from, direction, max = Infinity } = {}) {
      mustBeOpen(session);
      yield* reader.stream(stream, from, direction === 'backwards', max);
    },
    follow: async function* (options) {
      mustBeOpen(session);
      if (!options.signal.aborted) yield* follow(session, reader, options);
    },
    head: async () => {
      mustBeOpen(session);
      await ids.refresh();
      return { position: ids.last(), size: ids.size() };
    },
    streamHead: async (stream) => {
      mustBeOpen(session);
      return reader.revisionOf(stream);
    },
    readEvent: async (id) => {
      mustBeOpen(session);
      await ids.refresh();
      return ids.event(id);
    },
    comparePositions: (a, b) => compare(fromPosition(a), fromPosition(b)),
    close,
  };
};

const unavailable = (where: string, message: string): LogReadError =>
  new LogReadError({ tag: 'Unavailable', where, message });

const addressOf = (url: string): Address => {
  try {
    return parseAddress(url);
  } catch (failure) {
    // Not the address itself, which may hold a password.
    throw unavailable('the ledger’s address', messageOf(failure));
  }
};

const connect = ({ connection, shown }: Address): KurrentClient => {
  const loaded = loadClient();
  if (loaded === undefined) {
    throw unavailable(
      shown,
      `the package ${packageName} is not installed, and a KurrentDB ledger needs it: npm install ${packageName}@${packageVersion}`,
    );
  }
  try {
    return loaded.KurrentDBClient.connectionString(connection);
  } catch (failure) {
    throw unavailable(
      shown,
      `the client cannot be used with this address: ${messageOf(failure).replaceAll(connection, shown)}`,
    );
  }
};

const open = async (options: KurrentLogOptions): Promise<KurrentLog> => {
  const address = addressOf(options.url);
  const closing = new AbortController();
  // Every follower and every pause listens to it.
  setMaxListeners(0, closing.signal);
  let reading = connect(address);
  const session: Session = {
    reading: () => reading,
    renew: (failed) => {
      if (reading === failed) reading = connect(address);
    },
    connected: new WeakSet(),
    following: connect(address),
    writing: connect(address),
    where: address.shown,
    prefix: address.prefix,
    deadline: options.deadline ?? 10_000,
    attempts: options.attempts ?? 10,
    reconnects: options.reconnects ?? 60,
    pageSize: options.pageSize ?? 2000,
    closing: closing.signal,
  };
  const log = createLog(session, closing, options.known);
  try {
    // A server that is not there, and a database that is no ledger, are noticed now.
    await createReader(session).check();
    return log;
  } catch (failure) {
    // Reading names the event, and gives all those before it.
    if (failure instanceof LogReadError && failure.reason.tag === 'Damaged') return log;
    await log.close();
    throw failure;
  }
};

/** The ledger in a KurrentDB database, on one node or a cluster, for any number of writers and readers. */
export const openKurrentLog = (options: KurrentLogOptions): TE.TaskEither<StoreError, KurrentLog> =>
  TE.tryCatch(
    () => open(options),
    (failure) => toStoreError(failure, 'KurrentDB'),
  );
