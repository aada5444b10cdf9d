import * as t from 'io-ts';
import { Count, DigestText, Finite, JsonValue, nullable, VerdictKind } from './codecs';
import { defineEvent } from './defineEvent';

const Judged = t.strict(
  {
    /** The student's answer text and what it wrote about it; null feedback: it ended without any. */
    answer: nullable(t.string),
    correct: t.boolean,
    own: nullable(t.strict({ verdict: VerdictKind, step: nullable(t.string) }, 'OwnFeedback')),
    script: nullable(t.strict({ verdict: VerdictKind, step: nullable(t.string) }, 'ScriptFeedback')),
  },
  'JudgedAttempt',
);
export type JudgedAttempt = t.TypeOf<typeof Judged>;

export const Item = t.strict(
  { problemId: t.string, cell: t.string, seen: t.boolean, texts: t.array(t.string), attempts: t.array(Judged) },
  'EvaluationItem',
);
export type EvaluationItem = t.TypeOf<typeof Item>;

const V1 = t.strict(
  {
    evaluationId: t.string,
    runId: nullable(t.string),
    iteration: Count,
    checkpoint: DigestText,
    problemSet: t.string,
    config: JsonValue,
    scores: t.record(t.string, nullable(Finite)),
    items: t.array(Item),
  },
  'EvaluationRecorded@1',
);
export type EvaluationRecorded = t.TypeOf<typeof V1>;

/**
 * A checkpoint was scored on a problem set. Every item is here: the calls' exact texts in order, and each attempt with
 * its own and the script's feedback, so that any other metric is a fold over this event. Iteration 0 is the base student.
 */
export const evaluationRecorded = defineEvent('EvaluationRecorded', V1, {
  stream: (d) => `evaluation-${d.evaluationId}`,
  identity: (d) => [d.evaluationId],
});
