import { draws, type Draws } from '../../projections/random';
import { askedInProtocol } from './protocol';
import { promptedText } from './promptedText';
import { studentText } from './studentText';

/** What a reply is to be found for. */
export interface Asked {
  /** The prompt of a plain completion, or the last user message of a conversation. */
  readonly prompt: string;
  /** The system message of a conversation; empty where there is none. */
  readonly system: string;
  /** Draws for this prompt and sample. */
  readonly drawn: Draws;
}

/** Knows one form of prompt: its reply, or undefined where the prompt is of another form. */
export interface Replier {
  readonly name: string;
  readonly reply: (asked: Asked) => string | undefined;
}

const words = 'so the first part is of a kind with what was said before and then it goes on as one would think'.split(
  ' ',
);

/** Some words, as the draws have it: for a prompt that nobody knows. */
const anything: Replier = {
  name: 'anything',
  reply: ({ drawn }) => {
    const length = 8 + drawn.integer(0, 24);
    const text = Array.from({ length }, (_, i) => words[drawn.integer(i + 1, words.length)] ?? '').join(' ');
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  },
};

/** Every form of prompt that the fake teacher knows, the most particular first. A new prompt of ours is a row here. */
export const repliers: readonly Replier[] = [
  { name: 'protocol', reply: ({ prompt, drawn }) => askedInProtocol(prompt, drawn) },
  { name: 'prompted', reply: ({ prompt, drawn }) => promptedText(prompt, drawn) },
  { name: 'student', reply: ({ prompt, drawn }) => studentText(prompt, drawn) },
  anything,
];

/** The reply to a prompt: the same for the same seed, prompt and sample. */
export const replyTo = (
  asked: { readonly seed: number; readonly prompt: string; readonly system: string; readonly sample: number },
  known: readonly Replier[] = repliers,
): string => {
  const { seed, prompt, system, sample } = asked;
  const drawn = draws(['reply', seed, system, prompt, sample]);
  for (const { reply } of known) {
    const text = reply({ prompt, system, drawn });
    if (text !== undefined) return text;
  }
  throw new Error('no replier knows the prompt, though the last one knows any');
};
