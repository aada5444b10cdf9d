/** Where the first of the stop texts begins, or -1. */
const stopAt = (text: string, stops: readonly string[]): number =>
  stops.reduce((first, stop) => {
    const at = stop === '' ? -1 : text.indexOf(stop);
    return at >= 0 && (first < 0 || at < first) ? at : first;
  }, -1);

/** The text in front of the first stop text. */
export const textBefore = (text: string, stops: readonly string[]): string => {
  const at = stopAt(text, stops);
  return at < 0 ? text : text.slice(0, at);
};

/** Of tokens, the fewest whose text holds one of the stop texts; undefined where not even all of them do. */
export const firstStop =
  (textOf: (tokenIds: readonly number[]) => string, stops: readonly string[]) =>
  (tokenIds: readonly number[]): number | undefined => {
    const holds = (count: number): boolean => stopAt(textOf(tokenIds.slice(0, count)), stops) >= 0;
    if (!holds(tokenIds.length)) return undefined;
    // A text that holds a stop still does with more behind it, so the fewest are found by halving.
    let [without, withStop] = [0, tokenIds.length];
    while (withStop - without > 1) {
      const middle = Math.floor((without + withStop) / 2);
      if (holds(middle)) withStop = middle;
      else without = middle;
    }
    return withStop;
  };
