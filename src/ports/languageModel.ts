import type { TaskEither } from 'fp-ts/TaskEither';
import type { ModelRef } from '../../events/codecs';
import type { Finish, Sampling } from '../../events/generationProduced';
import type { DrawKey } from '../../projections/random';

/** One completion to make. `key` seeds its draws, so the text does not depend on the batch it is made in. */
export interface CompletionRequest {
  readonly prompt: string;
  readonly sampling: Sampling;
  readonly key: DrawKey;
  /** The completion ends before the first of these texts that it would hold, with `stop` as its finish. */
  readonly stop?: readonly string[];
}

export interface Completion {
  /** What follows the prompt, without the end-of-text token and without a stop text. */
  readonly text: string;
  readonly finish: Finish;
  /**
   * Token ids of the completion (the end-of-text token included when it was made, and the tokens of a stop text) and
   * their log-probabilities in nats.
   */
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

/** A continuation to judge. It is tokenized apart from the prompt, as a row's sections are for training. */
export interface ScoreRequest {
  readonly prompt: string;
  readonly continuation: string;
  /** Whether the end-of-text token behind the continuation is judged too. */
  readonly end: boolean;
}

export interface Score {
  /** Tokens of the continuation, and of the end where it was asked for. */
  readonly tokenIds: readonly number[];
  /** Log-probability of each token behind what comes before it, at temperature 1, in nats. */
  readonly logprobs: readonly number[];
  /** Their sum, added in order in double. */
  readonly logprob: number;
}

/** A model that says how likely a given text is. Results come in request order and do not depend on what else is asked. */
export interface Scorer {
  score(requests: readonly ScoreRequest[], signal?: AbortSignal): TaskEither<ModelError, readonly Score[]>;
}
