import * as E from 'fp-ts/Either';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { defaultBackoff } from '../../src/calls/failurePolicy';
import type { PriceTable } from '../../src/calls/prices';
import { Budget, noLimits, type BudgetLimits, type Spent } from '../../src/calls/budget';
import { servedModel, type ServedSettings } from '../../src/calls/servedModel';
import type { Answer, AttemptFailure, FailureKind } from '../../src/ports/endpoint';
import type {
  Completion,
  CompletionRequest,
  FailedAttempt,
  LanguageModel,
  ModelError,
} from '../../src/ports/languageModel';
import { must, the } from '../support/events';
import { answering, failing, ScriptedEndpoint } from '../support/scriptedEndpoint';
import { VirtualClock } from '../support/virtualClock';

const prices: PriceTable = {
  currency: 'USD',
  per: 1_000_000,
  models: { m: { input: 2, cachedInput: 0.5, output: 8, dated: '2026-11-24', source: 'a test' } },
};
const wide = { concurrency: 64, requestsPerMinute: null, tokensPerMinute: null };

const ask = (prompt: string, changed: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prompt,
  sampling: { temperature: 1, topK: null, topP: null, maxTokens: 20 },
  key: ['served', prompt],
  ...changed,
});

interface Changed extends Omit<Partial<ServedSettings>, 'budget'> {
  readonly budget?: Partial<BudgetLimits>;
  /** What was spent before. */
  readonly spent?: Spent;
}

interface Set {
  readonly clock: VirtualClock;
  readonly endpoint: ScriptedEndpoint;
  readonly model: LanguageModel;
  readonly budget: Budget;
  readonly blobs: ReturnType<typeof memoryBlobStore>;
  readonly failed: FailedAttempt[];
  readonly answered: Map<number, readonly Completion[]>;
  /** Asks for all at once. */
  readonly complete: (
    prompts: readonly string[],
    signal?: AbortSignal,
  ) => Promise<E.Either<ModelError, readonly Completion[]>>;
}

const setUp = (
  script: (prompt: string, attempt: number) => E.Either<AttemptFailure, Answer>,
  { budget: limited, spent, ...changed }: Changed = {},
  takes?: (prompt: string) => number,
): Set => {
  const clock = new VirtualClock();
  const endpoint = new ScriptedEndpoint(clock, script, takes);
  const blobs = memoryBlobStore();
  const budget = new Budget({ ...noLimits, ...limited }, clock);
  if (spent !== undefined) budget.count(spent);
  const model = must(servedModel({ limits: wide, prices, ...changed, budget }, { endpoint, blobs, clock }));
  const failed: FailedAttempt[] = [];
  const answered = new Map<number, readonly Completion[]>();
  const observer = {
    failed: async (one: FailedAttempt) => void failed.push(one),
    answered: async (index: number, completions: readonly Completion[]) => void answered.set(index, completions),
  };
  return {
    clock,
    endpoint,
    model,
    budget,
    blobs,
    failed,
    answered,
    complete: (prompts, signal) =>
      clock.settled(
        model.complete(
          prompts.map((prompt) => ask(prompt)),
          signal,
          observer,
        )(),
      ),
  };
};

const many = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `p${i}`);

