import type { Either } from 'fp-ts/Either';
import type { Json } from '../../events/digest';
import type { Completion, CompletionRequest, ModelError, Served } from './languageModel';

/** Why an attempt at a call gave no text. src/calls/failurePolicy.ts says what is done about each. */
export type FailureKind =
  /** The host's name has no address. */
  | 'dns'
  /** No connection: refused, unreachable, a certificate that does not hold. */
  | 'connect'
  /** The connection ended before the reply did. */
  | 'cut'
  /** No whole reply in time. */
  | 'timeout'
  /** 429. */
  | 'rate-limit'
  /** 429 because the account is empty. */
  | 'quota'
  /** 5xx, 408, 409. */
  | 'server-error'
  /** 200, but not of type application/json. */
  | 'content-type'
  /** 200, but the body is no JSON. */
  | 'not-json'
  /** 200, but the JSON ends early. */
  | 'truncated'
  /** 200, but a field is missing or of another type. */
  | 'bad-shape'
  /** Fewer samples than asked. */
  | 'too-few-samples'
  | 'body-too-large'
  /** The server withheld the text, by status or by finish reason. */
  | 'content-filter'
  /** The prompt does not fit the model's context. */
  | 'too-long'
  /** 400 and 422 of other reasons, and whatever else 4xx there is. */
  | 'bad-request'
  /** 401, 403. */
  | 'key-refused'
  /** 404. */
  | 'model-unknown'
  /** The reply holds an access key, so it may not be kept. */
  | 'key-in-reply';

/** A call as it would go out. */
export interface PlannedCall {
  /** Below the base URL, for example `/chat/completions`. */
  readonly path: string;
  readonly body: Readonly<Record<string, Json>>;
  readonly samples: number;
  readonly stop: readonly string[];
}

/** What went over the wire: exact bytes, no headers. */
export interface Exchange {
  readonly request: Uint8Array;
  /** As far as it came; null where nothing did. */
  readonly response: Uint8Array | null;
  readonly latencyMs: number;
}

export interface AttemptFailure {
  readonly kind: FailureKind;
  readonly status: number | null;
  /** The server's Retry-After header, or its milliseconds twin as `<n>ms`. */
  readonly retryAfter: string | null;
  readonly message: string;
  /** For `too-long`, where the server tells. */
  readonly tokens?: number | null;
  readonly limit?: number | null;
  readonly exchange: Exchange;
}

export interface Answer {
  readonly samples: readonly Pick<Completion, 'text' | 'finish' | 'tokenIds' | 'logprobs'>[];
  readonly model: string | null;
  readonly systemFingerprint: string | null;
  readonly usage: Served['usage'];
  readonly exchange: Exchange;
}

/** A server of models, one attempt at a time: no retries, no limits, no memory. */
export interface Endpoint {
  /** The model asked for. */
  readonly model: string;
  /** For messages: the base URL without user, password and query. */
  readonly where: string;
  /** Access keys in use, which no kept text may hold. */
  readonly secrets: readonly string[];
  plan(request: CompletionRequest): Either<ModelError, PlannedCall>;
  /** Never rejects: whatever goes wrong is a failure of some kind. */
  attempt(call: PlannedCall): Promise<Either<AttemptFailure, Answer>>;
}
