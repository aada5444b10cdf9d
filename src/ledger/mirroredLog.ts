import * as E from 'fp-ts/Either';
import type { Position, RecordedEvent } from '../../events/envelope';
import { LogReadError, type AppendError, type Appended, type EventLog, type ReadAll } from '../ports/eventLog';
import type { Mirror } from '../ports/mirror';

export interface MirroredOptions {
  /** Appends are refused, as by a file that is open for reading. */
  readonly readOnly?: boolean;
  /** Told how many events have been copied, until all that was there at the beginning has. */
  readonly onCatchUp?: (copied: number) => void;
}

/** The mirror's last event, and what the source has in its place. */
export interface MirrorMismatch {
  readonly mirrored: RecordedEvent;
  readonly found: RecordedEvent | undefined;
}

/** Where the mirror's last event is not what the source has there; undefined where both agree, or nothing was copied. */
export const mirrorMismatch = async (source: EventLog, mirror: Mirror): Promise<MirrorMismatch | undefined> => {
  for await (const mirrored of mirror.log.readAll({ direction: 'backwards', max: 1 })) {
    let found: RecordedEvent | undefined;
    for await (const event of source.readStream(mirrored.stream, { from: mirrored.revision, max: 1 })) found = event;
    const same = found?.leaf === mirrored.leaf && found.position === mirror.source();
    return same ? undefined : { mirrored, found };
  }
  return undefined;
};

interface Waiting {
  readonly until: Position;
  readonly resolve: () => void;
  readonly reject: (failure: unknown) => void;
}

/** Most events per transaction of the mirror. */
const pageSize = 1000;

/** Keeps a mirror up to date by one subscription. */
const createFeed = (source: EventLog, mirror: Mirror, onCatchUp: (copied: number) => void) => {
  const stop = new AbortController();
  const waiting = new Set<Waiting>();
  let failure: unknown;
  let caughtUp = (): void => undefined;
  let failed: (failure: unknown) => void = () => undefined;
  /** All that the source held when the feed began has been copied. */
  const ready = new Promise<void>((resolve, reject) => {
    caughtUp = resolve;
    failed = reject;
  });
  ready.catch(() => undefined);

  const reached = (until: Position): boolean => {
    const at = mirror.source();
    return at !== undefined && source.comparePositions(until, at) <= 0;
  };

  const take = (page: readonly RecordedEvent[]): void => {
    if (page.length === 0) return;
    mirror.take(page);
    for (const one of waiting) {
      if (!reached(one.until)) continue;
      waiting.delete(one);
      one.resolve();
    }
  };

  let page: RecordedEvent[] = [];
  let copied = 0;
  let live = false;
  let scheduled = false;
  let broken: unknown;

  const flush = (): void => {
    const full = page;
    page = [];
    take(full);
    copied += full.length;
    if (!live) onCatchUp(copied);
  };

  /** What arrives in one turn of the event loop goes into one transaction. */
  const flushSoon = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      try {
        flush();
      } catch (caught) {
        broken ??= caught;
        stop.abort();
      }
    });
  };

  const follow = async (): Promise<void> => {
    const after = mirror.source();
    try {
      for await (const item of source.follow({ ...(after === undefined ? {} : { after }), signal: stop.signal })) {
        if ('tag' in item) {
          flush();
          live = true;
          caughtUp();
          continue;
        }
        page.push(item);
        if (page.length === pageSize) flush();
        else flushSoon();
      }
    } finally {
      // What came before a failure is whole, and is kept.
      if (broken === undefined) flush();
    }
    if (broken !== undefined) throw broken;
  };

  const running = follow().catch((caught) => {
    failure = caught;
    failed(caught);
    for (const { reject } of waiting) reject(caught);
    waiting.clear();
  });

  return {
    ready,
    failure: () => failure,
    /** Resolves when everything up to this position of the source has been copied. */
    reach: (until: Position): Promise<void> =>
      new Promise((resolve, reject) => {
        if (reached(until)) resolve();
        else if (failure !== undefined) reject(failure);
        else waiting.add({ until, resolve, reject });
      }),
    end: async (): Promise<void> => {
      stop.abort();
      await running;
    },
  };
};

