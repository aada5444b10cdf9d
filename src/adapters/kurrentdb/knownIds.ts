import type { Position, RecordedEvent } from '../../../events/envelope';
import type { ClientPosition } from './client';
import { createIdIndex, type Place } from './idIndex';
import { fromPosition } from './positions';
import type { Reader } from './reader';

/** What is known of the ledger already: a mirror's events, and the position up to which it holds all of them. */
export interface Known {
  readonly events: AsyncIterable<{ readonly id: string } & Place>;
  readonly after: Position;
}

/** Every id of the ledger and how many events there are, as of the last look. */
export interface KnownIds {
  /** Looks at what was appended since the last look: everything that was stored when it is called. */
  refresh(): Promise<void>;
  /** Resolves when the ledger has been looked through once. */
  ready(): Promise<void>;
  /** Takes note of an event of our own. */
  add(id: string, place: Place): void;
  /** The event with this id, read from where it is stored. */
  event(id: string): Promise<RecordedEvent | undefined>;
  mayHave(id: string): boolean;
  size(): number;
  last(): Position | undefined;
}

export const createKnownIds = (reader: Reader, known: Known | undefined): KnownIds => {
  const index = createIdIndex();
  let size = 0;
  let last: Position | undefined;
  let seeded = known === undefined;
  let once: Promise<void> | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const seed = async ({ events, after }: Known): Promise<void> => {
    for await (const { id, stream, revision } of events) {
      index.add(id, { stream, revision });
      size += 1;
    }
    last = after;
    seeded = true;
  };

  const scan = async (): Promise<void> => {
    if (!seeded && known !== undefined) await seed(known);
    const after: ClientPosition | undefined = last === undefined ? undefined : fromPosition(last);
    const all = { after, until: undefined, backwards: false, filter: undefined, max: Infinity };
    for await (const { id, stream, revision, position } of reader.range(all)) {
      index.add(id, { stream, revision });
      size += 1;
      last = position;
    }
  };

  const refresh = (): Promise<void> => {
    if (running === undefined) {
      running = scan().finally(() => {
        running = undefined;
      });
      return running;
    }
    // What is under way may have passed the place already: one more look, shared by all who ask meanwhile.
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return refresh();
      });
    return next;
  };

  return {
    refresh,
    ready: () => {
      once ??= refresh().catch((failure) => {
        once = undefined;
        throw failure;
      });
      return once;
    },
    add: (id, place) => index.add(id, place),
    mayHave: (id) => index.find(id).length > 0,
    event: async (id) => {
      for (const { stream, revision } of index.find(id)) {
        const [found] = await reader.look(stream, revision, 1);
        if (found?.event.id === id) return found.event;
      }
      return undefined;
    },
    size: () => size,
    last: () => last,
  };
};
