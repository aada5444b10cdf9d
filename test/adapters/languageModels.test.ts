import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { systemClock } from '../../src/adapters/system/clock';
import { servedModel } from '../../src/calls/servedModel';
import { fakeTeacher } from '../../src/fakeTeacher/fakeTeacher';
import { planCall } from '../../src/adapters/openai/requestBody';
import { readReply } from '../../src/adapters/openai/replies';
import { defaultSettings } from '../../src/adapters/openai/settings';
import type { Endpoint } from '../../src/ports/endpoint';
import { DecodePrograms } from '../../src/train/decode/decodePrograms';
import { initialWeights } from '../../src/train/initialWeights';
import { studentModel } from '../../src/train/student';
import { languageModelContract } from '../contracts/languageModel.contract';
import { must } from '../support/events';
import { endpointAt, noFaults, serveFake } from '../support/fakeServer';
import { runtime, shape, tokenizer } from '../train/tinyTraining';

const limits = { concurrency: 8, requestsPerMinute: null, tokensPerMinute: null };
const prices = { currency: 'USD', per: 1_000_000, models: {} } as const;

const servedBy = (endpoint: Endpoint) =>
  must(servedModel({ limits, prices }, { endpoint, blobs: memoryBlobStore(), clock: systemClock }));

languageModelContract('a student on our own runtime', async () => {
  const programs = new DecodePrograms(runtime);
  const weights = initialWeights(shape, 1);
  const model = studentModel({ checkpoint: sha256('tiny'), shape, weights, tokenizer, batch: 3 }, programs);
  return { model, served: false, chat: false, close: () => programs.release() };
});

languageModelContract('scripted, without a socket', async () => {
  const fake = fakeTeacher(noFaults, { httpDateIn: String });
  const settings = defaultSettings({ baseUrl: 'http://scripted/v1', apiKey: null, model: 'scripted' });
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const endpoint: Endpoint = {
    model: settings.model,
    where: settings.baseUrl,
    secrets: [],
    plan: (request) => planCall(request, settings),
    attempt: async (call) => {
      const sent = JSON.stringify(call.body);
      const { body } = fake.handle({ method: 'POST', path: `/v1${call.path}`, authorization: undefined, body: sent });
      const read = must(readReply(call, 'application/json', body));
      return E.right({ ...read, exchange: { request: bytes(sent), response: bytes(body), latencyMs: 0 } });
    },
  };
  return { model: servedBy(endpoint), served: true, chat: true };
});

languageModelContract('an endpoint over a socket', async () => {
  const server = await serveFake();
  return { model: servedBy(endpointAt(server.url)), served: true, chat: true, close: server.close };
});

languageModelContract('an endpoint that misbehaves', async () => {
  const server = await serveFake({ faults: ['server-error', 'cut', 'garbage', 'truncated', 'slow'], rate: 0.4 });
  const model = must(
    servedModel(
      {
        limits,
        prices,
        backoff: { firstMs: 1, longestMs: 4, longestRetryAfterMs: 10 },
        breaker: { failures: 50, openMs: 10 },
      },
      { endpoint: endpointAt(server.url), blobs: memoryBlobStore(), clock: systemClock },
    ),
  );
  return { model, served: true, chat: true, close: server.close };
});
