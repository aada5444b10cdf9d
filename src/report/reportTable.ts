/** A table of the report, as every rendering for people shows it. */
export interface ReportTable {
  readonly id: string;
  readonly title: string;
  /** How to read it: sentences. */
  readonly notes: readonly string[];
  /** The first `labels` columns say what a row is of; the others are numbers. */
  readonly labels: number;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const iterationName = (iteration: number): string => (iteration === 0 ? 'base' : String(iteration));
