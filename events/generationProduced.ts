import * as t from 'io-ts';
import { Author, Count, Finite, JsonValue, ModelRef, nullable } from './codecs';
import { collectionOfRun } from './collectionOfRun';
import { defineEvent, was } from './defineEvent';

export const Sampling = t.strict(
  { temperature: Finite, topK: nullable(Count), topP: nullable(Finite), maxTokens: Count },
  'Sampling',
);
export type Sampling = t.TypeOf<typeof Sampling>;

export const Finish = t.keyof({ eos: null, stop: null, length: null }, 'Finish');
export type Finish = t.TypeOf<typeof Finish>;

const facts = {
  iteration: Count,
  pass: Count,
  problemId: t.string,
  trajectoryId: t.string,
  call: Count,
  author: Author,
  model: ModelRef,
  prompt: t.string,
  text: t.string,
  tokenIds: nullable(t.array(Count)),
  logprobs: nullable(t.array(Finite)),
  finish: Finish,
  sampling: Sampling,
  seedKey: t.array(t.union([t.string, Finite])),
  usage: t.strict({ promptTokens: Count, completionTokens: Count }, 'Usage'),
  price: nullable(JsonValue),
};

const V1 = t.strict({ runId: t.string, ...facts }, 'GenerationProduced@1');
const V2 = t.strict({ collectionId: t.string, ...facts }, 'GenerationProduced@2');
export type GenerationProduced = t.TypeOf<typeof V2>;

/**
 * One model call: the exact prompt and the exact text that came back. A student's text may hold an attempt, its own
 * feedback and its own update; the turns that were kept are events of their own that name this one.
 * `call` counts the calls of one trajectory from 0; `tokenIds` and `logprobs` (nats) cover the completion only.
 */
export const generationProduced = defineEvent(
  'GenerationProduced',
  V2,
  { stream: (d) => `trajectory-${d.trajectoryId}`, identity: (d) => [d.trajectoryId, d.call] },
  [was(V1, ({ runId, ...d }) => ({ ...d, collectionId: collectionOfRun(runId, d.iteration) }))],
);
