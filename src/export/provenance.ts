import type { Row } from '../../projections/replayDataset';
import type { ExportInput } from './exportFormat';

/** A section without its text: characters [start, end) of the training text, counted in Unicode code points. */
export interface SectionSpan {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
  readonly weight: number;
  readonly event_id: string;
  readonly author: string | null;
}

/** Code points, which is how Python counts; a UTF-16 length counts some characters twice. */
const codePoints = (text: string): number => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

const spansOf = (row: Row): readonly SectionSpan[] => {
  let at = 0;
  return row.sections.map(({ kind, text, weight, eventId, author }) => {
    const start = at;
    at += codePoints(text);
    return { kind, start, end: at, weight, event_id: eventId, author };
  });
};

/** What all rows of a dataset share. */
export const sharedColumns = ({ dataset, origin }: ExportInput) => ({
  dataset,
  policy: origin?.policy.name ?? null,
  policy_digest: origin?.policy.digest ?? null,
  ledger_size: origin?.ledger.size ?? null,
  ledger_root: origin?.ledger.root ?? null,
});

/** Where a row came from, as columns beside its text: ids, the spans of its sections with their weights, the ledger. */
export const provenanceColumns = (row: Row, input: ExportInput) => ({
  row_id: row.id,
  problem_id: row.problemId,
  trajectory_id: row.trajectoryId,
  bucket: row.bucket,
  iteration: row.iteration,
  end_of_text: row.end,
  sections: spansOf(row),
  ...sharedColumns(input),
});
