import { createServer } from 'node:net';
import * as E from 'fp-ts/Either';
import type { OpenAiSettings } from '../../src/adapters/openai/settings';
import type { Answer, AttemptFailure, PlannedCall } from '../../src/ports/endpoint';
import type { HttpReply } from '../../src/ports/httpServer';
import type { CompletionRequest } from '../../src/ports/languageModel';
import { fieldsOf, must, the } from '../support/events';
import { always, chatReply, endpointAt, jsonReply, serve, serveFake, type Running } from '../support/fakeServer';

const running: Running[] = [];
const up = async <R extends Running>(starting: Promise<R>): Promise<R> => {
  const server = await starting;
  running.push(server);
  return server;
};
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

const request = (changed: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prompt: [{ role: 'user', content: 'Hello' }],
  sampling: { temperature: 0.5, topK: null, topP: null, maxTokens: 32 },
  key: ['endpoint test', 1],
  ...changed,
});

const attemptAt = async (
  url: string,
  asked: CompletionRequest = request(),
  settings: Partial<OpenAiSettings> = {},
): Promise<E.Either<AttemptFailure, Answer>> => {
  const endpoint = endpointAt(url, settings);
  return endpoint.attempt(must(endpoint.plan(asked)));
};

const failureAt = async (
  url: string,
  asked?: CompletionRequest,
  settings?: Partial<OpenAiSettings>,
): Promise<AttemptFailure> => {
  const result = await attemptAt(url, asked, settings);
  if (E.isRight(result)) throw new Error('expected a failure, got an answer');
  return result.left;
};

const failureOf = async (reply: HttpReply, settings: Partial<OpenAiSettings> = {}): Promise<AttemptFailure> =>
  failureAt((await up(serve(always(reply).handler))).url, request(), settings);

const text = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? new Uint8Array());

const planned = (asked: CompletionRequest, settings: Partial<OpenAiSettings> = {}): PlannedCall =>
  must(endpointAt('http://127.0.0.1:1/v1', settings).plan(asked));

describe('a call as it goes out', () => {
  it('is a chat completion for a conversation', () => {
    const { path, body } = planned(request({ stop: ['\n'], samples: 3, logprobs: true }));
    expect(path).toBe('/chat/completions');
    expect(body).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'Hello' }],
      temperature: 0.5,
      max_tokens: 32,
      n: 3,
      stop: ['\n'],
      logprobs: true,
      seed: expect.any(Number),
    });
  });

  it('is a plain completion for a text, with every setting that was made', () => {
    const sampling = { temperature: 0, topK: 5, topP: 0.9, maxTokens: 8 };
    const { path, body } = planned(request({ prompt: 'Q: 1', sampling, logprobs: true }));
    expect(path).toBe('/completions');
    expect(body).toEqual({
      model: 'm',
      prompt: 'Q: 1',
      temperature: 0,
      top_k: 5,
      top_p: 0.9,
      max_tokens: 8,
      logprobs: 0,
      seed: expect.any(Number),
    });
  });

  it('has a seed that follows from the key alone, or none', () => {
    const [one, same, other] = [request(), request({ prompt: 'else' }), request({ key: [2] })].map((asked) =>
      planned(asked),
    );
    expect(same?.body['seed']).toBe(one?.body['seed']);
    expect(other?.body['seed']).not.toBe(one?.body['seed']);
    expect(planned(request(), { sendSeed: false }).body).not.toHaveProperty('seed');
  });

  it('knows the long name of the limit, a text as a message, and fields of the user', () => {
    const { path, body } = planned(request({ prompt: 'Q: 1' }), {
      api: 'chat',
      maxTokensField: 'max_completion_tokens',
      extraBody: { reasoning_effort: 'low' },
    });
    expect(path).toBe('/chat/completions');
    expect(body).toMatchObject({
      messages: [{ role: 'user', content: 'Q: 1' }],
      max_completion_tokens: 32,
      reasoning_effort: 'low',
    });
  });

  it('is refused where it cannot be asked', () => {
    const endpoint = endpointAt('http://127.0.0.1:1/v1', { api: 'completions' });
    const plan = (asked: CompletionRequest) => endpoint.plan(asked);
    expect(plan(request())).toMatchObject({ left: { tag: 'RequestUnsupported' } });
    const bad = (changed: Partial<CompletionRequest['sampling']>) =>
      plan(request({ prompt: 'x', sampling: { ...request().sampling, ...changed } }));
    expect(bad({ temperature: -1 })).toMatchObject({ left: { tag: 'BadSampling' } });
    expect(bad({ topK: 0 })).toMatchObject({ left: { tag: 'BadSampling' } });
    expect(bad({ topP: 2 })).toMatchObject({ left: { tag: 'BadSampling' } });
    expect(bad({ maxTokens: 0 })).toMatchObject({ left: { tag: 'BadSampling' } });
    expect(plan(request({ prompt: 'x', samples: 0 }))).toMatchObject({ left: { tag: 'BadSampling' } });
  });
});

