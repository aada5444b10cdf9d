import type { FailureKind } from '../../ports/endpoint';
import { because, some, type Table } from './explained';

export type EndpointTag = 'NotRecorded' | 'CallGivenUp' | 'EndpointRefused' | 'BudgetReached' | 'PriceUnknown';

const again = 'What was answered before is on the ledger; run the same command again to go on.';

const refusals: Partial<Readonly<Record<FailureKind, string>>> = {
  'key-refused':
    'Set OPENAI_API_KEY to a key that this server takes, and OPENAI_BASE_URL to the server that it is for.',
  'model-unknown':
    'Name a model that this server has with --model, and check the path of OPENAI_BASE_URL (it ends in /v1).',
  quota: 'The account has no credit left. Top it up, or name another server.',
};

const reasons: Partial<Readonly<Record<FailureKind, string>>> = {
  dns: 'Its name has no address from here: check OPENAI_BASE_URL and the network.',
  connect: 'Nothing listens there, or it cannot be reached: check OPENAI_BASE_URL and that the server runs.',
  'content-filter': 'The provider withheld the text; the prompt and the reply are in the blob store.',
};

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** The part of a text where it begins to differ from another one. */
const around = (text: string | null, other: string | null): string => {
  if (text === null) return 'nothing';
  let at = 0;
  while (at < text.length && text[at] === other?.[at]) at += 1;
  const from = Math.max(0, at - 10);
  return `${from > 0 ? '...' : ''}${oneLine(text.slice(from, from + 50))}`;
};

const units = { money: 'US dollars', calls: 'calls', tokens: 'tokens', time: 'ms' } as const;

/** Messages of served models. */
export const endpointTable: Table<EndpointTag> = {
  NotRecorded: ({ callKey, prompt, nearest }) => {
    const differences = nearest?.differences.slice(0, 3) ?? [];
    return because(
      'refused',
      `This call is not recorded, and no call may be made: ${callKey.slice(0, 12)}`,
      `  it ends with ${JSON.stringify(oneLine(prompt).slice(-80))}`,
      nearest === null
        ? '  no call of this kind is recorded'
        : `  the nearest recorded call is generation ${nearest.generationId}; what differs:`,
      ...differences.map(
        ({ part, here, there }) => `    ${part}: ${around(here, there)}; recorded: ${around(there, here)}`,
      ),
      'Without --offline it is made; --calls-from names a ledger that may have it.',
    );
  },
  CallGivenUp: ({ where, kind, status, attempts, message }) =>
    because(
      'runtime',
      `A call to ${where} was given up after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}: ${kind}${status === null ? '' : ` (HTTP ${status})`}`,
      `  ${message}`,
      ...(reasons[kind] === undefined ? [] : [reasons[kind]]),
      `Every attempt is an event: \`tripost log --type CallFailed\`. ${again}`,
    ),
  EndpointRefused: ({ where, model, kind, status, message }) =>
    because(
      'runtime',
      `${where} refuses calls to ${model}: ${kind}${status === null ? '' : ` (HTTP ${status})`}`,
      `  ${message}`,
      refusals[kind] ?? 'Check OPENAI_API_KEY, OPENAI_BASE_URL and --model.',
      again,
    ),
  BudgetReached: ({ budget, limit, used }) =>
    because(
      'budget',
      `The budget is reached: another call might exceed ${limit} ${units[budget]}.`,
      `  used so far: ${used} ${units[budget]}`,
      'Calls under way were let finish. Give a larger budget and run the same command again: no call is paid for twice.',
    ),
  PriceUnknown: ({ model, known }) =>
    because(
      'usage',
      `A budget in money needs a price, and there is none for ${model}.`,
      `  prices are known for ${some(known, 8).join(', ')}`,
      'Nothing was sent. Give its price in a file with --prices (as src/calls/prices.yaml), or a budget in tokens or calls.',
    ),
};
