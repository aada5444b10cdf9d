import * as t from 'io-ts';
import { Count } from './codecs';
import { collectionOfRun } from './collectionOfRun';
import { defineEvent, was } from './defineEvent';

const facts = {
  iteration: Count,
  pass: Count,
  problemId: t.string,
  trajectoryId: t.string,
  call: Count,
  attempt: Count,
  kind: t.string,
  message: t.string,
  final: t.boolean,
};

const V1 = t.strict({ runId: t.string, ...facts }, 'CallFailed@1');
const V2 = t.strict({ collectionId: t.string, ...facts }, 'CallFailed@2');
export type CallFailed = t.TypeOf<typeof V2>;

/** A model call that gave no text: which attempt at it, the kind of failure, and whether it was given up. */
export const callFailed = defineEvent(
  'CallFailed',
  V2,
  { stream: (d) => `trajectory-${d.trajectoryId}`, identity: (d) => [d.trajectoryId, d.call, d.attempt] },
  [was(V1, ({ runId, ...d }) => ({ ...d, collectionId: collectionOfRun(runId, d.iteration) }))],
);
