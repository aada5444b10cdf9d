import type { TaskEither } from 'fp-ts/TaskEither';
import type { ModelRef } from '../../events/codecs';
import type { Finish, Sampling } from '../../events/generationProduced';
import type { DrawKey } from '../../projections/random';

/** One completion to make. `key` seeds its draws, so the text does not depend on the batch it is made in. */
export interface CompletionRequest {
  readonly prompt: string;
  readonly sampling: Sampling;
  readonly key: DrawKey;
}

export interface Completion {
  /** What follows the prompt, without the end-of-text token. */
  readonly text: string;
  readonly finish: Finish;
  /** Token ids of the completion (end-of-text included when it was made) and their log-probabilities in nats. */
  readonly tokenIds: readonly number[] | null;
  readonly logprobs: readonly number[] | null;
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number };
}

export type ModelError =
  | { readonly tag: 'PromptTooLong'; readonly tokens: number; readonly limit: number; readonly prompt: string }
  /** Settings under which no token could be drawn. */
  | { readonly tag: 'BadSampling'; readonly message: string }
  | { readonly tag: 'ModelUnavailable'; readonly message: string }
  /** The signal aborted before every request was answered; none of the answers is returned. */
  | { readonly tag: 'Interrupted' };

/** A model that continues text: the student on our own runtime, or an endpoint. Results come in request order. */
export interface LanguageModel {
  readonly ref: ModelRef;
  /** How many requests are worth giving at once. */
  readonly batch: number;
  complete(requests: readonly CompletionRequest[], signal?: AbortSignal): TaskEither<ModelError, readonly Completion[]>;
}
