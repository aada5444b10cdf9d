import { toLines } from '../../projections/replayDataset';
import type { ExportFormat } from './exportFormat';

/** Our own rows as JSON Lines of canonical JSON (RFC 8785): the SHA-256 of the file is the digest of the dataset. */
export const jsonl: ExportFormat = {
  name: 'jsonl',
  reader: '`tripost import --format dataset`, or anything that reads JSON Lines',
  mapping: [
    'A line is a row: `{id, bucket, problemId, trajectoryId, iteration, sections: [{kind, text, weight, eventId, author}], end}`.',
    'The texts of the sections, joined by nothing, are the training text; `end` says whether an end-of-text token follows.',
    'The SHA-256 of `data/train.jsonl` is the digest of the dataset.',
  ],
  data: 'data/train.jsonl',
  write: async ({ rows }) => new Map([['data/train.jsonl', toLines(rows)]]),
  weights: null,
  end: () => 'kept',
};
