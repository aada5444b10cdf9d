import * as E from 'fp-ts/Either';
import type { Json } from '../../../events/digest';
import { draws } from '../../../projections/random';
import type { PlannedCall } from '../../ports/endpoint';
import type { CompletionRequest, ModelError } from '../../ports/languageModel';
import type { OpenAiSettings } from './settings';

type Body = Readonly<Record<string, Json>>;

/** A seed that every server takes: a whole number below 2^31. */
const seedOf = ({ key }: CompletionRequest): number => draws(['seed', ...key]).integer(0, 0x80000000);

const badSampling = ({ sampling, samples = 1 }: CompletionRequest): string | undefined => {
  const { temperature, topP, topK, maxTokens } = sampling;
  if (!(temperature >= 0)) return `expected temperature from 0, got ${temperature}`;
  if (topP !== null && !(topP > 0 && topP <= 1)) return `expected topP above 0 and up to 1, got ${topP}`;
  if (topK === 0) return 'expected topK from 1, got 0';
  if (maxTokens < 1) return `expected maxTokens from 1, got ${maxTokens}`;
  return Number.isSafeInteger(samples) && samples >= 1 ? undefined : `expected samples from 1, got ${samples}`;
};

/** What both APIs know by the same names. top_k is not OpenAI's; vLLM, llama.cpp and Ollama take it. */
const common = (request: CompletionRequest, { sendSeed }: OpenAiSettings): Body => {
  const { sampling, samples = 1, stop = [] } = request;
  const { temperature, topP, topK } = sampling;
  return {
    // Always said: a server's default may come from the model's own files.
    temperature,
    ...(topP === null ? {} : { top_p: topP }),
    ...(topK === null ? {} : { top_k: topK }),
    ...(samples === 1 ? {} : { n: samples }),
    ...(stop.length === 0 ? {} : { stop: [...stop] }),
    ...(sendSeed ? { seed: seedOf(request) } : {}),
  };
};

/** The exact call for a request; nothing in it depends on time or on what else is asked. */
export const planCall = (request: CompletionRequest, settings: OpenAiSettings): E.Either<ModelError, PlannedCall> => {
  const bad = badSampling(request);
  if (bad !== undefined) return E.left({ tag: 'BadSampling', message: bad });
  const { model, api, maxTokensField, extraBody } = settings;
  const { prompt, sampling, samples = 1, stop = [], logprobs = false } = request;
  const chat = api === 'chat' || (api === 'auto' && typeof prompt !== 'string');
  if (!chat && typeof prompt !== 'string')
    return E.left({
      tag: 'RequestUnsupported',
      message: 'a conversation was asked of an endpoint that is set to plain completions (api: completions)',
    });
  if (typeof prompt !== 'string' && prompt.length === 0)
    return E.left({ tag: 'RequestUnsupported', message: 'a conversation has at least one message, got none' });
  const asked: Body =
    chat || typeof prompt !== 'string'
      ? {
          model,
          messages:
            typeof prompt === 'string'
              ? [{ role: 'user', content: prompt }]
              : prompt.map(({ role, content }) => ({ role, content })),
          [maxTokensField]: sampling.maxTokens,
          ...(logprobs ? { logprobs: true } : {}),
        }
      : { model, prompt, max_tokens: sampling.maxTokens, ...(logprobs ? { logprobs: 0 } : {}) };
  return E.right({
    path: chat ? '/chat/completions' : '/completions',
    body: { ...asked, ...common(request, settings), ...extraBody },
    samples,
    stop,
  });
};