describe('a served model', () => {
  it('answers in request order, whatever comes back first, with all that is known of each call', async () => {
    const late = (prompt: string): number => 1000 - 10 * Number(prompt.slice(1));
    const { complete, blobs, model, budget } = setUp((prompt) => answering(`to ${prompt}`), {}, late);
    const completions = must(await complete(many(20)));
    expect(completions.map(({ text }) => text)).toEqual(many(20).map((prompt) => `to ${prompt}`));
    const { served, usage } = the(completions[3]);
    expect(usage).toEqual({ promptTokens: 10, completionTokens: 5 });
    expect(served).toMatchObject({
      model: 'm-2026',
      attempt: 0,
      latencyMs: 7,
      // 10 at 2 and 5 at 8 dollars a million.
      price: { currency: 'USD', amount: 60e-6, dated: '2026-11-24' },
    });
    expect(Buffer.from(must(await blobs.get(the(served).request)())).toString()).toBe('{"asked":"to p3"}');
    expect(Buffer.from(must(await blobs.get(the(served).response)())).toString()).toBe('{"said":"to p3"}');
    expect(budget.used()).toEqual({ money: 0.0012, calls: 20, tokens: 300 });
    expect(model.ref).toEqual({ kind: 'endpoint', name: 'm' });
  });

  it('of several samples tells the usage of the call, and of none of them its own', async () => {
    const sample = (text: string) => ({ text, finish: 'eos' as const, tokenIds: null, logprobs: null });
    const { clock, model } = setUp(() => answering('x', { samples: [sample('a'), sample('b')] }));
    const both = must(await clock.settled(model.complete([ask('p', { samples: 2 })])()));
    expect(both.map(({ text, usage }) => [text, usage])).toEqual([
      ['a', null],
      ['b', null],
    ]);
    expect(both.map(({ served }) => served?.usage?.completionTokens)).toEqual([5, 5]);
  });

  it('has no price for a model that the table does not know: null, never zero', async () => {
    const { complete } = setUp(() => answering('x'), { prices: { ...prices, models: {} } });
    expect(the(must(await complete(['p']))[0]).served?.price).toBeNull();
  });
});

describe('retries', () => {
  it.each<[FailureKind, number]>([
    ['dns', 4],
    ['connect', 6],
    ['cut', 6],
    ['timeout', 4],
    ['server-error', 8],
    ['rate-limit', 20],
    ['content-type', 4],
    ['not-json', 4],
    ['truncated', 4],
    ['bad-shape', 4],
    ['too-few-samples', 4],
    ['body-too-large', 1],
    ['content-filter', 1],
    ['bad-request', 1],
  ])('%s: %d attempts, each told, then the call is given up', async (kind, attempts) => {
    const { complete, endpoint, failed } = setUp(() => failing(kind), { breaker: { failures: 1000, openMs: 1 } });
    expect(await complete(['p'])).toEqual(
      E.left({
        tag: 'CallGivenUp',
        where: 'http://scripted/v1',
        kind,
        status: null,
        attempts,
        message: `it was ${kind}`,
      }),
    );
    expect(endpoint.attempts).toHaveLength(attempts);
    expect(failed.map(({ attempt, final }) => [attempt, final])).toEqual(
      Array.from({ length: attempts }, (_, i) => [i, i === attempts - 1]),
    );
  });

  it.each<FailureKind>(['quota', 'key-refused', 'model-unknown'])('%s: no other call is begun', async (kind) => {
    const { complete, endpoint } = setUp(() => failing(kind, { status: 401 }), { limits: { ...wide, concurrency: 1 } });
    const refused = { tag: 'EndpointRefused', where: 'http://scripted/v1', model: 'm', kind, status: 401 };
    expect(await complete(many(5))).toEqual(E.left({ ...refused, message: `it was ${kind}` }));
    expect(endpoint.attempts).toHaveLength(1);
  });

  it('too-long: the prompt is, with what the server tells', async () => {
    const { complete } = setUp(() => failing('too-long', { tokens: 9, limit: null }));
    expect(await complete(['p'])).toEqual(E.left({ tag: 'PromptTooLong', tokens: 9, limit: null, prompt: 'p' }));
  });

  it('wait twice as long each time, up to the longest, the same in every run', async () => {
    const waits = async (): Promise<readonly number[]> => {
      const { complete, endpoint } = setUp((_, attempt) => (attempt < 7 ? failing('server-error') : answering('x')), {
        backoff: { ...defaultBackoff, firstMs: 100, longestMs: 1000 },
      });
      must(await complete(['p']));
      return endpoint.attempts.slice(1).map(({ from }, i) => from - the(endpoint.attempts[i]).to);
    };
    const first = await waits();
    expect(first).toHaveLength(7);
    for (const [i, wait] of first.entries()) {
      const whole = Math.min(1000, 100 * 2 ** i);
      expect(wait).toBeGreaterThanOrEqual(whole / 2);
      expect(wait).toBeLessThanOrEqual(whole);
    }
    expect(await waits()).toEqual(first);
  });

  it('never come before Retry-After, and nobody else comes meanwhile', async () => {
    const { complete, endpoint, failed } = setUp(
      (prompt, attempt) =>
        prompt === 'p0' && attempt === 0 ? failing('rate-limit', { status: 429, retryAfter: '60' }) : answering('x'),
      { limits: { ...wide, concurrency: 1 } },
    );
    must(await complete(many(4)));
    const [limited, ...later] = endpoint.attempts;
    expect(Math.min(...later.map(({ from }) => from))).toBeGreaterThanOrEqual(the(limited).to + 60_000);
    expect(failed).toMatchObject([{ kind: 'rate-limit', status: 429, retryAfterMs: 60_000, final: false }]);
  });

  it('are not made where the server asks to wait for too long', async () => {
    const { complete, failed } = setUp(() => failing('rate-limit', { retryAfter: '86400' }));
    expect(await complete(['p'])).toMatchObject(E.left({ tag: 'CallGivenUp', attempts: 1 }));
    expect(failed).toMatchObject([{ final: true, retryAfterMs: 86_400_000 }]);
  });

  it('of one request leave the others alone, and what they gave is told', async () => {
    const { complete, answered } = setUp((prompt) => (prompt === 'p1' ? failing('content-filter') : answering('x')));
    expect(await complete(many(4))).toMatchObject(E.left({ tag: 'CallGivenUp', kind: 'content-filter' }));
    expect([...answered.keys()].sort((a, b) => a - b)).toEqual([0, 2, 3]);
  });
});

