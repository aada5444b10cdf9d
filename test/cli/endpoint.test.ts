import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { systemClock } from '../../src/adapters/system/clock';
import { Budget } from '../../src/calls/budget';
import { Args } from '../../src/cli/args';
import { budgetOf, openEndpoint, openServed, pricesOf, servedSettings, serverOf } from '../../src/cli/endpoint';
import { Stop, type Fault } from '../../src/cli/faults';
import { must, the } from '../support/events';
import { serveFake } from '../support/fakeServer';
import { jsonOf, runCli } from '../support/cliBuild';

const here = mkdtempSync(join(tmpdir(), 'tripost-endpoint-'));
afterAll(() => rmSync(here, { recursive: true, force: true }));

const faultOf = (use: () => unknown): Fault => {
  try {
    use();
  } catch (failure) {
    if (failure instanceof Stop) return failure.fault;
    throw failure;
  }
  throw new Error('expected a fault');
};

describe('the server that the environment names', () => {
  it("is OpenAI's, or another one, with or without a key", () => {
    expect(serverOf({ OPENAI_API_KEY: 'k' })).toMatchObject({ baseUrl: 'https://api.openai.com/v1', apiKey: 'k' });
    expect(serverOf({ OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', OPENAI_ORG_ID: 'o' })).toEqual({
      baseUrl: 'http://127.0.0.1:1/v1',
      apiKey: null,
      organization: 'o',
      project: null,
    });
  });

  it.each([
    [{}, /OPENAI_API_KEY is not set/],
    [{ OPENAI_API_KEY: ' ' }, /OPENAI_API_KEY is not set/],
    [{ OPENAI_BASE_URL: 'localhost:8000' }, /expected a URL/],
    [{ OPENAI_BASE_URL: 'nonsense' }, /expected a URL/],
  ])('%j is refused before anything is sent', (env, message) => {
    expect(faultOf(() => serverOf(env))).toMatchObject({ tag: 'Usage', message: expect.stringMatching(message) });
  });
});

describe('flags', () => {
  it('are limits and budgets', () => {
    const args = new Args([], {
      concurrency: '3',
      rpm: '60',
      tpm: '9000',
      maxCost: '1.5',
      maxCalls: '10',
      maxMinutes: '2',
    });
    expect(servedSettings(args)).toMatchObject({
      limits: { concurrency: 3, requestsPerMinute: 60, tokensPerMinute: 9000 },
    });
    expect(budgetOf(args)).toEqual({ money: 1.5, calls: 10, tokens: null, time: 120_000 });
    expect(budgetOf(new Args([], {}))).toEqual({ money: null, calls: null, tokens: null, time: null });
  });

  it.each([
    [{ concurrency: '0' }, /--concurrency: expected a number from 1/],
    [{ maxCost: '-1' }, /--max-cost/],
    [{ timeout: '0', model: 'm' }, /--timeout: expected seconds above 0/],
    [{}, /--model is needed/],
  ])('%j: refused', (options, message) => {
    const args = new Args([], options);
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' };
    const fault = faultOf(() => [servedSettings(args), budgetOf(args), openEndpoint(args, env)]);
    expect(fault).toMatchObject({ tag: 'Usage', message: expect.stringMatching(message) });
  });

  it('--prices: rows of a file over the shipped ones; a mistake in it has a line', () => {
    const file = join(here, 'prices.yaml');
    const row = '{input: 1, cachedInput: null, output: 2, dated: 2026-11-01, source: mine}';
    writeFileSync(file, `currency: USD\nper: 1000000\nmodels:\n  mine: ${row}\n`);
    const { models } = pricesOf(new Args([], { prices: file }));
    expect(models['mine']?.output).toBe(2);
    expect(models['gpt-4o-mini']).toBeDefined();
    writeFileSync(file, 'currency: USD\nper: 1000000\nmodels:\n  mine: {input: cheap}\n');
    expect(faultOf(() => pricesOf(new Args([], { prices: file })))).toMatchObject({ tag: 'BadDocument', source: file });
  });

  it('--max-cost is refused for a model without a price', () => {
    const args = new Args([], { model: 'my-7b', maxCost: '1' });
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' };
    expect(
      faultOf(() => openServed(args, memoryBlobStore(), env, new Budget(budgetOf(args), systemClock))),
    ).toMatchObject({
      tag: 'PriceUnknown',
      model: 'my-7b',
    });
  });
});

it('a model that flags and environment name answers, and stops at its budget', async () => {
  const server = await serveFake({ key: 'a-key-in-use' });
  try {
    const args = new Args([], { model: 'gpt-4o-mini', maxCost: '0.0001' });
    const env = { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'a-key-in-use' };
    const budget = new Budget(budgetOf(args), systemClock);
    const model = openServed(args, memoryBlobStore(), env, budget);
    const ask = (content: string) => ({
      prompt: [{ role: 'user' as const, content }],
      sampling: { temperature: 0, topK: null, topP: null, maxTokens: 40 },
      key: [content],
    });
    const [one] = must(await model.complete([ask('hello')])());
    expect(the(one).served?.price?.amount).toBeGreaterThan(0);
    const rest = await model.complete(Array.from({ length: 50 }, (_, i) => ask(`hello ${i}`)))();
    expect(rest).toMatchObject({ left: { tag: 'BudgetReached', budget: 'money' } });
    // Less is left than the most that one call can cost: 60 bytes in, 40 tokens out.
    expect(budget.used().money).toBeLessThanOrEqual(0.0001);
    expect(budget.used().money).toBeGreaterThan(0.0001 - (60 * 0.15e-6 + 40 * 0.6e-6));
  } finally {
    await server.close();
  }
});

describe('doctor, as a process', () => {
  const endpointOf = async (env: Readonly<Record<string, string>>) => {
    const ran = await runCli(['doctor', '--json'], { cwd: here, env });
    const { checks }: { readonly checks: readonly { readonly name: string }[] } = jsonOf(ran);
    return [ran.code, checks.find(({ name }) => name === 'endpoint')];
  };

  it('tells what models the endpoint has, or what is wrong with it, and never the key', async () => {
    const server = await serveFake({ models: ['a', 'b'], key: 'a-key-in-use' });
    try {
      const there = { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'a-key-in-use' };
      expect(await endpointOf(there)).toMatchObject([0, { status: 'ok', detail: `${server.url} has 2 models: a, b` }]);
      const refused = await endpointOf({ ...there, OPENAI_API_KEY: 'another-key' });
      expect(refused).toMatchObject([0, { status: 'note', detail: expect.stringContaining('key-refused: 401') }]);
      expect(JSON.stringify(refused)).not.toContain('another-key');
    } finally {
      await server.close();
    }
  }, 60_000);
});
