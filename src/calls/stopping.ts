/** Controllers that a signal aborts: one listener a signal, however many calls are under way. */
const dependants = new WeakMap<AbortSignal, Set<AbortController>>();

const dependantsOf = (signal: AbortSignal): Set<AbortController> => {
  const known = dependants.get(signal);
  if (known !== undefined) return known;
  const made = new Set<AbortController>();
  dependants.set(signal, made);
  signal.addEventListener('abort', () => {
    for (const controller of made) controller.abort();
  });
  return made;
};

/**
 * A controller of one's own that a signal aborts too, until it is released. `AbortSignal.any` would do the same and keep
 * something of every call for as long as the signal lives.
 */
export const stoppedBy = (
  signal: AbortSignal | undefined,
): { readonly controller: AbortController; readonly release: () => void } => {
  const controller = new AbortController();
  if (signal === undefined) return { controller, release: () => undefined };
  if (signal.aborted) controller.abort();
  const all = dependantsOf(signal);
  all.add(controller);
  return { controller, release: () => void all.delete(controller) };
};