describe('the circuit breaker', () => {
  it('lets one call at a time try a server that is down, and all of them once it is back', async () => {
    const back = 1_000_000 + 60_000;
    const set: Set = setUp(() => (set.clock.now() < back ? failing('connect') : answering('x')), {
      limits: { ...wide, concurrency: 8 },
      breaker: { failures: 8, openMs: 10_000 },
      backoff: { ...defaultBackoff, firstMs: 1, longestMs: 1 },
    });
    // cockatiel asks the machine for the time.
    const now = jest.spyOn(Date, 'now').mockImplementation(() => set.clock.now());
    try {
      must(await set.complete(many(8)));
    } finally {
      now.mockRestore();
    }
    const during = set.endpoint.attempts.filter(({ from }) => from < back);
    const knocks = during.slice(8);
    expect(knocks.length).toBeGreaterThan(1);
    for (const [i, { from }] of knocks.entries())
      expect(from - (knocks[i - 1]?.from ?? the(during[7]).to)).toBeGreaterThanOrEqual(10_000);
    expect(set.endpoint.attempts).toHaveLength(during.length + 8);
  });

  it('is not concerned with a server that refuses', async () => {
    const { complete, endpoint } = setUp((_, attempt) => (attempt < 3 ? failing('not-json') : answering('x')), {
      breaker: { failures: 2, openMs: 1e9 },
    });
    must(await complete(many(10)));
    expect(endpoint.attempts).toHaveLength(40);
  });
});

describe('limits', () => {
  it('concurrency: never more, and no fewer', async () => {
    const { complete, endpoint } = setUp(() => answering('x'), { limits: { ...wide, concurrency: 7 } });
    must(await complete(many(50)));
    expect(endpoint.most()).toBe(7);
  });

  const withinAMinute = (times: readonly number[]): number =>
    Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 60_000).length));

  it('requests per minute: never more within any 60 seconds, and no slower than that', async () => {
    const { complete, endpoint } = setUp(() => answering('x'), { limits: { ...wide, requestsPerMinute: 10 } });
    must(await complete(many(35)));
    const times = endpoint.attempts.map(({ from }) => from);
    expect(withinAMinute(times)).toBe(10);
    expect(Math.max(...times) - Math.min(...times)).toBe(3 * 60_000);
  });

  it('tokens per minute: a call counts with its estimate, then with what it took', async () => {
    // A prompt of 2 bytes is estimated at 5 tokens and may give 20; it takes 15.
    const { complete, endpoint } = setUp(() => answering('x'), { limits: { ...wide, tokensPerMinute: 100 } });
    must(await complete(many(12)));
    const times = endpoint.attempts.map(({ from }) => from);
    // Four fit by their estimates; when they have taken 60, one more fits beside them, then another.
    expect(withinAMinute(times)).toBeLessThanOrEqual(6);
    expect(withinAMinute(times)).toBeGreaterThan(4);
  });
});

