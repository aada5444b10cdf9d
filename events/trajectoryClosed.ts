import * as t from 'io-ts';
import { Count, nullable } from './codecs';
import { collectionOfRun } from './collectionOfRun';
import { defineEvent, was } from './defineEvent';

/** `solved`: the last answer is right and its closing feedback stands. `feedback-only`: cut after the first feedback. */
export const Outcome = t.keyof({ solved: null, 'feedback-only': null, discarded: null }, 'Outcome');
export type Outcome = t.TypeOf<typeof Outcome>;

const facts = {
  iteration: Count,
  pass: Count,
  problemId: t.string,
  trajectoryId: t.string,
  outcome: Outcome,
  reason: t.string,
  detail: nullable(t.string),
  updates: Count,
};

const V1 = t.strict({ runId: t.string, ...facts }, 'TrajectoryClosed@1');
const V2 = t.strict({ collectionId: t.string, ...facts }, 'TrajectoryClosed@2');
export type TrajectoryClosed = t.TypeOf<typeof V2>;

/** A trajectory ends: how, and for which reason (a code; `detail` is for people). `updates` counts its improvements. */
export const trajectoryClosed = defineEvent(
  'TrajectoryClosed',
  V2,
  { stream: (d) => `trajectory-${d.trajectoryId}`, identity: (d) => [d.trajectoryId] },
  [was(V1, ({ runId, ...d }) => ({ ...d, collectionId: collectionOfRun(runId, d.iteration) }))],
);
