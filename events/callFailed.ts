import * as t from 'io-ts';
import { Count } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    runId: t.string,
    iteration: Count,
    pass: Count,
    problemId: t.string,
    trajectoryId: t.string,
    call: Count,
    attempt: Count,
    kind: t.string,
    message: t.string,
    final: t.boolean,
  },
  'CallFailed@1',
);
export type CallFailed = t.TypeOf<typeof V1>;

/** A model call that gave no text: which attempt at it, the kind of failure, and whether it was given up. */
export const callFailed = defineEvent('CallFailed', V1, {
  stream: (d) => `trajectory-${d.trajectoryId}`,
  identity: (d) => [d.trajectoryId, d.call, d.attempt],
});