describe('budgets', () => {
  it.each([
    ['calls', { calls: 5 }, 5],
    // A call may take 18 + 20 tokens and takes 15.
    ['tokens', { tokens: 100 }, 5],
    // At most 196 millionths, in fact 60.
    ['money', { money: 500e-6 }, 6],
  ] as const)('%s: stops before the next call might exceed it', async (name, limit, calls) => {
    const { complete, answered, budget } = setUp(() => answering('x'), { budget: limit });
    const result = await complete(many(40));
    expect(result).toMatchObject(E.left({ tag: 'BudgetReached', budget: name }));
    expect(answered.size).toBe(calls);
    const spent = budget.used();
    expect(spent[name]).toBeLessThanOrEqual(Object.values(limit)[0] ?? 0);
    expect(spent.calls).toBe(calls);
  });

  it('time: calls under way are let finish', async () => {
    const { complete, answered, endpoint } = setUp(() => answering('x'), {
      budget: { time: 250 },
      limits: { ...wide, concurrency: 2 },
    });
    expect(await complete(many(40))).toMatchObject(E.left({ tag: 'BudgetReached', budget: 'time', limit: 250 }));
    // Two at 0, 100 and 200 ms.
    expect([endpoint.attempts.length, answered.size]).toEqual([6, 6]);
  });

  it('count what was spent before', async () => {
    const spent = { money: 0, calls: 3, tokens: 0 };
    const { complete, answered } = setUp(() => answering('x'), { budget: { calls: 5 }, spent });
    expect(await complete(many(4))).toMatchObject(E.left({ tag: 'BudgetReached', budget: 'calls', used: 5 }));
    expect(answered.size).toBe(2);
  });

  it('count an attempt that may have been paid for with all that it might have cost, and a refused one with nothing', async () => {
    const after = async (kind: FailureKind) => {
      const { complete, budget } = setUp((_, attempt) => (attempt === 0 ? failing(kind) : answering('x')));
      must(await complete(['p0']));
      return budget.used();
    };
    expect((await after('timeout')).tokens).toBe(15 + 18 + 20);
    expect((await after('rate-limit')).tokens).toBe(15);
    const { complete, budget } = setUp(() => answering('x', { usage: null }));
    must(await complete(['p0']));
    expect(budget.used().tokens).toBe(18 + 20);
  });

  it('are of all models that share them, each at its own price', async () => {
    const clock = new VirtualClock();
    const budget = new Budget({ ...noLimits, money: 500e-6 }, clock);
    const dear = { ...the(prices.models['m']), output: 80 };
    const modelAt = (price: typeof dear) => {
      const endpoint = new ScriptedEndpoint(clock, () => answering('x'));
      const settings = { limits: wide, budget, prices: { ...prices, models: { m: price } } };
      return must(servedModel(settings, { endpoint, blobs: memoryBlobStore(), clock }));
    };
    const [cheap, other] = [modelAt(the(prices.models['m'])), modelAt(dear)];
    must(await clock.settled(cheap.complete([ask('p0')])()));
    expect(budget.used()).toMatchObject({ money: 60e-6, calls: 1 });
    // 1,636 millionths at most: it does not fit, though that model has spent nothing.
    expect(await clock.settled(other.complete([ask('p1')])())).toMatchObject(
      E.left({ tag: 'BudgetReached', budget: 'money', used: 60e-6 }),
    );
    must(await clock.settled(cheap.complete([ask('p2')])()));
    expect(budget.used()).toMatchObject({ money: 120e-6, calls: 2 });
  });

  it('in money are refused for a model without a price', () => {
    const clock = new VirtualClock();
    const endpoint = new ScriptedEndpoint(clock, () => answering('x'));
    const budget = new Budget({ ...noLimits, money: 1 }, clock);
    const settings = { limits: wide, budget, prices: { ...prices, models: { other: the(prices.models['m']) } } };
    expect(servedModel(settings, { endpoint, blobs: memoryBlobStore(), clock })).toEqual(
      E.left({ tag: 'PriceUnknown', model: 'm', known: ['other'] }),
    );
  });
});

