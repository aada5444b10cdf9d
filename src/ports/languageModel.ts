import type { TaskEither } from 'fp-ts/TaskEither';
import type { ModelRef } from '../../events/codecs';
import type { Digest } from '../../events/digest';
import type { Finish, Sampling } from '../../events/generationProduced';
import type { DrawKey } from '../../projections/random';
import type { BlobError } from './blobStore';
import type { FailureKind } from './endpoint';
import type { MemoryNeed } from './memoryNeed';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A text to continue, or a conversation to answer. */
export type Prompt = string | readonly ChatMessage[];

/** Completions of one prompt. `key` seeds their draws, so a text does not depend on the batch it is made in. */
export interface CompletionRequest {
  readonly prompt: Prompt;
  readonly sampling: Sampling;
  readonly key: DrawKey;
  /** The completion ends before the first of these texts that it would hold, with `stop` as its finish. */
  readonly stop?: readonly string[];
  /** How many completions; 1 when left out. Each has draws of its own. */
  readonly samples?: number;
  /** Asks a served model for log-probabilities; a model of our own gives them always. */
  readonly logprobs?: boolean;
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Money for one call, by the price table of a date. */
export interface Price {
  readonly currency: 'USD';
  readonly amount: number;
  /** The date on which the price was looked up. */
  readonly dated: string;
}

/** What is known of the call of a served model that a completion came with; the samples of one call share it. */
export interface Served {
  /** The model's name as the server gives it, which may say more than the one asked for; null where it gives none. */
  readonly model: string | null;
  readonly systemFingerprint: string | null;
  /** Which attempt at the call gave it, from 0. */
  readonly attempt: number;
  /** Blobs with the exact bytes that went out and came back. */
  readonly request: Digest;
  readonly response: Digest;
  /** Of the whole call; null where the server says nothing. `cachedPromptTokens` are among `promptTokens`. */
  readonly usage: (Usage & { readonly cachedPromptTokens: number }) | null;
  /** Null where the usage or the model's price is unknown: never zero for want of knowledge. */
  readonly price: Price | null;
  /** For `observed`: never hashed. */
  readonly latencyMs: number;
}

export interface Completion {
  /** What follows the prompt, without the end-of-text token and without a stop text. */
  readonly text: string;
  /** A served model's end of text is `eos` also where a stop text may have ended it and the server does not tell. */
  readonly finish: Finish;
  /**
   * Token ids of the completion (the end-of-text token included when it was made, and the tokens of a stop text) and
   * their log-probabilities in nats. Null where the model does not tell.
   */
  readonly tokenIds: readonly number[] | null;
  readonly logprobs: readonly number[] | null;
  /** Of this completion alone; null where a server does not tell, or tells only the sum over several samples. */
  readonly usage: Usage | null;
  /** Absent for a model of our own. */
  readonly served?: Served;
}

export type ModelError =
  /** Counts are null where a server does not tell them. */
  | {
      readonly tag: 'PromptTooLong';
      readonly tokens: number | null;
      readonly limit: number | null;
      readonly prompt: string;
    }
  /** Settings under which no token could be drawn. */
  | { readonly tag: 'BadSampling'; readonly message: string }
  /** What this kind of model cannot be asked, for example a conversation of a model that only continues text. */
  | { readonly tag: 'RequestUnsupported'; readonly message: string }
  | { readonly tag: 'ModelUnavailable'; readonly message: string }
  /** One call failed as often as its kind of failure may, or in a way that no other attempt would mend. */
  | {
      readonly tag: 'CallGivenUp';
      readonly where: string;
      readonly kind: FailureKind;
      readonly status: number | null;
      readonly attempts: number;
      readonly message: string;
    }
  /** The server would refuse every call: wrong key, unknown model, empty account. */
  | {
      readonly tag: 'EndpointRefused';
      readonly where: string;
      readonly model: string;
      readonly kind: FailureKind;
      readonly status: number | null;
      readonly message: string;
    }
  /** A hard budget leaves no room for another call. Calls under way were let finish. */
  | {
      readonly tag: 'BudgetReached';
      readonly budget: 'money' | 'calls' | 'tokens' | 'time';
      readonly limit: number;
      readonly used: number;
    }
  /** A budget in money was set for a model without a price. */
  | { readonly tag: 'PriceUnknown'; readonly model: string; readonly known: readonly string[] }
  /** A text that would have been kept or sent holds an access key; `what` says of which kind. */
  | { readonly tag: 'KeyInText'; readonly where: string; readonly what: string }
  /** Only recorded calls may be used, and this one is not recorded; `nearest` is the one that differs least. */
  | {
      readonly tag: 'NotRecorded';
      readonly callKey: Digest;
      readonly prompt: string;
      readonly nearest: {
        readonly generationId: string;
        readonly differences: readonly {
          readonly part: string;
          readonly here: string | null;
          readonly there: string | null;
        }[];
      } | null;
    }
  | BlobError
  /** Memory ran out; what the model needs of it, and with which settings it would need less. */
  | ({ readonly tag: 'DecodingOutOfMemory'; readonly message: string } & MemoryNeed)
  /** The signal aborted before every request was answered; none of the answers is returned. */
  | { readonly tag: 'Interrupted' };

/** An attempt at a call that gave no text. */
export interface FailedAttempt {
  /** Which of the requests, from 0. */
  readonly index: number;
  /** From 0. */
  readonly attempt: number;
  readonly kind: FailureKind;
  readonly status: number | null;
  /** What the server asked to wait, in milliseconds. */
  readonly retryAfterMs: number | null;
  readonly message: string;
  /** Whether the call was given up with it. */
  readonly final: boolean;
  readonly request: Digest;
  /** Null where nothing came back, or nothing that may be kept. */
  readonly response: Digest | null;
  readonly latencyMs: number;
}

/** Is told of calls as they end, in whatever order they do; the model waits for it before it goes on with that call. */
export interface CallObserver {
  readonly failed?: (failed: FailedAttempt) => Promise<void>;
  /** The completions of request `index`, all samples of it. */
  readonly answered?: (index: number, completions: readonly Completion[]) => Promise<void>;
}

/**
 * A model that continues text or answers: the student on our own runtime, or a served one. Results come in request
 * order, the samples of one request one behind the other.
 */
export interface LanguageModel {
  readonly ref: ModelRef;
  /** How many requests are worth giving at once. */
  readonly batch: number;
  complete(
    requests: readonly CompletionRequest[],
    signal?: AbortSignal,
    observer?: CallObserver,
  ): TaskEither<ModelError, readonly Completion[]>;
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
