import type { CompletionRequest } from '../ports/languageModel';
import type { Bound } from './budget';

/** Tokens that a chat format puts around a message, and around a conversation: generous, since servers do not tell. */
const aroundMessage = 16;

const encoder = new TextEncoder();
const bytesOf = (text: string): number => encoder.encode(text).length;

const promptBytes = ({ prompt }: CompletionRequest): number =>
  typeof prompt === 'string'
    ? bytesOf(prompt) + aroundMessage
    : prompt.reduce((sum, { content }) => sum + bytesOf(content) + aroundMessage, aroundMessage);

const completionTokens = ({ sampling, samples = 1 }: CompletionRequest): number => sampling.maxTokens * samples;

/** The most that a call can take: no tokenizer in use makes more tokens of a text than it has bytes in UTF-8. */
export const boundOf = (request: CompletionRequest): Bound => ({
  promptTokens: promptBytes(request),
  completionTokens: completionTokens(request),
});

/** What a call is likely to take, for a limit of tokens per minute: four bytes a token, and all that it asks for. */
export const estimateOf = (request: CompletionRequest): number =>
  Math.ceil(promptBytes(request) / 4) + completionTokens(request);
