import * as t from 'io-ts';
import { Count, DigestText, JsonValue, nullable } from './codecs';
import { defineEvent } from './defineEvent';

export const Split = t.keyof({ train: null, dev: null, test: null }, 'Split');
export type Split = t.TypeOf<typeof Split>;

const Source = t.union(
  [
    t.strict({ kind: t.literal('generated'), config: JsonValue, seed: Count, index: Count }, 'GeneratedSource'),
    t.strict({ kind: t.literal('imported'), file: DigestText, line: Count }, 'ImportedSource'),
  ],
  'ProblemSource',
);

const V1 = t.strict(
  {
    problemId: t.string,
    set: t.string,
    task: t.string,
    question: t.string,
    options: nullable(t.string),
    prompt: t.string,
    answer: t.string,
    rationale: nullable(t.string),
    closingFeedback: nullable(t.string),
    split: Split,
    cell: t.string,
    seen: t.boolean,
    source: Source,
  },
  'ProblemPosed@1',
);
export type ProblemPosed = t.TypeOf<typeof V1>;

/**
 * A problem enters the ledger. `prompt` is the exact text a student is given; `rationale` the gold attempt and
 * `closingFeedback` the all-correct feedback on it, both exact training text, or null where nobody wrote one.
 * `cell` is the difficulty cell of the task's grid; `seen` whether the grid trains on that cell.
 */
export const problemPosed = defineEvent('ProblemPosed', V1, {
  stream: (d) => `problems-${d.set}`,
  identity: (d) => [d.set, d.problemId],
});