describe('an answer', () => {
  it('has text, facts, and the exact bytes of both sides', async () => {
    const body = `  ${JSON.stringify(chatReply('Hi.'))}\n`;
    const { handler, asked } = always(jsonReply(body));
    const server = await up(serve(handler));
    const answer = must(await attemptAt(server.url));
    expect(answer).toMatchObject({
      samples: [{ text: 'Hi.', finish: 'eos', tokenIds: null, logprobs: null }],
      model: 'm-2026',
      systemFingerprint: 'fp_1',
      usage: { promptTokens: 11, completionTokens: 3, cachedPromptTokens: 4 },
    });
    expect(text(answer.exchange.response)).toBe(body);
    expect(text(answer.exchange.request)).toBe(the(asked[0]).body);
    expect(the(asked[0]).path).toBe('/v1/chat/completions');
  });

  it('may lack usage, fingerprint and model name: then they are not known', async () => {
    const choices = [{ finish_reason: 'length', text: 'a b' }];
    const server = await up(serve(always(jsonReply({ choices })).handler));
    const answer = must(await attemptAt(server.url, request({ prompt: 'x' })));
    expect(answer).toMatchObject({ samples: [{ text: 'a b', finish: 'length' }], usage: null, model: null });
  });

  it('has its samples in the order of their indices, and a stop text where the server tells', async () => {
    const choice = (index: number, content: string) => ({ index, finish_reason: 'stop', message: { content } });
    const choices = [{ ...choice(1, 'b'), stop_reason: '\n' }, choice(0, 'a'), choice(2, 'c')];
    const server = await up(serve(always(jsonReply({ choices })).handler));
    const { samples } = must(await attemptAt(server.url, request({ samples: 2 })));
    expect(samples.map(({ text: said, finish }) => [said, finish])).toEqual([
      ['a', 'eos'],
      ['b', 'stop'],
    ]);
  });

  it.each([
    ['chat', request({ logprobs: true })],
    ['plain', request({ prompt: 'x', logprobs: true })],
  ])('has log-probabilities where asked (%s)', async (_, asked) => {
    const server = await up(serveFake());
    const { samples } = must(await attemptAt(server.url, asked));
    expect(the(samples[0]).logprobs?.length).toBeGreaterThan(0);
    expect(the(samples[0]).logprobs?.every((value) => value < 0)).toBe(true);
  });

  it('without text, of a model that spent its tokens otherwise, is empty', async () => {
    const choices = [{ finish_reason: 'length', message: { content: null } }];
    const server = await up(serve(always(jsonReply({ choices })).handler));
    expect(must(await attemptAt(server.url)).samples[0]).toMatchObject({ text: '', finish: 'length' });
  });
});

