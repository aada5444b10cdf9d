import { toLines } from '../../projections/replayDataset';
import { completionWeights, cut } from './completion';
import type { ExportFormat } from './exportFormat';
import { provenanceColumns } from './provenance';

/**
 * The conversational form that TRL, Axolotl (`chat_template`) and others read: `{messages: [{role, content}]}`
 * (https://huggingface.co/docs/trl/dataset_formats, https://docs.axolotl.ai/docs/dataset-formats/conversation.html).
 */
export const messages: ExportFormat = {
  name: 'messages',
  reader: 'SFTTrainer of TRL with `assistant_only_loss`, Axolotl as `chat_template`, or anything that reads `messages`',
  mapping: [
    'The prompt section is the one user message; every section behind it is the one assistant message, because the student',
    'writes answer, feedback and update in one go. The contents, joined by nothing, are the training text exactly; a chat',
    'template puts marks of its own around them, and may trim blanks at their ends.',
  ],
  data: 'data/train.jsonl',
  write: async (input) => {
    const lines = input.rows.map((row) => {
      const { prompt, completion } = cut(row);
      const turns = [
        { role: 'user', content: prompt },
        { role: 'assistant', content: completion },
      ];
      return { messages: turns, ...provenanceColumns(row, input) };
    });
    return new Map([['data/train.jsonl', toLines(lines)]]);
  },
  weights: completionWeights,
  end: () => 'always',
};
