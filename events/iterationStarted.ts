import * as t from 'io-ts';
import { Count, ModelRef } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  { runId: t.string, iteration: Count, student: ModelRef, problemSet: t.string },
  'IterationStarted@1',
);
export type IterationStarted = t.TypeOf<typeof V1>;

/** One turn of the outer loop begins: which student answers which problems. Iterations count from 1. */
export const iterationStarted = defineEvent('IterationStarted', V1, {
  stream: (d) => `run-${d.runId}`,
  identity: (d) => [d.runId, d.iteration],
});
