import type { CallFailed } from '../../events/callFailed';
import type { Author, ModelRef } from '../../events/codecs';
import type { Digest, Json } from '../../events/digest';
import type { GenerationProduced } from '../../events/generationProduced';
import type { Completion, FailedAttempt } from '../ports/languageModel';

/** What an event says of the call that a completion came with; null where it is not known. */
export const callFacts = ({ usage, served }: Completion): Pick<GenerationProduced, 'usage' | 'price' | 'served'> => {
  const own = usage === null ? null : { ...usage };
  if (served === undefined) return { usage: own, price: null, served: null };
  const { price, model, systemFingerprint, attempt, request, response, usage: whole } = served;
  return {
    usage: own,
    price: price === null ? null : { ...price },
    served: { model, systemFingerprint, attempt, request, response, usage: whole === null ? null : { ...whole } },
  };
};

/** What is seen of a call and never hashed: undefined for a model of our own. */
export const observedOf = (call: { readonly latencyMs: number } | undefined): Json | undefined =>
  call === undefined ? undefined : { latencyMs: call.latencyMs };

/** The call of a trajectory that an attempt belongs to. */
export interface CallPlace
  extends Pick<CallFailed, 'collectionId' | 'iteration' | 'pass' | 'problemId' | 'trajectoryId' | 'call'> {
  /** The call's identity; absent where nobody keeps one. */
  readonly callKey?: Digest;
  readonly author: Author;
  readonly model: ModelRef;
  /** Attempts at this call that the ledger has already, from an interrupted run. */
  readonly before: number;
}

/** An attempt that gave no text, as an event tells it. */
export const failedCall = ({ before, callKey, ...place }: CallPlace, failed: FailedAttempt): CallFailed => {
  const { attempt, kind, message, final, status, retryAfterMs, request, response } = failed;
  const what = { attempt: before + attempt, kind, message, final, status, retryAfterMs, request, response };
  return { ...place, ...what, callKey: callKey ?? null, reusedFrom: null };
};
