import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { findKeyIn } from '../../events/secrets';
import type { BlobStore } from '../ports/blobStore';
import type { Clock } from '../ports/clock';
import type { Answer, AttemptFailure, Endpoint, PlannedCall } from '../ports/endpoint';
import type { CallObserver, Completion, CompletionRequest, FailedAttempt, ModelError } from '../ports/languageModel';
import { keepBody } from './bodies';
import type { Breaker } from './breaker';
import type { Budget } from './budget';
import { failurePolicies, mostAttempts, waitAfter, type Backoff } from './failurePolicy';
import type { Gate } from './gate';
import { priced, type ModelPrice } from './prices';
import { retryAfterMs } from './retryAfter';
import { boundOf, estimateOf } from './tokenBounds';

/** What all calls to one server share. */
export interface CallTools {
  readonly endpoint: Endpoint;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly budget: Budget;
  readonly price: ModelPrice | undefined;
  readonly gate: Gate;
  readonly breaker: Breaker;
  readonly backoff: Backoff;
}

/** How a call learns that it is to stop, and how it stops the others. */
export interface Stopping {
  readonly signal: AbortSignal;
  readonly end: () => void;
}

type Attempted = E.Either<AttemptFailure, Answer>;
type Asked = E.Either<ModelError, readonly Completion[]>;

const interrupted: ModelError = { tag: 'Interrupted' };

/**
 * One attempt when gate, budget and breaker let it through. It is not cut off once it is under way: whatever the server
 * counts is seen to its end, or to its timeout.
 */
const attempt = async (
  planned: PlannedCall,
  request: CompletionRequest,
  { endpoint, gate, budget, price, breaker, clock, backoff }: CallTools,
  { signal, end }: Stopping,
): Promise<E.Either<ModelError, Attempted>> => {
  for (;;) {
    const ticket = await gate.enter(estimateOf(request), signal);
    if (ticket === undefined) return E.left(interrupted);
    const room = await budget.reserve(boundOf(request), price, signal);
    if (E.isLeft(room)) {
      ticket.leave(0);
      return room;
    }
    const result = await breaker.run(() => endpoint.attempt(planned));
    if ('openForMs' in result) {
      room.right.withdraw();
      ticket.leave(0);
      await clock.sleep(result.openForMs, signal);
      continue;
    }
    const usage = E.isRight(result)
      ? result.right.usage
      : failurePolicies[result.left.kind].maybePaid
        ? null
        : 'nothing';
    room.right.settle(usage);
    // Before its place is free: nobody is let in behind a server that asked to wait, or that refuses all.
    if (E.isLeft(result) && result.left.kind === 'rate-limit') {
      const asked = retryAfterMs(result.left.retryAfter, clock.now()) ?? 0;
      if (asked <= backoff.longestRetryAfterMs) gate.closeFor(asked);
    }
    if (E.isLeft(result) && failurePolicies[result.left.kind].refusesAll) end();
    const tokens = usage === 'nothing' ? 0 : usage === null ? null : usage.promptTokens + usage.completionTokens;
    ticket.leave(tokens);
    return E.right(result);
  }
};

const promptText = ({ prompt }: CompletionRequest): string =>
  typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');

/** The fault of a call whose last attempt failed so. */
const givenUp = (
  failure: AttemptFailure,
  attempts: number,
  request: CompletionRequest,
  { where, model }: Endpoint,
): ModelError => {
  const { kind, status, message } = failure;
  if (kind === 'too-long')
    return {
      tag: 'PromptTooLong',
      tokens: failure.tokens ?? null,
      limit: failure.limit ?? null,
      prompt: promptText(request),
    };
  if (failurePolicies[kind].refusesAll) return { tag: 'EndpointRefused', where, model, kind, status, message };
  return { tag: 'CallGivenUp', where, kind, status, attempts, message };
};

interface Bodies {
  readonly request: Digest;
  readonly response: Digest | null;
}

