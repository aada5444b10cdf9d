import * as t from 'io-ts';
import { Count, DigestText, Finite, JsonValue, nullable, VerdictKind } from './codecs';
import { defineEvent, was } from './defineEvent';

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

const facts = {
  evaluationId: t.string,
  checkpoint: DigestText,
  problemSet: t.string,
  config: JsonValue,
  scores: t.record(t.string, nullable(Finite)),
  items: t.array(Item),
};

const V1 = t.strict({ runId: nullable(t.string), iteration: Count, ...facts }, 'EvaluationRecorded@1');
const V2 = t.strict(facts, 'EvaluationRecorded@2');
export type EvaluationRecorded = t.TypeOf<typeof V2>;

/**
 * A checkpoint was scored on a problem set. Every item is here: the calls' exact texts in order, and each attempt with
 * its own and the script's feedback, so that any other metric is a fold over this event. The run is not in it: what decides
 * the same texts is the same evaluation, and IterationScored names it.
 */
export const evaluationRecorded = defineEvent(
  'EvaluationRecorded',
  V2,
  { stream: (d) => `evaluation-${d.evaluationId}`, identity: (d) => [d.evaluationId] },
  [was(V1, (d) => V2.encode(d))],
);
