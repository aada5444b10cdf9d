/** Work that must not overlap when it shares a key, and may when it does not. */
export interface InOrder {
  /** Starts when everything that was given before and shares a key has ended. */
  run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

export const inOrder = (): InOrder => {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run: (keys, work) => {
      const before = keys.map((key) => tails.get(key)).filter((tail) => tail !== undefined);
      const result = Promise.all(before).then(work);
      const tail = result
        .catch(() => {})
        .finally(() => {
          for (const key of keys) if (tails.get(key) === tail) tails.delete(key);
        });
      for (const key of keys) tails.set(key, tail);
      return result;
    },
    settled: async () => {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
};

/** A number of things that may be under way at once. */
export interface Permits {
  /** Waits for so many; gives what returns them. Who asks first gets first. */
  take(count: number): Promise<() => void>;
}

export const permits = (all: number): Permits => {
  let free = all;
  const waiting: { readonly count: number; readonly go: () => void }[] = [];
  const serve = (): void => {
    for (let first = waiting[0]; first !== undefined && first.count <= free; first = waiting[0]) {
      waiting.shift();
      free -= first.count;
      first.go();
    }
  };
  return {
    take: (count) =>
      new Promise((resolve) => {
        const back = (): void => {
          free += count;
          serve();
        };
        waiting.push({ count, go: () => resolve(back) });
        serve();
      }),
  };
};
