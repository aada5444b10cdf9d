import type { Row, Section } from '../../projections/replayDataset';

/** A row cut where the student takes over. `prompt` and `completion`, joined by nothing, are the training text. */
export interface CutRow {
  readonly prompt: string;
  readonly completion: string;
  /** The sections of the completion. */
  readonly written: readonly Section[];
}

/** Cuts a row behind its leading prompt sections: everything after them is what the student learns to write in one go. */
export const cut = ({ sections }: Pick<Row, 'sections'>): CutRow => {
  const first = sections.findIndex(({ kind }) => kind !== 'prompt');
  const at = first < 0 ? sections.length : first;
  const textOf = (some: readonly Section[]): string => some.map(({ text }) => text).join('');
  return { prompt: textOf(sections.slice(0, at)), completion: textOf(sections.slice(at)), written: sections.slice(at) };
};

/** Weights of a trainer that learns the completion and not the prompt. */
export const completionWeights = (row: Row): readonly number[] => {
  const prompts = row.sections.length - cut(row).written.length;
  return row.sections.map((_, i) => (i < prompts ? 0 : 1));
};