describe('how a server is spoken to', () => {
  const askedOf = async (settings: Partial<OpenAiSettings>, query = '') => {
    const { handler, asked } = always(jsonReply(chatReply('x')));
    const seen: Record<string, unknown>[] = [];
    const server = await up(serve(handler));
    const spied = jest.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
      seen.push({
        url: input instanceof Request ? input.url : input.toString(),
        ...Object.fromEntries(new Headers(init?.headers)),
      });
      return original(input, init);
    });
    try {
      must(await attemptAt(`${server.url}${query}`, request(), settings));
    } finally {
      spied.mockRestore();
    }
    return { asked: the(asked[0]), seen: the(seen[0]) };
  };
  const original = globalThis.fetch;

  it('a key is a bearer token; without a key there is no such header', async () => {
    expect((await askedOf({ apiKey: 'secret-1' })).asked.authorization).toBe('Bearer secret-1');
    expect((await askedOf({ apiKey: null })).asked.authorization).toBeUndefined();
  });

  it('an api-version makes it Azure: its key header, its query', async () => {
    const { asked, seen } = await askedOf({ apiKey: 'secret-1' }, '?api-version=2024-10-21');
    expect(asked.authorization).toBeUndefined();
    expect(Object.keys(seen).filter((name) => name.includes('tripost'))).toEqual([]);
    expect(seen).toMatchObject({ 'api-key': 'secret-1' });
    expect(seen['url']).toMatch(/\/v1\/chat\/completions\?api-version=2024-10-21$/);
  });

  it('organisation and project go along; nothing of the environment does by itself', async () => {
    const { seen } = await askedOf({ apiKey: 'secret-1', organization: 'org-1', project: 'p-1' });
    expect(seen).toMatchObject({ 'openai-organization': 'org-1', 'openai-project': 'p-1' });
    const before = { ...process.env };
    process.env = { ...before, OPENAI_ORG_ID: 'org-2', OPENAI_API_KEY: 'sk-other', OPENAI_LOG: 'debug' };
    const { seen: bare } = await askedOf({ apiKey: null });
    process.env = before;
    expect(JSON.stringify(bare)).not.toMatch(/org-2|sk-other/);
  });

  it('tells messages neither user, password nor query', () => {
    expect(endpointAt('https://me:secret@host.example/v1/?api-version=1').where).toBe('https://host.example/v1');
  });
});

