import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import { draws } from '../../projections/random';
import type { HttpReply, HttpRequest } from '../ports/httpServer';
import { faultOf, type FaultName, type FaultSettings } from './faults';
import { readRequest, replyBody, tokensOf, type Spoilt, type Wanted } from './wire';

export interface FakeSettings extends FaultSettings {
  readonly latencyMs: number;
  /** What a 429 asks to wait, in seconds. */
  readonly retryAfter: number;
  /** The models that it has; empty: any. */
  readonly models: readonly string[];
  /** The key that it takes; null: any, or none. */
  readonly key: string | null;
  /** Tokens of its own that a prompt may have. */
  readonly contextTokens: number;
}

export interface Served {
  /** Requests for completions that came, whatever became of them. */
  readonly calls: number;
  /** Of these, the ones that got a good reply. */
  readonly answered: number;
  readonly faults: Readonly<Record<string, number>>;
}

export interface FakeTeacher {
  readonly handle: (request: HttpRequest) => HttpReply;
  readonly served: () => Served;
}

const json = { 'content-type': 'application/json' };

const whole = (status: number, body: string, headers: Readonly<Record<string, string>> = json): HttpReply => ({
  status,
  headers,
  body,
  afterMs: 0,
  ending: { kind: 'whole' },
});

const errorReply = (status: number, code: string, message: string, headers = {}): HttpReply =>
  whole(status, JSON.stringify({ error: { message, type: 'fake', code } }), { ...json, ...headers });

const tooLong = (tokens: number, limit: number): HttpReply =>
  errorReply(
    400,
    'context_length_exceeded',
    `This model's maximum context length is ${limit} tokens. However, your messages resulted in ${tokens} tokens.`,
  );

const spoilers: Partial<Readonly<Record<FaultName, Spoilt>>> = {
  'missing-field': 'missing-field',
  'too-few': 'too-few',
  'no-usage': 'no-usage',
  length: 'length',
  'content-filter': 'content-filter',
  'other-language': 'other-language',
  'bad-form': 'bad-form',
  'no-such-step': 'no-such-step',
  'rewrites-steps': 'rewrites-steps',
};

/** Faults that leave a reply which a client can use. */
const harmless = new Set<FaultName | undefined>([
  undefined,
  'latency',
  'slow',
  'no-usage',
  'length',
  'other-language',
  'bad-form',
  'no-such-step',
  'rewrites-steps',
]);

/**
 * A server of the OpenAI API that answers by script, and misbehaves as told: what each request gets depends on the seed,
 * its content, and how often it came before. `httpDateIn` gives the date of so many seconds from now, for a Retry-After.
 */
export const fakeTeacher = (
  settings: FakeSettings,
  ports: { readonly httpDateIn: (seconds: number) => string },
): FakeTeacher => {
  const { seed, latencyMs, retryAfter, models, key, contextTokens } = settings;
  const attempts = new Map<string, number>();
  const faults: Record<string, number> = {};
  let calls = 0;
  let answered = 0;

  const rateLimit = (asDate: boolean): HttpReply => {
    const value = asDate ? ports.httpDateIn(retryAfter) : String(retryAfter);
    return errorReply(429, 'rate_limit_exceeded', 'Rate limit reached.', { 'retry-after': value });
  };

  const spoil = (fault: FaultName | undefined, wanted: Wanted, content: string, attempt: number): HttpReply => {
    const drawn = draws(['what fault', seed, content, attempt]);
    const good = whole(200, replyBody(wanted, seed, fault === undefined ? undefined : spoilers[fault]));
    switch (fault) {
      case undefined:
      case 'missing-field':
      case 'too-few':
      case 'no-usage':
      case 'length':
      case 'content-filter':
      case 'other-language':
      case 'bad-form':
      case 'no-such-step':
      case 'rewrites-steps':
        return good;
      case 'latency':
        return { ...good, afterMs: drawn.integer(0, 10 * latencyMs + 100) };
      case 'rate-limit':
        return rateLimit(drawn.integer(0, 2) === 1);
      case 'server-error':
        return drawn.integer(0, 2) === 0
          ? errorReply(500, 'server_error', 'The server had an error.')
          : whole(503, '<html>overloaded</html>', { 'content-type': 'text/html' });
      case 'cut':
        return { ...good, ending: { kind: 'cut', behind: drawn.integer(0, good.body.length) } };
      case 'slow':
        return { ...good, ending: { kind: 'slow', pieces: 8, waitMs: 5 + drawn.integer(0, 20) } };
      case 'hang':
        return { ...good, ending: { kind: 'never' } };
      case 'garbage':
        return whole(200, 'upstream says: \u0000 not today }{');
      case 'wrong-type':
        return whole(200, '<html><body>Please sign in.</body></html>', { 'content-type': 'text/html' });
      case 'truncated':
        return { ...good, body: good.body.slice(0, drawn.integer(0, good.body.length - 2) + 1) };
      case 'too-long':
        return tooLong(contextTokens + 1, contextTokens);
      case 'wrong-key':
        return errorReply(401, 'invalid_api_key', 'Incorrect API key provided.');
      case 'unknown-model':
      default:
        return errorReply(404, 'model_not_found', `The model ${wanted.model} does not exist.`);
    }
  };

  /** What is wrong with a request itself. */
  const refusal = (request: HttpRequest): HttpReply | undefined =>
    key !== null && request.authorization !== `Bearer ${key}`
      ? errorReply(401, 'invalid_api_key', 'Incorrect API key provided.')
      : undefined;

  const complete = (request: HttpRequest): HttpReply => {
    calls += 1;
    const refused = refusal(request);
    if (refused !== undefined) return refused;
    const read = readRequest(request.path, request.body);
    if (E.isLeft(read)) return errorReply(400, 'invalid_request', read.left);
    const wanted = read.right;
    if (models.length > 0 && !models.includes(wanted.model))
      return errorReply(404, 'model_not_found', `The model ${wanted.model} does not exist.`);
    const tokens = tokensOf(wanted.prompt).length;
    if (tokens > contextTokens) return tooLong(tokens, contextTokens);
    const content = sha256(`${request.path}\n${request.body}`).slice(0, 32);
    const attempt = attempts.get(content) ?? 0;
    attempts.set(content, attempt + 1);
    const fault = faultOf(settings, content, attempt);
    if (fault !== undefined) faults[fault] = (faults[fault] ?? 0) + 1;
    if (harmless.has(fault)) answered += 1;
    const reply = spoil(fault, wanted, content, attempt);
    return { ...reply, afterMs: reply.afterMs + latencyMs };
  };

  const served = (): Served => ({ calls, answered, faults: { ...faults } });

  return {
    served,
    handle: (request) => {
      const { method } = request;
      const path = request.path.replace(/^\/v1(?=\/)/, '');
      if (method === 'POST' && (path.endsWith('/chat/completions') || path.endsWith('/completions')))
        return complete(request);
      if (method === 'GET' && path === '/count') return whole(200, JSON.stringify(served()));
      if (method === 'GET' && path === '/models') {
        const data = (models.length === 0 ? ['fake-teacher'] : models).map((id) => ({
          id,
          object: 'model',
          created: 0,
        }));
        return refusal(request) ?? whole(200, JSON.stringify({ object: 'list', data }));
      }
      return errorReply(404, 'not_found', `There is nothing at ${method} ${request.path}.`);
    },
  };
};
