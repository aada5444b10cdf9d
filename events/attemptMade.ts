import * as t from 'io-ts';
import { Author, Count } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    trajectoryId: t.string,
    round: Count,
    author: Author,
    generationId: t.string,
    start: Count,
    end: Count,
    text: t.string,
  },
  'AttemptMade@1',
);
export type AttemptMade = t.TypeOf<typeof V1>;

/** The first answer of a trajectory, cut from a generation: `text` is its characters [start, end). Round is 0. */
export const attemptMade = defineEvent('AttemptMade', V1, {
  stream: (d) => `trajectory-${d.trajectoryId}`,
  identity: (d) => [d.trajectoryId, d.round],
});
