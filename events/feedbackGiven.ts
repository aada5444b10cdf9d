import * as t from 'io-ts';
import { Author, Count, nullable, VerdictKind } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    trajectoryId: t.string,
    round: Count,
    author: Author,
    attemptId: t.string,
    text: t.string,
    verdict: VerdictKind,
    step: nullable(t.string),
    segment: nullable(t.string),
    reason: nullable(t.string),
    generationId: nullable(t.string),
    start: nullable(Count),
    end: nullable(Count),
  },
  'FeedbackGiven@1',
);
export type FeedbackGiven = t.TypeOf<typeof V1>;

/**
 * Feedback on one attempt (or update) that stands in the trajectory. `attemptId` names the event whose text it judges;
 * `generationId`, `start`, `end` say where in a student's call it was written, and are null for a script.
 */
export const feedbackGiven = defineEvent('FeedbackGiven', V1, {
  stream: (d) => `trajectory-${d.trajectoryId}`,
  identity: (d) => [d.trajectoryId, d.round],
});