/** Whether the mirror holds everything up to one of its own positions already. */
const holds = async (mirror: Mirror, until: Position): Promise<boolean> => {
  const { position } = await mirror.log.head();
  return position !== undefined && mirror.log.comparePositions(until, position) <= 0;
};

/**
 * A ledger that is appended to where it lies and read from a local mirror. Its positions are the mirror's: the n-th
 * event is at position n.
 *
 * What one process sees: all that was there when it opened the log, everything it has appended (an append resolves when
 * the mirror has it), and everything because of which an append of its own was refused. What others append comes a
 * moment later; who acts on an older view is refused by the expected revision.
 */
export const mirroredLog = (source: EventLog, mirror: Mirror, options: MirroredOptions = {}): EventLog => {
  const feed = createFeed(source, mirror, options.onCatchUp ?? (() => undefined));
  const { log } = mirror;
  const appending = new Set<Promise<unknown>>();
  const state = { closed: false };

  const ready = async (): Promise<void> => {
    if (!state.closed) await feed.ready;
    // A feed that has ended since would show an older ledger as if it were today's.
    if (!state.closed && feed.failure() !== undefined) throw feed.failure();
  };

  const unavailable = (message: string): E.Either<AppendError, Appended> =>
    E.left({ tag: 'Unavailable', where: mirror.where, message });

  /** The append as the source answered it, with the mirror's position. */
  const inMirror = async (appended: Appended): Promise<Appended> => {
    await feed.reach(appended.position);
    for await (const { position } of log.readStream(appended.stream, { from: appended.revision, max: 1 })) {
      return { ...appended, position };
    }
    throw new Error(`${appended.stream}@${appended.revision} was mirrored and is not there`);
  };

  const appendNow = async (...given: Parameters<EventLog['append']>): Promise<E.Either<AppendError, Appended>> => {
    const appended = await source.append(...given)();
    try {
      if (E.isRight(appended)) return E.right(await inMirror(appended.right));
      const { tag } = appended.left;
      if (tag === 'WrongExpectedRevision' || tag === 'IdConflict' || tag === 'PartialDuplicate') {
        // Who was refused because of an event must find it when looking again.
        const { position } = await source.head();
        if (position !== undefined) await feed.reach(position);
      }
      return appended;
    } catch (failure) {
      if (!(failure instanceof LogReadError)) throw failure;
      return E.isLeft(appended) ? appended : E.left(failure.reason);
    }
  };

  const append: EventLog['append'] = (stream, expected, events) => async () => {
    if (state.closed) return unavailable('the log is closed');
    if (options.readOnly === true) return unavailable('the log is open for reading only');
    const failure = feed.failure();
    if (failure instanceof LogReadError) return E.left(failure.reason);
    const result = appendNow(stream, expected, events);
    const settled = result.catch(() => undefined).finally(() => appending.delete(settled));
    appending.add(settled);
    return result;
  };

  const readyFor = async ({ until, direction }: ReadAll): Promise<void> => {
    // A prefix that is there already needs nothing more, also when what comes behind it is damaged.
    const prefix = until !== undefined && direction !== 'backwards' && (await holds(mirror, until));
    if (!prefix) await ready();
  };

  return {
    append,
    readAll: async function* (read = {}) {
      await readyFor(read);
      yield* log.readAll(read);
    },
    readPages: async function* (read = {}) {
      await readyFor(read);
      yield* log.readPages(read);
    },
    // Who knows a position has read it here.
    readAt: (positions) => log.readAt(positions),
    readStream: async function* (stream, read) {
      await ready();
      yield* log.readStream(stream, read);
    },
    follow: async function* (read) {
      await ready();
      yield* log.follow(read);
    },
    head: async () => {
      await ready();
      return log.head();
    },
    streamHead: async (stream) => {
      await ready();
      return log.streamHead(stream);
    },
    readEvent: async (id) => {
      await ready();
      return log.readEvent(id);
    },
    comparePositions: (a, b) => log.comparePositions(a, b),
    close: async () => {
      if (state.closed) return;
      state.closed = true;
      await Promise.all(appending);
      await feed.end();
      await source.close();
      await mirror.close();
    },
  };
};
