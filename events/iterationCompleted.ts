import * as t from 'io-ts';
import { Count, DigestText } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  { runId: t.string, iteration: Count, dataset: DigestText, trainingId: t.string, checkpoint: DigestText, rows: Count },
  'IterationCompleted@1',
);
export type IterationCompleted = t.TypeOf<typeof V1>;

/** One turn of the outer loop is done: the dataset it derived and the checkpoint it trained. */
export const iterationCompleted = defineEvent('IterationCompleted', V1, {
  stream: (d) => `run-${d.runId}`,
  identity: (d) => [d.runId, d.iteration],
});
