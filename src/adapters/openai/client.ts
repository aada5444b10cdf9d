import OpenAI from 'openai';
import type { OpenAiSettings } from './settings';

/** The base URL for the SDK, which joins paths to it, and the query that goes with every request. */
const split = (baseUrl: string): { readonly base: string; readonly query: Record<string, string> } => {
  const url = new URL(baseUrl);
  const query = Object.fromEntries(url.searchParams);
  url.search = '';
  url.hash = '';
  return { base: url.href.replace(/\/+$/, ''), query };
};

/** The SDK's client, its retries and its log off, nothing taken from the environment. */
export const clientOf = (settings: OpenAiSettings, fetch: typeof globalThis.fetch): OpenAI => {
  const { apiKey, organization = null, project = null, timeoutMs } = settings;
  const { base, query } = split(settings.baseUrl);
  const azure = query['api-version'] !== undefined;
  return new OpenAI({
    baseURL: base,
    // The SDK insists on one; without a key of ours the header is taken off again.
    apiKey: apiKey ?? 'none',
    adminAPIKey: null,
    organization,
    project,
    webhookSecret: null,
    defaultQuery: query,
    defaultHeaders: {
      ...(apiKey === null ? { Authorization: null } : {}),
      ...(azure && apiKey !== null ? { Authorization: null, 'api-key': apiKey } : {}),
    },
    timeout: timeoutMs,
    maxRetries: 0,
    // Whatever OPENAI_LOG says: the SDK's log would show bodies.
    logLevel: 'off',
    fetch,
  });
};
