import { canonicalJson, isMapping } from '../../events/digest';
import type { Finish } from '../../events/generationProduced';
import type { ProblemPosed } from '../../events/problemPosed';

/** One line of a chat log: what a model was asked, and its one answer. */
export interface ChatAnswer {
  /** Line of the file, from 1. */
  readonly line: number;
  /** What the model was asked: the user's message as it is; canonical JSON of the messages where there are more. */
  readonly prompt: string;
  /** The last thing a user said: it holds the question. */
  readonly question: string;
  readonly answer: string;
  /** Null where the line does not name it. */
  readonly model: string | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  /** 0: the line names no limit. */
  readonly maxTokens: number;
  readonly finish: Finish;
  /** Zeros where the line has none. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number };
}

export type ReadChat =
  | { readonly ok: true; readonly answer: ChatAnswer }
  /** `message` names line and field. */
  | { readonly ok: false; readonly message: string };

interface Message {
  readonly role: string;
  readonly content: string;
}

const roles = new Set(['system', 'developer', 'user', 'assistant']);

/** A message's text: a string, or the text parts of a list. */
const textOf = (content: unknown): string | undefined => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const parts: string[] = [];
  for (const part of Array.from<unknown>(content)) {
    const text = isMapping(part) && part['type'] === 'text' ? part['text'] : undefined;
    if (typeof text !== 'string') return undefined;
    parts.push(text);
  }
  return parts.join('');
};

const messagesOf = (value: unknown): readonly Message[] | string => {
  if (!Array.isArray(value) || value.length === 0) return 'messages is missing or no list';
  const messages: Message[] = [];
  for (const [i, message] of Array.from<unknown>(value).entries()) {
    const role = isMapping(message) ? message['role'] : undefined;
    const content = isMapping(message) ? textOf(message['content']) : undefined;
    if (typeof role !== 'string' || !roles.has(role)) return `messages[${i}].role is none of ${[...roles].join(', ')}`;
    if (content === undefined) return `messages[${i}].content is no text`;
    messages.push({ role, content });
  }
  return messages;
};

const count = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
const finite = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/**
 * Reads a line `{messages: [{role, content}], model?, temperature?, top_p?, max_tokens?, finish_reason?, usage?}`: the chat
 * form of OpenAI's API and of everything that follows it. There has to be one answer, at the end.
 */
export const readChat = (json: string, line: number): ReadChat => {
  const no = (message: string): ReadChat => ({ ok: false, message: `line ${line}: ${message}` });
  let row: unknown;
  try {
    row = JSON.parse(json);
  } catch {
    return no('it is no JSON');
  }
  if (!isMapping(row)) return no('it is no JSON object');
  const messages = messagesOf(row['messages']);
  if (typeof messages === 'string') return no(messages);
  const asked = messages.slice(0, -1);
  const last = messages[messages.length - 1];
  if (last?.role !== 'assistant' || asked.some(({ role }) => role === 'assistant'))
    return no('expected one message of the assistant, at the end');
  const question = asked.findLast(({ role }) => role === 'user')?.content;
  if (question === undefined) return no('there is no message of a user');
  if (last.content.trim() === '') return no('the answer is empty');
  const { model, usage, temperature, top_p: topP, max_tokens: maxTokens, finish_reason: reason } = row;
  if (model !== undefined && (typeof model !== 'string' || model === '')) return no('model is no text');
  const used = isMapping(usage) ? usage : {};
  return {
    ok: true,
    answer: {
      line,
      prompt: asked.length === 1 ? question : canonicalJson(asked),
      question,
      answer: last.content,
      model: model ?? null,
      temperature: finite(temperature),
      topP: finite(topP),
      maxTokens: count(maxTokens),
      finish: reason === 'length' ? 'length' : 'eos',
      usage: { promptTokens: count(used['prompt_tokens']), completionTokens: count(used['completion_tokens']) },
    },
  };
};

/** Blanks of a chat window do not make another question. */
const bare = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

/** Finds the problem that a text asks: its prompt, or its question with its options, blanks aside. */
export const questionIndex = (problems: readonly ProblemPosed[]): ((text: string) => ProblemPosed | undefined) => {
  const known = new Map<string, ProblemPosed>();
  for (const problem of problems) {
    const asked = problem.options === null ? problem.question : `${problem.question}\n${problem.options}`;
    for (const form of [problem.prompt, asked, `Q: ${asked}`]) known.set(bare(form), problem);
  }
  return (text) => known.get(bare(text));
};
