import type { Position, RecordedEvent } from '../../../events/envelope';
import { LogReadError, type ExpectedRevision, type Filter } from '../../ports/eventLog';
import type { ClientEvent, ClientFilter, ClientPosition, ClientReadStream, KurrentClient } from './client';
import { typeOf } from './errors';
import { compare, toPosition } from './positions';
import { isOwn, toFound, type Found } from './records';
import { mustBeOpen, patiently, type Session } from './session';

export interface Range {
  /** Exclusive. */
  readonly after: ClientPosition | undefined;
  /** Inclusive. */
  readonly until: ClientPosition | undefined;
  readonly backwards: boolean;
  readonly filter: Filter | undefined;
  readonly max: number;
}

export interface Reader {
  /** The ledger's events in the order of the log, page by page, up to what is there when each page is read. */
  range(range: Range): AsyncGenerator<RecordedEvent>;
  /** The event at exactly this place. */
  at(position: ClientPosition): Promise<RecordedEvent>;
  /** Where the ledger's last event lies, whatever it holds. */
  last(): Promise<Position | undefined>;
  /** Throws what is wrong with the ledger's last event: a database that is no ledger. */
  check(): Promise<void>;
  stream(stream: string, from: number | undefined, backwards: boolean, max: number): AsyncGenerator<RecordedEvent>;
  /** At most `max` events of a stream from a revision on, as the leader has them now. */
  look(stream: string, from: number, max: number): Promise<readonly Found[]>;
  revisionOf(stream: string): Promise<ExpectedRevision>;
}

/** The ledger's events only; the server leaves out what it can, `isWanted` does the rest. */
export const serverFilter = (filter: Filter | undefined, prefix: string): ClientFilter => {
  if (filter !== undefined && 'types' in filter) {
    return { filterOn: 'eventType', prefixes: [...filter.types], checkpointInterval: 32 };
  }
  const prefixes = (filter?.streamPrefix ?? ['']).map((one) => prefix + one);
  // Every system event has a type that begins with $, and so has every link.
  if (prefixes.includes('')) return { filterOn: 'eventType', regex: '^[^$]', checkpointInterval: 32 };
  return { filterOn: 'streamName', prefixes, checkpointInterval: 32 };
};

export const isWanted = (event: RecordedEvent, filter: Filter | undefined): boolean => {
  if (filter === undefined) return true;
  if ('types' in filter) return filter.types.includes(event.type);
  return filter.streamPrefix.some((prefix) => event.stream.startsWith(prefix));
};

/** No event passes a filter that names nothing. */
export const isEmpty = (filter: Filter | undefined): boolean =>
  filter !== undefined && ('types' in filter ? filter.types : filter.streamPrefix).length === 0;

