import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { Count, Finite } from '../../../events/codecs';
import type { Answer, AttemptFailure, FailureKind, PlannedCall } from '../../ports/endpoint';

/** What a reply says, or why it says nothing that can be used. */
export type Read = E.Either<
  { readonly kind: FailureKind; readonly message: string },
  Pick<Answer, 'samples' | 'model' | 'systemFingerprint' | 'usage'>
>;

type Sample = Answer['samples'][number];

const maybe = <C extends t.Mixed>(codec: C) => t.union([codec, t.null, t.undefined], `${codec.name} | null`);

const Usage = t.type(
  {
    prompt_tokens: Count,
    completion_tokens: maybe(Count),
    prompt_tokens_details: maybe(t.type({ cached_tokens: maybe(Count) }, 'PromptTokensDetails')),
  },
  'Usage',
);

/** Fields of both kinds of reply that matter here; servers may send others. */
const about = { model: maybe(t.string), system_fingerprint: maybe(t.string), usage: maybe(Usage) };

/** `stop_reason` is vLLM's: the stop text that was met, or null. */
const ending = { index: maybe(Count), finish_reason: t.string, stop_reason: maybe(t.union([t.string, t.number])) };

const ChatChoice = t.type(
  {
    ...ending,
    message: t.type({ content: maybe(t.string), refusal: maybe(t.string) }, 'Message'),
    logprobs: maybe(t.type({ content: maybe(t.array(t.type({ logprob: Finite }, 'Token'))) }, 'Logprobs')),
  },
  'Choice',
);
const ChatReply = t.type({ ...about, choices: t.array(ChatChoice) }, 'ChatCompletion');

const TextChoice = t.type(
  {
    ...ending,
    text: t.string,
    logprobs: maybe(t.type({ token_logprobs: maybe(t.array(maybe(Finite))) }, 'Logprobs')),
  },
  'Choice',
);
const TextReply = t.type({ ...about, choices: t.array(TextChoice) }, 'TextCompletion');

const firstProblem = (errors: t.Errors): string => {
  const [error] = errors;
  if (error === undefined) return 'it is not understood';
  // A union's own branches are numbered in the context; only fields and list items are of interest.
  const path = error.context
    .slice(1)
    .filter((_, i) => !(error.context[i]?.type instanceof t.UnionType))
    .map(({ key }) => key)
    .join('.');
  const expected = error.context.at(-1)?.type.name ?? 'another value';
  const got = error.value === undefined ? 'nothing' : (JSON.stringify(error.value) ?? 'no JSON').slice(0, 60);
  return `${path}: expected ${expected}, got ${got}`;
};

const failed = (kind: FailureKind, message: string): Read => E.left({ kind, message });

interface Ended {
  readonly finish_reason: string;
  readonly stop_reason?: string | number | null | undefined;
}

/** Names of an ordinary end: OpenAI's, and those of other servers. */
const ordinary = new Set(['stop', 'eos', 'eos_token', 'end_turn', 'stop_sequence']);

const finishOf = ({ finish_reason, stop_reason }: Ended): Sample['finish'] | FailureKind => {
  if (finish_reason === 'length') return 'length';
  if (finish_reason === 'content_filter') return 'content-filter';
  if (!ordinary.has(finish_reason)) return 'bad-shape';
  return typeof stop_reason === 'string' || finish_reason === 'stop_sequence' ? 'stop' : 'eos';
};

const usageOf = (usage: t.TypeOf<typeof about.usage>): Answer['usage'] =>
  usage === null || usage === undefined
    ? null
    : {
        promptTokens: usage.prompt_tokens,
        // llama.cpp leaves it out where nothing was made.
        completionTokens: usage.completion_tokens ?? 0,
        cachedPromptTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
      };

interface Choice extends Ended {
  readonly index?: number | null | undefined;
  readonly content: string | null;
  readonly refusal: string | null;
  readonly logprobs: readonly number[] | null;
}

const sampleOf = (choice: Choice): E.Either<{ readonly kind: FailureKind; readonly message: string }, Sample> => {
  const finish = finishOf(choice);
  if (finish === 'content-filter')
    return E.left({ kind: finish, message: 'finish_reason content_filter: the server withheld the text' });
  if (finish !== 'eos' && finish !== 'stop' && finish !== 'length')
    return E.left({ kind: 'bad-shape', message: `finish_reason ${JSON.stringify(choice.finish_reason)} is not known` });
  const { content, refusal, logprobs } = choice;
  if (content === null && refusal !== null) return E.left({ kind: 'content-filter', message: `refusal: ${refusal}` });
  // A model that spends all its tokens on reasoning has said nothing.
  if (content === null && finish !== 'length')
    return E.left({ kind: 'bad-shape', message: 'message.content: expected a string, got null' });
  return E.right({ text: content ?? '', finish, tokenIds: null, logprobs });
};

const read = (
  reply: Pick<t.TypeOf<typeof TextReply>, 'model' | 'system_fingerprint' | 'usage'>,
  choices: readonly Choice[],
  asked: number,
): Read => {
  if (choices.length < asked) return failed('too-few-samples', `expected ${asked} choices, got ${choices.length}`);
  const placed = choices
    .map((choice, i) => ({ choice, at: choice.index ?? i }))
    .sort((a, b) => a.at - b.at)
    .slice(0, asked);
  if (placed.some(({ at }, i) => at !== i))
    return failed('bad-shape', `expected choices 0 to ${asked - 1}, got ${placed.map(({ at }) => at).join(', ')}`);
  const samples: Sample[] = [];
  for (const { choice } of placed) {
    const sample = sampleOf(choice);
    if (E.isLeft(sample)) return sample;
    samples.push(sample.right);
  }
  return E.right({
    samples,
    model: reply.model ?? null,
    systemFingerprint: reply.system_fingerprint ?? null,
    usage: usageOf(reply.usage),
  });
};

