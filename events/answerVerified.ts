import * as t from 'io-ts';
import { Author, Count, nullable, VerdictKind } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    trajectoryId: t.string,
    round: Count,
    attemptId: t.string,
    author: Author,
    answer: nullable(t.string),
    answerCorrect: t.boolean,
    verdict: VerdictKind,
    step: nullable(t.string),
    segment: nullable(t.string),
    reason: nullable(t.string),
  },
  'AnswerVerified@1',
);
export type AnswerVerified = t.TypeOf<typeof V1>;

/** What FBK found in one attempt: the answer it read, whether that answer is gold, and the first wrong step. */
export const answerVerified = defineEvent('AnswerVerified', V1, {
  stream: (d) => `trajectory-${d.trajectoryId}`,
  identity: (d) => [d.trajectoryId, d.round],
});