/** Keeps both bodies. A reply that holds a key is no reason to stop: it is not kept, and the attempt failed. */
const keepBodies = async (
  { exchange }: Answer | AttemptFailure,
  { blobs, endpoint: { secrets, where } }: CallTools,
): Promise<E.Either<ModelError, Bodies & { readonly keyInReply: string | undefined }>> => {
  const request = await keepBody(blobs, exchange.request, secrets, `a request to ${where}`);
  if (E.isLeft(request)) return request;
  if (exchange.response === null) return E.right({ request: request.right, response: null, keyInReply: undefined });
  const response = await keepBody(blobs, exchange.response, secrets, `a reply of ${where}`);
  if (E.isRight(response)) return E.right({ request: request.right, response: response.right, keyInReply: undefined });
  if (response.left.tag !== 'KeyInText') return response;
  return E.right({ request: request.right, response: null, keyInReply: response.left.what });
};

const completionsOf = (
  answer: Answer,
  at: number,
  request: Digest,
  response: Digest,
  price: ModelPrice | undefined,
): readonly Completion[] => {
  const { samples, usage, model, systemFingerprint, exchange } = answer;
  const { latencyMs } = exchange;
  const served = {
    model,
    systemFingerprint,
    attempt: at,
    request,
    response,
    usage,
    price: priced(price, usage),
    latencyMs,
  };
  const own =
    usage === null || samples.length > 1
      ? null
      : { promptTokens: usage.promptTokens, completionTokens: usage.completionTokens };
  return samples.map((sample) => ({ ...sample, usage: own, served }));
};

/** An attempt's failure, if it is one: also an answer that may not be kept. No message repeats what holds a key. */
const failureOf = (result: Attempted, keyInReply: string | undefined): AttemptFailure | undefined => {
  if (keyInReply === undefined) return E.isLeft(result) ? result.left : undefined;
  const message = `the reply holds ${keyInReply}; it was not kept`;
  if (E.isLeft(result)) return { ...result.left, message };
  return { kind: 'key-in-reply', status: null, retryAfter: null, message, exchange: result.right.exchange };
};

/** Makes one call, with as many attempts as its failures allow. The observer sees every attempt. */
export const makeCall = async (
  request: CompletionRequest,
  index: number,
  tools: CallTools,
  stopping: Stopping,
  observer: CallObserver,
): Promise<Asked> => {
  const { endpoint, clock, backoff, price } = tools;
  const planned = endpoint.plan(request);
  if (E.isLeft(planned)) return planned;
  const key = findKeyIn(planned.right.body, endpoint.secrets);
  if (key !== undefined)
    return E.left({ tag: 'KeyInText', where: `the request to ${endpoint.where}, ${key.path}`, what: key.what });
  const failures = new Map<string, number>();
  for (let at = 0; ; at++) {
    const attempted = await attempt(planned.right, request, tools, stopping);
    if (E.isLeft(attempted)) return attempted;
    const result = attempted.right;
    const kept = await keepBodies(E.isRight(result) ? result.right : result.left, tools);
    if (E.isLeft(kept)) return kept;
    const { request: sent, response, keyInReply } = kept.right;
    const failure = failureOf(result, keyInReply);
    if (failure === undefined && E.isRight(result) && response !== null) {
      const completions = completionsOf(result.right, at, sent, response, price);
      await observer.answered?.(index, completions);
      return E.right(completions);
    }
    if (failure === undefined) throw new Error('an answer came without a body');
    const { kind, status, message } = failure;
    const times = (failures.get(kind) ?? 0) + 1;
    failures.set(kind, times);
    const asked = retryAfterMs(failure.retryAfter, clock.now());
    const tooLong = (asked ?? 0) > backoff.longestRetryAfterMs;
    const final = times >= failurePolicies[kind].attempts || at + 1 >= mostAttempts || tooLong;
    const failed: FailedAttempt = {
      index,
      attempt: at,
      kind,
      status,
      retryAfterMs: asked,
      message,
      final,
      request: sent,
      response,
      latencyMs: failure.exchange.latencyMs,
    };
    await observer.failed?.(failed);
    if (final) return E.left(givenUp(failure, at + 1, request, endpoint));
    await clock.sleep(waitAfter(backoff, request.key, at, asked), stopping.signal);
  }
};