const parsed = (text: string): E.Either<{ readonly kind: FailureKind; readonly message: string }, unknown> => {
  try {
    const value: unknown = JSON.parse(text);
    return E.right(value);
  } catch {
    const trimmed = text.trim();
    // Text that begins as an object and does not end as one was cut off on its way.
    if (trimmed.startsWith('{') && !trimmed.endsWith('}'))
      return E.left({ kind: 'truncated', message: `the JSON ends after ${text.length} characters` });
    return E.left({
      kind: 'not-json',
      message: `the reply is no JSON; it begins ${JSON.stringify(trimmed.slice(0, 40))}`,
    });
  }
};

/** Reads the body of a 200, by what was called. */
export const readReply = (call: PlannedCall, contentType: string | null, text: string): Read => {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json' && !type.endsWith('+json'))
    return failed(
      'content-type',
      `expected application/json, got ${type === '' ? 'no content type' : type.slice(0, 60)}`,
    );
  const value = parsed(text);
  if (E.isLeft(value)) return value;
  if (call.path.startsWith('/chat/')) {
    const decoded = ChatReply.decode(value.right);
    if (E.isLeft(decoded)) return failed('bad-shape', firstProblem(decoded.left));
    const choices = decoded.right.choices.map(({ message, logprobs, ...rest }) => ({
      ...rest,
      content: message.content ?? null,
      refusal: message.refusal ?? null,
      logprobs: logprobs?.content?.map(({ logprob }) => logprob) ?? null,
    }));
    return read(decoded.right, choices, call.samples);
  }
  const decoded = TextReply.decode(value.right);
  if (E.isLeft(decoded)) return failed('bad-shape', firstProblem(decoded.left));
  const choices = decoded.right.choices.map(({ text: content, logprobs, ...rest }) => {
    const all = logprobs?.token_logprobs ?? null;
    // The first token of an echoed prompt has no log-probability; ours is never echoed.
    const known = all?.flatMap((one) => (one === null || one === undefined ? [] : [one])) ?? null;
    return { ...rest, content, refusal: null, logprobs: known?.length === all?.length ? known : null };
  });
  return read(decoded.right, choices, call.samples);
};

const ErrorReply = t.type(
  {
    error: t.union([
      t.string,
      t.type({ message: maybe(t.string), code: maybe(t.union([t.string, t.number])), type: maybe(t.string) }),
    ]),
  },
  'Error',
);

/** An error's own words: OpenAI's form, that of servers which put a string there, or the start of the body. */
const errorOf = (text: string): { readonly message: string; readonly code: string } => {
  const value = E.tryCatch(
    (): unknown => JSON.parse(text),
    () => undefined,
  );
  const decoded = E.isRight(value) ? ErrorReply.decode(value.right) : undefined;
  if (decoded === undefined || E.isLeft(decoded)) return { message: text.trim().slice(0, 200), code: '' };
  const { error } = decoded.right;
  if (typeof error === 'string') return { message: error.slice(0, 200), code: '' };
  return { message: (error.message ?? '').slice(0, 200), code: String(error.code ?? error.type ?? '') };
};

const tooLong =
  /context[_ ]length|maximum context|context (?:window|size)|too many tokens|prompt is too long|exceeds? the (?:available )?context/i;
const filtered = /content[_ ]filter|content management policy|content_policy_violation/i;

const kindOf = (status: number, code: string, message: string): FailureKind => {
  if (status === 429)
    return /insufficient_quota|quota_exceeded|billing/.test(`${code} ${message}`) ? 'quota' : 'rate-limit';
  if (status >= 500 || status === 408 || status === 409) return 'server-error';
  if (status === 401 || status === 403) return 'key-refused';
  if (filtered.test(`${code} ${message}`)) return 'content-filter';
  if (status === 413 || tooLong.test(`${code} ${message}`)) return 'too-long';
  return status === 404 ? 'model-unknown' : 'bad-request';
};

/** "maximum context length is 8192 tokens. However, you requested 9000 tokens": limit and count, where they are told. */
const countsOf = (message: string): { readonly tokens: number | null; readonly limit: number | null } => {
  const number = (pattern: RegExp): number | null => {
    const [, digits] = pattern.exec(message) ?? [];
    return digits === undefined ? null : Number(digits.replaceAll(',', ''));
  };
  return {
    limit: number(/(?:maximum context length (?:is|of)|context (?:size|window) (?:is|of)?)\D{0,12}([\d,]+)/i),
    tokens: number(/(?:requested|resulted in|has|contains)\D{0,24}([\d,]+)\s*tokens/i),
  };
};

/** Reads a reply with another status than 200. Its message is the server's, shortened; it may not be trusted to be polite. */
export const readError = (
  status: number,
  text: string,
): Pick<AttemptFailure, 'kind' | 'message' | 'tokens' | 'limit'> => {
  const { message, code } = errorOf(text);
  const kind = kindOf(status, code, message);
  const said = `${status}${code === '' ? '' : ` ${code}`}${message === '' ? '' : `: ${message}`}`;
  return { kind, message: said, ...(kind === 'too-long' ? countsOf(message) : {}) };
};
