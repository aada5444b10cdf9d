/**
 * Saved states of projections, by name: a copy of what folding gives, to go on from. Any of them may be gone, old or wrong
 * at any time; who loads one checks it (src/run/foldSaved.ts).
 */
export interface StateStore {
  /** Undefined where there is none that can be read. */
  load(name: string): Promise<string | undefined>;
  /** Whole or not at all. Where nothing can be written, nothing is: the next fold begins at the start. */
  save(name: string, text: string): Promise<void>;
}
