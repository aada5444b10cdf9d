import { toLines, type Row } from '../../projections/replayDataset';
import { cut } from './completion';
import type { ExportFormat } from './exportFormat';
import { provenanceColumns } from './provenance';

interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly weight?: 0 | 1;
}

const trained = (weight: number): 0 | 1 => (weight > 0 ? 1 : 0);

/** Neighbouring sections of the same weight are one assistant message. */
const messagesOf = (row: Row): readonly Message[] => {
  const { prompt, written } = cut(row);
  const out: Message[] = [{ role: 'user', content: prompt }];
  for (const section of written) {
    const weight = trained(section.weight);
    const last = out[out.length - 1];
    if (last?.role === 'assistant' && last.weight === weight) {
      out[out.length - 1] = { ...last, content: `${last.content}${section.text}` };
    } else out.push({ role: 'assistant', content: section.text, weight });
  }
  return out;
};

/**
 * OpenAI's chat fine-tuning file: `{messages}`, where an assistant message may have `weight` 0 or 1
 * (FineTuneChatCompletionRequestAssistantMessage in https://github.com/openai/openai-openapi). A line has no other key, so
 * the provenance of the n-th line is the n-th line of `provenance.jsonl`.
 */
export const openai: ExportFormat = {
  name: 'openai',
  reader: "OpenAI's fine-tuning API and the services that read its files",
  mapping: [
    'The prompt section is the user message. The sections behind it are one assistant message, or several in a row where some',
    'have weight 0 and others not: `weight` is 1 for a weight above 0, and 0 otherwise. The contents, joined by nothing, are',
    'the training text exactly. The n-th line of `provenance.jsonl` is about the n-th line of `data/train.jsonl`.',
  ],
  data: 'data/train.jsonl',
  write: async (input) =>
    new Map([
      ['data/train.jsonl', toLines(input.rows.map((row) => ({ messages: messagesOf(row) })))],
      ['provenance.jsonl', toLines(input.rows.map((row) => provenanceColumns(row, input)))],
    ]),
  weights: (row) => {
    const prompts = row.sections.length - cut(row).written.length;
    return row.sections.map(({ weight }, i) => (i < prompts ? 0 : trained(weight)));
  },
  end: () => 'always',
};
