import * as t from 'io-ts';
import { Count, Environment, JsonValue } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  { runId: t.string, config: JsonValue, seed: Count, codeVersion: t.string, environment: Environment },
  'RunStarted@1',
);
export type RunStarted = t.TypeOf<typeof V1>;

/** A run begins: its fully resolved config, the code and the machine class. Written once per run id. */
export const runStarted = defineEvent('RunStarted', V1, {
  stream: (d) => `run-${d.runId}`,
  identity: (d) => [d.runId],
});
