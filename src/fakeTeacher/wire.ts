import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { digestOf, type Json } from '../../events/digest';
import { replyTo } from './replier';

const optional = <C extends t.Mixed>(codec: C) => t.union([codec, t.null, t.undefined]);

const common = {
  model: t.string,
  max_tokens: optional(t.number),
  max_completion_tokens: optional(t.number),
  n: optional(t.number),
  stop: optional(t.union([t.string, t.array(t.string)])),
  seed: optional(t.number),
};
const ChatRequest = t.type(
  {
    ...common,
    messages: t.array(t.type({ role: t.string, content: t.string }, 'Message')),
    logprobs: optional(t.boolean),
  },
  'ChatRequest',
);
const TextRequest = t.type({ ...common, prompt: t.string, logprobs: optional(t.number) }, 'TextRequest');

/** A request of either kind, as the reply needs it. */
export interface Wanted {
  readonly chat: boolean;
  readonly model: string;
  readonly prompt: string;
  readonly system: string;
  /** Whether it asks to mend a reply that was refused. */
  readonly repair: boolean;
  readonly maxTokens: number;
  readonly samples: number;
  readonly stop: readonly string[];
  readonly logprobs: boolean;
  /** The request's own seed, which a server honours as it can: this one does. */
  readonly seed: number;
}

/** How our prompts ask for another reply (src/prompts/shipped). */
const mending = /^That reply cannot be used: /;

/** What a conversation asks: its last message of the user, or the one before where the last asks to mend a reply. */
const asked = (messages: readonly { readonly role: string; readonly content: string }[]): string =>
  messages.findLast(({ role, content }) => role === 'user' && !mending.test(content))?.content ?? '';

/** Reads a request's body; a sentence where it is none. */
export const readRequest = (path: string, text: string): E.Either<string, Wanted> => {
  const value = E.tryCatch(
    (): unknown => JSON.parse(text),
    () => 'the body is no JSON',
  );
  if (E.isLeft(value)) return value;
  const chat = path.endsWith('/chat/completions');
  const chatting = chat ? ChatRequest.decode(value.right) : undefined;
  const continuing = chat ? undefined : TextRequest.decode(value.right);
  const decoded = chatting ?? continuing;
  if (decoded === undefined || E.isLeft(decoded)) return E.left('expected model and messages, or model and prompt');
  const { model, max_tokens, max_completion_tokens, n, stop, seed } = decoded.right;
  const messages = chatting !== undefined && E.isRight(chatting) ? chatting.right.messages : [];
  const said = (role: string): string => messages.findLast((message) => message.role === role)?.content ?? '';
  const logprobs = decoded.right.logprobs;
  return E.right({
    chat,
    model,
    prompt: continuing !== undefined && E.isRight(continuing) ? continuing.right.prompt : asked(messages),
    repair: messages.length > 0 && said('user') !== asked(messages),
    system: said('system'),
    maxTokens: max_completion_tokens ?? max_tokens ?? 4096,
    samples: n ?? 1,
    stop: typeof stop === 'string' ? [stop] : (stop ?? []),
    logprobs: logprobs !== null && logprobs !== undefined && logprobs !== false,
    seed: seed ?? 0,
  });
};

/** The fake teacher's tokens: words with the blanks before them. Fewer than a text has bytes, as with any tokenizer. */
export const tokensOf = (text: string): readonly string[] => text.match(/\s*\S+|\s+$/g) ?? [];

interface Text {
  readonly text: string;
  readonly tokens: readonly string[];
  readonly finish: 'stop' | 'length';
  readonly stopReason: string | null;
}

const textOf = (
  { prompt, system, seed: own, maxTokens, stop }: Wanted,
  seed: number,
  sample: number,
  spoilt: Spoilt | undefined,
): Text => {
  const whole = misspoken(replyTo({ seed: seed + own, prompt, system, sample }), spoilt);
  const stops = stop.flatMap((each) => (whole.includes(each) ? [{ each, at: whole.indexOf(each) }] : []));
  const first = stops.sort((a, b) => a.at - b.at)[0];
  const before = first === undefined ? whole : whole.slice(0, first.at);
  const tokens = tokensOf(before);
  if (tokens.length <= maxTokens) return { text: before, tokens, finish: 'stop', stopReason: first?.each ?? null };
  const kept = tokens.slice(0, maxTokens);
  return { text: kept.join(''), tokens: kept, finish: 'length', stopReason: null };
};

/** What a fault changes in an otherwise good reply. */
export type Spoilt =
  | 'missing-field'
  | 'too-few'
  | 'no-usage'
  | 'length'
  | 'content-filter'
  | 'other-language'
  | 'bad-form'
  | 'no-such-step'
  | 'rewrites-steps';

const german =
  'Der Schritt ist nicht richtig, weil die Reihenfolge der Wörter mit dem Anfang nicht zu der Frage passt.';

/** A reply that the wire carries well, and that says something else than was asked for. */
const misspoken = (text: string, spoilt: Spoilt | undefined): string => {
  if (spoilt === 'other-language') return german;
  if (spoilt === 'bad-form') return `Sure! Here is what I think:\n\n${text}`;
  if (spoilt === 'no-such-step') return text.replace(/^Step: .*$/m, 'Step: (77)');
  if (spoilt === 'rewrites-steps') return text.replace(/^\((\d+)\) (.*)$/m, '($1) To begin with, $2');
  return text;
};

const choice = (wanted: Wanted, index: number, one: Text, spoilt: Spoilt | undefined): Json => {
  const half = spoilt === 'length' ? one.tokens.slice(0, Math.ceil(one.tokens.length / 2)) : one.tokens;
  const filtered = spoilt === 'content-filter';
  const text = filtered ? '' : half.length === one.tokens.length ? one.text : half.join('');
  // Not probabilities of anything: a fixed number a token, so that clients have something to read.
  const logprobs = half.map((token) => -Math.min(token.length, 16) / 8);
  const ending = {
    index,
    finish_reason: filtered ? 'content_filter' : spoilt === 'length' ? 'length' : one.finish,
    stop_reason: one.stopReason,
  };
  if (!wanted.chat)
    return {
      ...ending,
      ...(spoilt === 'missing-field' ? {} : { text }),
      logprobs: wanted.logprobs ? { tokens: [...half], token_logprobs: logprobs } : null,
    };
  const content = half.map((token, i) => ({ token, logprob: logprobs[i] ?? 0 }));
  return {
    ...ending,
    message: { role: 'assistant', ...(spoilt === 'missing-field' ? {} : { content: text }) },
    logprobs: wanted.logprobs ? { content } : null,
  };
};

/** A reply in OpenAI's form. It holds no time, so that equal requests get equal bytes. */
export const replyBody = (wanted: Wanted, seed: number, spoilt: Spoilt | undefined): string => {
  const texts = Array.from({ length: wanted.samples }, (_, sample) => textOf(wanted, seed, sample, spoilt));
  const promptTokens = tokensOf(`${wanted.system} ${wanted.prompt}`).length;
  const completionTokens = texts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  const choices = texts.map((one, index) => choice(wanted, index, one, spoilt));
  return JSON.stringify({
    id: `fake-${digestOf([seed, { ...wanted, stop: [...wanted.stop] }]).slice(0, 16)}`,
    object: wanted.chat ? 'chat.completion' : 'text_completion',
    created: 0,
    model: wanted.model,
    system_fingerprint: 'fp_fake_1',
    choices: spoilt === 'too-few' ? choices.slice(1) : choices,
    ...(spoilt === 'no-usage' ? {} : { usage }),
  });
};
