import * as t from 'io-ts';
import { Environment } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict({ runId: t.string, codeVersion: t.string, environment: Environment }, 'RunResumed@1');
export type RunResumed = t.TypeOf<typeof V1>;

/** A run goes on under another code version or on another machine class than before; an unchanged resume writes nothing. */
export const runResumed = defineEvent('RunResumed', V1, {
  stream: (d) => `run-${d.runId}`,
  identity: (d) => [d.runId, d.codeVersion, d.environment],
});
