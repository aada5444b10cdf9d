import * as E from 'fp-ts/Either';
import type { Answer, AttemptFailure, Endpoint, Exchange, PlannedCall } from '../../ports/endpoint';
import { clientOf } from './client';
import { recordingFetch, type Recorded } from './recordingFetch';
import { readError, readReply } from './replies';
import { planCall } from './requestBody';
import type { OpenAiSettings } from './settings';
import { shownUrl } from './shownUrl';
import { transportFailure } from './transportFailure';

/** A reply of more bytes is not a completion. */
const largestReply = 64 * 2 ** 20;

const failureOf = (record: Recorded, exchange: Exchange, timeoutMs: number): AttemptFailure | undefined => {
  const { status, retryAfter, failure } = record;
  const base = { status, retryAfter, exchange };
  if (record.tooLarge)
    return { ...base, kind: 'body-too-large', message: `the reply has more than ${largestReply} bytes` };
  if (failure !== undefined) {
    const { kind, message } = transportFailure(failure, { begun: status !== null });
    return { ...base, kind, message: kind === 'timeout' ? `no whole reply within ${timeoutMs} ms` : message };
  }
  if (status === 200) return undefined;
  return { ...base, ...readError(status ?? 0, new TextDecoder().decode(exchange.response ?? new Uint8Array())) };
};

/** A server of the OpenAI API over the `openai` package. Its retries, its log and its parser are off. */
export const openAiEndpoint = (settings: OpenAiSettings, ports: { readonly now: () => number }): Endpoint => {
  const recorder = recordingFetch(globalThis.fetch, largestReply);
  const client = clientOf(settings, recorder.fetch);
  const attempt = async ({ path, body, ...call }: PlannedCall): Promise<E.Either<AttemptFailure, Answer>> => {
    const started = ports.now();
    const record = await recorder.record(async (headers) => {
      await client.post(path, { body, headers, stream: false }).asResponse();
    });
    const latencyMs = Math.max(0, Math.round(ports.now() - started));
    const exchange: Exchange = { request: record.request, response: record.response, latencyMs };
    const failure = failureOf(record, exchange, settings.timeoutMs);
    if (failure !== undefined) return E.left(failure);
    const text = new TextDecoder().decode(record.response ?? new Uint8Array());
    const read = readReply({ path, body, ...call }, record.contentType, text);
    if (E.isLeft(read)) return E.left({ ...read.left, status: record.status, retryAfter: null, exchange });
    return E.right({ ...read.right, exchange });
  };
  return {
    model: settings.model,
    where: shownUrl(settings.baseUrl),
    secrets: settings.apiKey === null ? [] : [settings.apiKey],
    plan: (request) => planCall(request, settings),
    attempt,
  };
};