describe('a failure', () => {
  const error = (status: number, code: string | null, message: string, headers = {}): HttpReply =>
    jsonReply({ error: { message, code } }, { status, headers: { 'content-type': 'application/json', ...headers } });

  it.each<[AttemptFailure['kind'], HttpReply]>([
    ['rate-limit', error(429, 'rate_limit_exceeded', 'slow down')],
    ['quota', error(429, 'insufficient_quota', 'You exceeded your current quota')],
    ['server-error', error(500, null, 'oh')],
    ['server-error', jsonReply('<html>', { status: 503 })],
    ['server-error', error(408, null, 'late')],
    ['key-refused', error(401, 'invalid_api_key', 'Incorrect API key')],
    ['key-refused', error(403, null, 'not yours')],
    ['model-unknown', error(404, 'model_not_found', 'no such model')],
    ['content-filter', error(400, 'content_filter', 'The response was filtered')],
    ['too-long', error(400, 'context_length_exceeded', 'too long')],
    ['too-long', jsonReply({ error: 'the request exceeds the available context size' }, { status: 400 })],
    ['bad-request', error(400, null, 'Unrecognized request argument supplied: top_k')],
    ['bad-request', error(422, null, 'no')],
    ['content-type', jsonReply(chatReply('x'), { headers: { 'content-type': 'text/html' } })],
    ['content-type', jsonReply(chatReply('x'), { headers: {} })],
    ['not-json', jsonReply('upstream is tired')],
    ['not-json', jsonReply('')],
    ['truncated', jsonReply(JSON.stringify(chatReply('Hello there')).slice(0, 60))],
    ['bad-shape', jsonReply({})],
    ['bad-shape', jsonReply([])],
    ['bad-shape', jsonReply({ choices: [{ finish_reason: 'stop' }] })],
    ['bad-shape', jsonReply({ choices: [{ finish_reason: 'stop', message: { content: null } }] })],
    ['bad-shape', jsonReply({ choices: [{ finish_reason: 'tool_calls', message: { content: 'x' } }] })],
    ['bad-shape', jsonReply({ choices: [{ finish_reason: null, message: { content: 'x' } }] })],
    ['bad-shape', jsonReply(chatReply('x', { usage: { prompt_tokens: -1 } }))],
    ['bad-shape', jsonReply({ choices: [{ index: 4, finish_reason: 'stop', message: { content: 'x' } }] })],
    ['too-few-samples', jsonReply({ choices: [] })],
    ['content-filter', jsonReply({ choices: [{ finish_reason: 'content_filter', message: { content: 'half' } }] })],
    ['content-filter', jsonReply({ choices: [{ finish_reason: 'stop', message: { content: null, refusal: 'no' } }] })],
    ['cut', jsonReply(chatReply('x'), { ending: { kind: 'cut', behind: 20 } })],
    ['cut', jsonReply(chatReply('x'), { ending: { kind: 'cut', behind: 0 } })],
  ])('%s (%#)', async (kind, reply) => {
    const failure = await failureOf(reply);
    expect(failure.kind).toBe(kind);
    expect(failure.message).not.toBe('');
    expect(text(failure.exchange.request)).toContain('"Hello"');
    // Whatever came is kept, as far as it came; of a reply that is cut at once nothing may.
    const came = reply.ending.kind === 'cut' ? reply.body.slice(0, reply.ending.behind) : reply.body;
    const { response } = failure.exchange;
    expect([came, kind === 'cut' ? undefined : null]).toContain(response === null ? undefined : text(response));
  });

  it('tells status, Retry-After, and of a long prompt the numbers', async () => {
    expect(await failureOf(error(429, null, 'slow down', { 'retry-after': '7' }))).toMatchObject({
      status: 429,
      retryAfter: '7',
    });
    expect((await failureOf(error(503, null, 'x', { 'retry-after-ms': '250' }))).retryAfter).toBe('250ms');
    const server = await up(serveFake({ contextTokens: 3 }));
    const prompt = [{ role: 'user' as const, content: 'one two three four five' }];
    expect(await failureAt(server.url, request({ prompt }))).toMatchObject({ kind: 'too-long', tokens: 5, limit: 3 });
  });

  it('names the field of a reply that is not as it should be', async () => {
    const reply = jsonReply({ choices: [{ finish_reason: 'stop', message: 'text' }] });
    expect((await failureOf(reply)).message).toMatch(/choices\.0\.message.*expected .*got "text"/);
  });

  it('timeout: a server that hangs, and one whose body never ends', async () => {
    const hangs = await failureOf(jsonReply(chatReply('x'), { ending: { kind: 'never' } }), { timeoutMs: 60 });
    expect(hangs).toMatchObject({ kind: 'timeout', status: null, message: 'no whole reply within 60 ms' });
    const ending = { kind: 'slow', pieces: 1000, waitMs: 50 } as const;
    const dribbles = await failureOf(jsonReply(chatReply('x'.repeat(2000)), { ending }), { timeoutMs: 300 });
    expect(dribbles).toMatchObject({ kind: 'timeout', status: 200 });
    expect(dribbles.exchange.response).not.toBeNull();
  });

  it('dns and connect: nobody is there', async () => {
    expect(await failureAt('http://nobody.invalid/v1')).toMatchObject({ kind: 'dns', status: null });
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => {
        const address = taken.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    await new Promise((resolve) => taken.close(resolve));
    expect(await failureAt(`http://127.0.0.1:${port}/v1`)).toMatchObject({ kind: 'connect', status: null });
  });

  it('is never thrown, and no key is in it', async () => {
    const server = await up(serveFake({ key: 'sk-right-0123456789abcdef' }));
    const failure = await failureAt(server.url, request(), { apiKey: 'sk-wrong-0123456789abcdef' });
    expect(failure.kind).toBe('key-refused');
    expect(text(failure.exchange.request) + JSON.stringify(failure)).not.toContain('sk-wrong');
  });

  it('asks a server once: the SDK makes no attempt of its own', async () => {
    const { handler, asked } = always(jsonReply('x', { status: 500 }));
    const server = await up(serve(handler));
    await failureAt(server.url);
    expect(asked).toHaveLength(1);
  });
});

it('records each of many calls at once as its own', async () => {
  const server = await up(serveFake({ latencyMs: 2 }));
  const endpoint = endpointAt(server.url);
  await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const prompt = [{ role: 'user' as const, content: `question ${i}` }];
      const answer = must(await endpoint.attempt(must(endpoint.plan(request({ prompt, key: [i] })))));
      const body: unknown = JSON.parse(text(answer.exchange.request));
      expect(fieldsOf(body)['messages']).toEqual(prompt);
      expect(text(answer.exchange.response)).toContain(JSON.stringify(the(answer.samples[0]).text));
    }),
  );
});
