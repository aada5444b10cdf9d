import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAiBaseUrl, defaultSettings, type OpenAiSettings } from '../adapters/openai/settings';
import { systemClock } from '../adapters/system/clock';
import { PriceTable, withPrices } from '../calls/prices';
import { servedModel, type ServedSettings } from '../calls/servedModel';
import type { Budget, BudgetLimits } from '../calls/budget';
import type { BlobStore } from '../ports/blobStore';
import type { LanguageModel } from '../ports/languageModel';
import type { Endpoint } from '../ports/endpoint';
import { parseYaml } from '../../projections/parseYaml';
import * as E from 'fp-ts/Either';
import type { Args } from './args';
import type { Flag } from './command';
import { must, stop, usage } from './faults';
import { readText } from './inputFile';
import { typed } from './lazy';
import { packageRoot } from './packageRoot';

/** Flags of every command that calls a served model. */
export const endpointFlags: readonly Flag[] = [
  {
    flags: '--model <name>',
    description: 'the served model, as its server calls it; server and key are OPENAI_BASE_URL and OPENAI_API_KEY',
  },
  {
    flags: '--api <api>',
    description: 'auto: conversations as chat, texts as plain completions',
    choices: ['auto', 'chat', 'completions'],
    fallback: 'auto',
  },
  { flags: '--timeout <seconds>', description: 'for one attempt at a call', fallback: '120' },
  { flags: '--concurrency <n>', description: 'calls under way at once', fallback: '16' },
  { flags: '--rpm <n>', description: 'calls within any 60 seconds, at most' },
  { flags: '--tpm <n>', description: 'tokens within any 60 seconds, at most' },
  {
    flags: '--max-cost <dollars>',
    description: 'stop before a call might exceed this, all served models together; each needs a price',
  },
  { flags: '--max-calls <n>', description: 'stop behind so many attempts at calls' },
  { flags: '--max-total-tokens <n>', description: 'stop before a call might exceed so many tokens, prompts included' },
  { flags: '--max-minutes <n>', description: 'begin no call after so many minutes' },
  { flags: '--prices <file>', description: 'prices in the form of src/calls/prices.yaml, over the shipped ones' },
];

/** The same for a command in which `--model` has no meaning of its own: it names its models otherwise. */
export const callFlags: readonly Flag[] = endpointFlags.filter(({ flags }) => !flags.startsWith('--model'));

const set = (value: string | undefined): string | null =>
  value === undefined || value.trim() === '' ? null : value.trim();

/** The server that the environment names, or OpenAI's. */
export const serverOf = (
  env: NodeJS.ProcessEnv,
): Pick<OpenAiSettings, 'baseUrl' | 'apiKey' | 'organization' | 'project'> => {
  const baseUrl = set(env['OPENAI_BASE_URL']) ?? openAiBaseUrl;
  const apiKey = set(env['OPENAI_API_KEY']);
  const url = E.tryCatch(
    () => new URL(baseUrl),
    () => undefined,
  );
  if (E.isLeft(url) || !/^https?:$/.test(url.right.protocol))
    return usage('OPENAI_BASE_URL: expected a URL as http://127.0.0.1:8000/v1');
  if (apiKey === null && baseUrl.startsWith(openAiBaseUrl))
    return usage(`OPENAI_API_KEY is not set, and ${openAiBaseUrl} needs one; OPENAI_BASE_URL names another server`);
  return { baseUrl, apiKey, organization: set(env['OPENAI_ORG_ID']), project: set(env['OPENAI_PROJECT_ID']) };
};

const shippedPrices = 'src/calls/prices.yaml';

const priceTable = (text: string, source: string): PriceTable => {
  const read = parseYaml(text, PriceTable);
  return E.isRight(read) ? read.right : stop({ tag: 'BadDocument', source, problems: read.left });
};

/** The shipped prices, and over them those of --prices. */
export const pricesOf = (args: Args): PriceTable => {
  const shipped = priceTable(readFileSync(join(packageRoot, shippedPrices), 'utf8'), shippedPrices);
  const own = args.text('prices');
  return own === undefined ? shipped : withPrices(shipped, priceTable(readText(own), own));
};

export const apiOf = (args: Args): OpenAiSettings['api'] => {
  const api = args.text('api') ?? 'auto';
  return api === 'chat' || api === 'completions' || api === 'auto' ? api : usage(`--api: there is no ${api}`);
};

const atLeastOne = (args: Args, name: string): number | null => {
  const value = args.whole(name) ?? null;
  return value === 0 ? usage(`--${name}: expected a number from 1, got 0`) : value;
};

/** The budget of all served models of a command, as the flags say. */
export const budgetOf = (args: Args): BudgetLimits => {
  const minutes = args.number('maxMinutes');
  return {
    money: args.number('maxCost') ?? null,
    calls: args.whole('maxCalls') ?? null,
    tokens: args.whole('maxTotalTokens') ?? null,
    time: minutes === undefined ? null : minutes * 60_000,
  };
};

/** A model's limits and prices, as the flags say. */
export const servedSettings = (args: Args): Pick<ServedSettings, 'limits' | 'prices'> => {
  return {
    limits: {
      concurrency: atLeastOne(args, 'concurrency') ?? 16,
      requestsPerMinute: atLeastOne(args, 'rpm'),
      tokensPerMinute: atLeastOne(args, 'tpm'),
    },
    prices: pricesOf(args),
  };
};

type EndpointModule = typeof import('../adapters/openai/endpoint');

/** The endpoint that flags and environment name. The SDK is loaded when it is needed. */
export const openEndpoint = (args: Args, env: NodeJS.ProcessEnv): Endpoint => {
  const { openAiEndpoint } = typed<EndpointModule>(require('../adapters/openai/endpoint'));
  const seconds = args.number('timeout') ?? 120;
  if (seconds === 0) usage('--timeout: expected seconds above 0, got 0');
  const settings = defaultSettings({
    ...serverOf(env),
    model: args.need('model'),
    api: apiOf(args),
    timeoutMs: seconds * 1000,
  });
  return openAiEndpoint(settings, { now: () => performance.now() });
};

/** A served model with everything that flags and environment say of it. */
export const openServed = (args: Args, blobs: BlobStore, env: NodeJS.ProcessEnv, budget: Budget): LanguageModel => {
  const ports = { endpoint: openEndpoint(args, env), blobs, clock: systemClock };
  return must(servedModel({ ...servedSettings(args), budget }, ports));
};
