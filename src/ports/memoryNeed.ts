/** Memory that something needs at its peak, as far as shapes tell. */
export interface MemoryNeed {
  readonly bytes: number;
  readonly parts: readonly { readonly what: string; readonly bytes: number }[];
  /** Settings that would need less, as they are written in a config; the smallest change first. */
  readonly alternatives: readonly { readonly change: string; readonly bytes: number }[];
}
