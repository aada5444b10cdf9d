import { from, lastValueFrom, mergeMap, toArray } from 'rxjs';

/** Does something to each of some items, so many at once; results in the order of the items. */
export const sideBySide = async <T, R>(
  items: readonly T[],
  atOnce: number,
  act: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> => {
  const results = from(items.map((item, index) => ({ item, index }))).pipe(
    mergeMap(async ({ item, index }) => ({ index, result: await act(item, index) }), Math.max(1, atOnce)),
    toArray(),
  );
  const all = await lastValueFrom(results, { defaultValue: [] });
  return all.sort((a, b) => a.index - b.index).map(({ result }) => result);
};
