import { sha256 } from '../../../events/digest';

export interface Place {
  readonly stream: string;
  readonly revision: number;
}

/**
 * Where each event id is stored: 16 bytes a slot, and each stream's name once. The server can look up no id, so that
 * a writer has to know them all. Ids are held by 64 bits of their digest: a place that is found must be looked at.
 */
export interface IdIndex {
  /** Takes note of a place; of one that is known, nothing. */
  add(id: string, place: Place): void;
  /** Places whose id has this digest. */
  find(id: string): readonly Place[];
}

export const createIdIndex = (): IdIndex => {
  const streams: string[] = [];
  const numbers = new Map<string, number>();
  let slots = 1024;
  let used = 0;
  /** Four cells a slot: two of the digest, the stream's number + 1 (0 is an empty slot), the revision. */
  let cells = new Uint32Array(4 * slots);

  const numberOf = (stream: string): number => {
    const known = numbers.get(stream);
    if (known !== undefined) return known;
    numbers.set(stream, streams.push(stream));
    return streams.length;
  };

  const put = (high: number, low: number, stream: number, revision: number): void => {
    let slot = low % slots;
    for (; cells[4 * slot + 2] !== 0; slot = (slot + 1) % slots) {
      const at = 4 * slot;
      const same = cells[at] === high && cells[at + 1] === low;
      if (same && cells[at + 2] === stream && cells[at + 3] === revision) return;
    }
    cells.set([high, low, stream, revision], 4 * slot);
    used += 1;
  };

  const grow = (): void => {
    const before = cells;
    slots *= 2;
    used = 0;
    cells = new Uint32Array(4 * slots);
    for (let at = 0; at < before.length; at += 4) {
      const stream = before[at + 2] ?? 0;
      if (stream !== 0) put(before[at] ?? 0, before[at + 1] ?? 0, stream, before[at + 3] ?? 0);
    }
  };

  const keyOf = (id: string): readonly [number, number] => {
    const digest = sha256(id);
    return [parseInt(digest.slice(0, 8), 16), parseInt(digest.slice(8, 16), 16)];
  };

  return {
    add: (id, { stream, revision }) => {
      if (used * 10 > slots * 7) grow();
      const [high, low] = keyOf(id);
      put(high, low, numberOf(stream), revision);
    },
    find: (id) => {
      const [high, low] = keyOf(id);
      const found: Place[] = [];
      for (let slot = low % slots; cells[4 * slot + 2] !== 0; slot = (slot + 1) % slots) {
        const at = 4 * slot;
        if (cells[at] !== high || cells[at + 1] !== low) continue;
        found.push({ stream: streams[(cells[at + 2] ?? 0) - 1] ?? '', revision: cells[at + 3] ?? 0 });
      }
      return found;
    },
  };
};
