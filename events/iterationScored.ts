import * as t from 'io-ts';
import { Count, DigestText } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  { runId: t.string, iteration: Count, checkpoint: DigestText, evaluationId: t.string },
  'IterationScored@1',
);
export type IterationScored = t.TypeOf<typeof V1>;

/** A run's student was scored; iteration 0 is the base. The evaluation may serve other runs with the same student too. */
export const iterationScored = defineEvent('IterationScored', V1, {
  stream: (d) => `run-${d.runId}`,
  identity: (d) => [d.runId, d.iteration],
});
