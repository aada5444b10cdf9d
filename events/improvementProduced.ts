import * as t from 'io-ts';
import { Author, Count, nullable } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    trajectoryId: t.string,
    round: Count,
    author: Author,
    attemptId: t.string,
    feedbackId: t.string,
    text: t.string,
    generationId: nullable(t.string),
    start: nullable(Count),
    end: nullable(Count),
  },
  'ImprovementProduced@1',
);
export type ImprovementProduced = t.TypeOf<typeof V1>;

/** The updated answer that follows one feedback. Its round is one more than that of the attempt it replaces. */
export const improvementProduced = defineEvent('ImprovementProduced', V1, {
  stream: (d) => `trajectory-${d.trajectoryId}`,
  identity: (d) => [d.trajectoryId, d.round],
});
