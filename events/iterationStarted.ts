import * as t from 'io-ts';
import { Count, ModelRef, nullable } from './codecs';
import { collectionOfRun } from './collectionOfRun';
import { defineEvent, was } from './defineEvent';

const facts = { runId: t.string, iteration: Count, student: ModelRef, problemSet: t.string };

const V1 = t.strict(facts, 'IterationStarted@1');
const V2 = t.strict({ ...facts, collectionId: nullable(t.string) }, 'IterationStarted@2');
export type IterationStarted = t.TypeOf<typeof V2>;

/**
 * One turn of the outer loop begins: which student answers which problems, in which collection (null: none, as for a
 * policy that takes gold rationales only). Iterations count from 1.
 */
export const iterationStarted = defineEvent(
  'IterationStarted',
  V2,
  { stream: (d) => `run-${d.runId}`, identity: (d) => [d.runId, d.iteration] },
  [was(V1, (d) => ({ ...d, collectionId: collectionOfRun(d.runId, d.iteration) }))],
);
