import * as t from 'io-ts';
import { Author, Count, DigestText, Finite, JsonValue, ModelRef, nullable } from './codecs';
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
  price: nullable(JsonValue),
};
const Usage = t.strict({ promptTokens: Count, completionTokens: Count }, 'Usage');
/** Of the whole call; the samples of one call share it. Usage is null where the server does not tell. */
const Served = t.strict(
  {
    model: nullable(t.string),
    systemFingerprint: nullable(t.string),
    attempt: Count,
    request: DigestText,
    response: DigestText,
    usage: nullable(
      t.strict({ promptTokens: Count, completionTokens: Count, cachedPromptTokens: Count }, 'ServedUsage'),
    ),
  },
  'Served',
);

const V1 = t.strict({ runId: t.string, ...facts, usage: Usage }, 'GenerationProduced@1');
const V2 = t.strict({ collectionId: t.string, ...facts, usage: Usage }, 'GenerationProduced@2');
const V3 = t.strict(
  { collectionId: t.string, ...facts, usage: nullable(Usage), served: nullable(Served) },
  'GenerationProduced@3',
);
/** Which prompt a large model was given, and for which round of the trajectory. */
const Purpose = t.strict(
  {
    kind: t.keyof({ attempt: null, feedback: null, improvement: null, evaluation: null }, 'PurposeKind'),
    /** Digest of the prompt (src/prompts); null where a student is asked by the problem alone. */
    prompt: nullable(DigestText),
    round: Count,
    /** Asked once more because the first reply was refused. */
    repair: t.boolean,
  },
  'Purpose',
);
export type Purpose = t.TypeOf<typeof Purpose>;

const V4 = t.strict(
  {
    collectionId: t.string,
    ...facts,
    usage: nullable(Usage),
    served: nullable(Served),
    purpose: nullable(Purpose),
    callKey: nullable(DigestText),
    reusedFrom: nullable(t.string),
    repeated: t.boolean,
  },
  'GenerationProduced@4',
);
export type GenerationProduced = t.TypeOf<typeof V4>;

/** A text that a model of our own made, or that came from elsewhere: nobody was asked over a wire. */
export const notAsked = { purpose: null, callKey: null, reusedFrom: null, repeated: false } as const;

/**
 * One model call: the exact prompt and the exact text that came back. A student's text may hold an attempt, its own
 * feedback and its own update; the turns that were kept are events of their own that name this one.
 * `call` counts the calls of one trajectory from 0; `tokenIds` and `logprobs` (nats) cover the completion only.
 * `prompt` of a conversation is its last message; all of it is in the blob `callKey`. `callKey` is the identity of a served
 * model's call (src/collect/callIdentity.ts): model, messages, sampling, sample. `reusedFrom` names the generation whose text
 * this is: nothing was asked, and nothing paid, a second time. `repeated`: the call had been begun before by a process that
 * did not live to record its end, so it may have been served, and paid for, once more than the ledger says.
 * `served` is what is known of a served model's call: the model's name as the server gives it, which attempt gave the
 * text, blobs with the exact bytes that went out and came back; null for a model of our own. `usage` and `price` are null
 * where they are not known. Latency is `observed`.
 */
export const generationProduced = defineEvent(
  'GenerationProduced',
  V4,
  { stream: (d) => `trajectory-${d.trajectoryId}`, identity: (d) => [d.trajectoryId, d.call] },
  [
    was(V1, ({ runId, ...d }) => ({
      ...d,
      ...notAsked,
      served: null,
      collectionId: collectionOfRun(runId, d.iteration),
    })),
    was(V2, (d) => ({ ...d, ...notAsked, served: null })),
    was(V3, (d) => ({ ...d, ...notAsked })),
  ],
);
