import { toLines, type Row } from '../../projections/replayDataset';
import type { ExportFormat, ExportInput } from './exportFormat';
import { provenanceColumns } from './provenance';

interface Segment {
  readonly label: boolean;
  readonly text: string;
}

const isTrained = (weight: number): boolean => weight > 0;

/** The end token weighs as the last section; the begin token is not trained on (src/train/batches.ts). */
const segmentsOf = (row: Row, { marks }: ExportInput): readonly Segment[] => {
  const segments = row.sections.map(({ text, weight }): Segment => ({ label: isTrained(weight), text }));
  const last = segments[segments.length - 1];
  if (marks.bos !== null) segments.unshift({ label: false, text: marks.bos });
  if (row.end && marks.eos !== null) segments.push({ label: last?.label ?? true, text: marks.eos });
  return segments;
};

/**
 * Axolotl's template-free form, `type: input_output`: `{segments: [{label, text}]}`
 * (https://docs.axolotl.ai/docs/dataset-formats/template_free.html). Segments are joined as they are, nothing is added: begin
 * and end tokens are the writer's own.
 */
export const axolotl: ExportFormat = {
  name: 'axolotl',
  reader: 'Axolotl as `type: input_output`, with `train_on_inputs: false`',
  mapping: [
    'A section is a segment; `label` is whether its weight is above 0. The texts of the segments, joined by nothing, are the',
    'training text exactly. Axolotl adds no begin and no end token: `--bos` and `--eos` write those of your tokenizer.',
  ],
  data: 'data/train.jsonl',
  write: async (input) => {
    const lines = input.rows.map((row) => ({ segments: segmentsOf(row, input), ...provenanceColumns(row, input) }));
    return new Map([['data/train.jsonl', toLines(lines)]]);
  },
  weights: (row) => row.sections.map(({ weight }) => (isTrained(weight) ? 1 : 0)),
  end: ({ marks }) => (marks.eos === null ? 'never' : 'kept'),
};
