import * as t from 'io-ts';
import { Author, Count, DigestText, ModelRef, nullable } from './codecs';
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
const told = {
  author: nullable(Author),
  model: nullable(ModelRef),
  status: nullable(Count),
  retryAfterMs: nullable(Count),
  request: nullable(DigestText),
  response: nullable(DigestText),
};
const V3 = t.strict({ collectionId: t.string, ...facts, ...told }, 'CallFailed@3');
const V4 = t.strict(
  { collectionId: t.string, ...facts, ...told, callKey: nullable(DigestText), reusedFrom: nullable(t.string) },
  'CallFailed@4',
);
export type CallFailed = t.TypeOf<typeof V4>;

const noKey = { callKey: null, reusedFrom: null };
const unknown = {
  ...noKey,
  author: null,
  model: null,
  status: null,
  retryAfterMs: null,
  request: null,
  response: null,
};

/**
 * An attempt at a model call that gave no text: the kind of failure (src/ports/endpoint.ts), the HTTP status, what the
 * server asked to wait, and whether the call was given up with it. `attempt` counts all attempts at this call from 0,
 * over interruptions too. `request` and `response` are blobs with the exact bytes; `response` is null where nothing came
 * back, or nothing that may be kept. `author` is whose text was asked for. `callKey` is the call's identity, as in
 * GenerationProduced; `reusedFrom` names the recorded attempt whose end stands for this call's too: nothing was asked again.
 */
export const callFailed = defineEvent(
  'CallFailed',
  V4,
  { stream: (d) => `trajectory-${d.trajectoryId}`, identity: (d) => [d.trajectoryId, d.call, d.attempt] },
  [
    was(V1, ({ runId, ...d }) => ({ ...d, ...unknown, collectionId: collectionOfRun(runId, d.iteration) })),
    was(V2, (d) => ({ ...d, ...unknown })),
    was(V3, (d) => ({ ...d, ...noKey })),
  ],
);