describe('stopping', () => {
  it('begins nothing more, lets calls under way finish, and tells of them', async () => {
    const stopping = new AbortController();
    const { complete, answered, endpoint } = setUp(
      (prompt) => {
        if (prompt === 'p3') stopping.abort();
        return answering('x');
      },
      { limits: { ...wide, concurrency: 4 } },
      (prompt) => (prompt === 'p3' ? 50 : 100),
    );
    expect(await complete(many(40), stopping.signal)).toEqual(E.left({ tag: 'Interrupted' }));
    expect([endpoint.attempts.length, answered.size]).toEqual([4, 4]);
  });

  it('does not wait for a retry', async () => {
    const stopping = new AbortController();
    const { complete, clock } = setUp(() => {
      stopping.abort();
      return failing('server-error');
    });
    const before = clock.now();
    expect(await complete(['p'], stopping.signal)).toEqual(E.left({ tag: 'Interrupted' }));
    expect(clock.now() - before).toBe(100);
  });

  it('before the start asks nothing', async () => {
    const { complete, endpoint } = setUp(() => answering('x'));
    expect(await complete(['p'], AbortSignal.abort())).toEqual(E.left({ tag: 'Interrupted' }));
    expect(endpoint.attempts).toEqual([]);
  });
});

describe('access keys', () => {
  const key = `sk-proj-${'a1'.repeat(20)}`;
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  it('in a request: nothing is sent', async () => {
    const { complete, endpoint } = setUp(() => answering('x'));
    endpoint.secrets.push('the-very-key-1');
    for (const prompt of [`my key is ${key}`, 'is the-very-key-1 good?']) {
      const refused = await complete([prompt]);
      expect(refused).toMatchObject(E.left({ tag: 'KeyInText' }));
      expect(JSON.stringify(refused)).not.toMatch(/sk-proj-a1|the-very/);
    }
    expect(endpoint.attempts).toEqual([]);
  });

  it('in a reply: it is not kept, and the call has failed', async () => {
    const exchange = { request: bytes('{}'), response: bytes(`{"said":"${key}"}`), latencyMs: 1 };
    const { complete, blobs, failed } = setUp(() => answering(key, { exchange }));
    expect(await complete(['p'])).toMatchObject(E.left({ tag: 'CallGivenUp', kind: 'key-in-reply', attempts: 1 }));
    expect(failed).toMatchObject([{ kind: 'key-in-reply', response: null, final: true }]);
    for await (const digest of blobs.list())
      expect(Buffer.from(must(await blobs.get(digest)())).toString()).not.toContain('sk-');
  });

  it('in the words of a refusal: it is a refusal all the same, told without them', async () => {
    const exchange = { request: bytes('{}'), response: bytes(`{"error":"wrong key ${key}"}`), latencyMs: 1 };
    const refused = failing('key-refused', { status: 401, message: `401: wrong key ${key}`, exchange });
    const { complete, failed } = setUp(() => refused);
    const result = await complete(many(3));
    expect(result).toMatchObject(E.left({ tag: 'EndpointRefused', kind: 'key-refused', status: 401 }));
    expect(JSON.stringify([result, failed])).not.toContain(key);
    expect(failed).toMatchObject([{ response: null }, { response: null }, { response: null }]);
  });
});
