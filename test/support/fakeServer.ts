import { openAiEndpoint } from '../../src/adapters/openai/endpoint';
import { defaultSettings, type OpenAiSettings } from '../../src/adapters/openai/settings';
import { listen, type HttpServer } from '../../src/adapters/http/server';
import { fakeTeacher, type FakeSettings, type Served } from '../../src/fakeTeacher/fakeTeacher';
import type { Endpoint } from '../../src/ports/endpoint';
import type { HttpHandler, HttpReply, HttpRequest } from '../../src/ports/httpServer';
import { must } from './events';

export const noFaults: FakeSettings = {
  seed: 7,
  faults: [],
  rate: 0.5,
  latencyMs: 0,
  retryAfter: 0,
  models: [],
  key: null,
  contextTokens: 16384,
};

export interface Running {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const urlOf = (server: HttpServer): string => `http://127.0.0.1:${server.port}/v1`;

/** A server on a real socket that answers as a handler says. */
export const serve = async (handler: HttpHandler): Promise<Running> => {
  const server = must(await listen(handler, { host: '127.0.0.1', port: 0 })());
  return { url: urlOf(server), close: () => server.close() };
};

/** The fake teacher on a real socket. */
export const serveFake = async (
  settings: Partial<FakeSettings> = {},
): Promise<Running & { readonly served: () => Served }> => {
  const fake = fakeTeacher(
    { ...noFaults, ...settings },
    { httpDateIn: (seconds) => new Date(Date.now() + seconds * 1000).toUTCString() },
  );
  return { ...(await serve(fake.handle)), served: fake.served };
};

export const jsonReply = (value: unknown, changed: Partial<HttpReply> = {}): HttpReply => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: typeof value === 'string' ? value : JSON.stringify(value),
  afterMs: 0,
  ending: { kind: 'whole' },
  ...changed,
});

/** A handler that gives the same reply to all, and what it was asked. */
export const always = (reply: HttpReply): { readonly handler: HttpHandler; readonly asked: HttpRequest[] } => {
  const asked: HttpRequest[] = [];
  return {
    asked,
    handler: (request) => {
      asked.push(request);
      return reply;
    },
  };
};

export const endpointAt = (baseUrl: string, changed: Partial<OpenAiSettings> = {}): Endpoint =>
  openAiEndpoint(defaultSettings({ baseUrl, apiKey: null, model: 'm', timeoutMs: 5000, ...changed }), {
    now: () => performance.now(),
  });

export const chatReply = (text: string, more: object = {}): object => ({
  model: 'm-2026',
  system_fingerprint: 'fp_1',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: text } }],
  usage: { prompt_tokens: 11, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } },
  ...more,
});