export const createReader = (session: Session): Reader => {
  const { where, prefix, pageSize } = session;
  const found = (event: ClientEvent): Found | undefined => toFound(event, where, prefix);

  /** A whole page: left half-way, the client's reading would go on unseen. */
  const page = (read: (client: KurrentClient) => AsyncIterable<ClientEvent>): Promise<readonly ClientEvent[]> =>
    patiently(session, async (client) => {
      const events: ClientEvent[] = [];
      for await (const event of read(client)) events.push(event);
      return events;
    });

  /** What the server gives between two places, page by page, each place once. `left` is how many more are wanted. */
  const raw = async function* (
    { after, until, backwards, filter }: Omit<Range, 'max'>,
    left: () => number,
  ): AsyncGenerator<{ readonly one: ClientEvent; readonly position: ClientPosition }> {
    const wanted = serverFilter(filter, prefix);
    const direction = backwards ? 'backwards' : 'forwards';
    const ahead = backwards ? -1 : 1;
    let at = after;
    for (;;) {
      const start = at ?? (backwards ? 'end' : 'start');
      // The event at the start comes again (forwards), so one more than is wanted, and never just that one.
      const maxCount = Math.max(Math.min(pageSize, left() + 1), 2);
      const events = await page((client) =>
        client.readAll({ direction, fromPosition: start, maxCount, filter: wanted }),
      );
      for (const one of events) {
        const position = one.event?.position;
        if (position === undefined || (at !== undefined && compare(position, at) !== ahead)) continue;
        if (until !== undefined && compare(position, until) === ahead) return;
        at = position;
        yield { one, position };
      }
      if (events.length < maxCount) return;
    }
  };

  const range: Reader['range'] = async function* (wanted) {
    const { filter, max } = wanted;
    if (isEmpty(filter) || max <= 0) return;
    let left = max;
    for await (const { one } of raw(wanted, () => left)) {
      const event = found(one)?.event;
      if (event === undefined || !isWanted(event, filter)) continue;
      yield event;
      mustBeOpen(session);
      left -= 1;
      if (left === 0) return;
    }
  };

  const at: Reader['at'] = async (position) => {
    const [one] = await page((client) =>
      client.readAll({
        direction: 'forwards',
        fromPosition: position,
        maxCount: 1,
        filter: serverFilter(undefined, prefix),
      }),
    );
    const event = one === undefined ? undefined : found(one)?.event;
    if (event !== undefined && event.position === toPosition(position)) return event;
    const message = `there is no event at position ${toPosition(position)}`;
    throw new LogReadError({ tag: 'Damaged', where, message });
  };

  const all = { after: undefined, until: undefined, filter: undefined };

  const last: Reader['last'] = async () => {
    for await (const { one, position } of raw({ ...all, backwards: true }, () => 1)) {
      if (isOwn(one, prefix)) return toPosition(position);
    }
    return undefined;
  };

  const check: Reader['check'] = async () => {
    for await (const _ of range({ ...all, backwards: true, max: 1 })) return;
  };

  const gap = (stream: string, expected: number, got: string): LogReadError => {
    const message = `revision ${expected} of stream ${stream} is missing: ${got}; was the stream truncated on the server?`;
    return new LogReadError({ tag: 'Damaged', where: `${where}, stream ${stream}, revision ${expected}`, message });
  };

  const streamPage = (stream: string, options: Omit<ClientReadStream, 'requiresLeader'>): Promise<readonly Found[]> => {
    const read = async function* (client: KurrentClient): AsyncGenerator<ClientEvent> {
      try {
        yield* client.readStream(prefix + stream, { ...options, requiresLeader: true });
      } catch (failure) {
        if (typeOf(failure) !== 'stream-not-found') throw failure;
      }
    };
    return page(read).then((events) =>
      events.map((event) => {
        const one = found(event);
        if (one === undefined) throw gap(stream, Number(event.event?.revision), 'a link or a system event is there');
        return one;
      }),
    );
  };

  const revisionOf: Reader['revisionOf'] = async (stream) => {
    const [head] = await streamPage(stream, { direction: 'backwards', fromRevision: 'end', maxCount: 1 });
    return head === undefined ? 'noStream' : head.event.revision;
  };

  const stream: Reader['stream'] = async function* (name, from, backwards, max) {
    let next = from ?? 0;
    let until = Infinity;
    if (backwards) {
      const head = await revisionOf(name);
      if (head === 'noStream') return;
      next = Math.min(from ?? head, head);
    }
    for (let left = max; left > 0 && next >= 0; ) {
      const direction = backwards ? 'backwards' : 'forwards';
      const maxCount = Math.min(pageSize, left);
      const events = await streamPage(name, { direction, fromRevision: BigInt(next), maxCount });
      // What is appended while this reading goes on is not part of it.
      if (!backwards && until === Infinity && events.length === maxCount && left > maxCount) {
        const head = await revisionOf(name);
        until = head === 'noStream' ? -1 : head;
      }
      for (const { event } of events) {
        if (event.revision !== next) throw gap(name, next, `the next one is ${event.revision}`);
        if (event.revision > until) return;
        yield event;
        mustBeOpen(session);
        left -= 1;
        next += backwards ? -1 : 1;
      }
      if (events.length < maxCount) {
        if (backwards && next >= 0) throw gap(name, next, 'the stream begins behind it');
        return;
      }
    }
  };

  return {
    range,
    at,
    last,
    check,
    stream,
    revisionOf,
    look: (name, from, max) => streamPage(name, { direction: 'forwards', fromRevision: BigInt(from), maxCount: max }),
  };
};
