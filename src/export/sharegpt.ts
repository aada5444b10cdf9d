import { toLines } from '../../projections/replayDataset';
import { completionWeights, cut } from './completion';
import type { ExportFormat } from './exportFormat';
import { datasetInfo } from './llamaFactory';
import { provenanceColumns } from './provenance';

/**
 * ShareGPT's form as LLaMA-Factory reads it: `{conversations: [{from, value}]}`, `human` in odd places and `gpt` in even ones
 * (https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md).
 */
export const sharegpt: ExportFormat = {
  name: 'sharegpt',
  reader: 'LLaMA-Factory with `formatting: sharegpt` (`dataset_info.json` is in this folder)',
  mapping: [
    'The prompt section is the one `human` turn; every section behind it is the one `gpt` turn. The values, joined by nothing,',
    'are the training text exactly; the template of the model puts marks of its own around them.',
  ],
  data: 'data/train.jsonl',
  write: async (input) => {
    const lines = input.rows.map((row) => {
      const { prompt, completion } = cut(row);
      const turns = [
        { from: 'human', value: prompt },
        { from: 'gpt', value: completion },
      ];
      return { conversations: turns, ...provenanceColumns(row, input) };
    });
    const info = datasetInfo(input, {
      formatting: 'sharegpt',
      columns: { messages: 'conversations' },
      tags: { role_tag: 'from', content_tag: 'value', user_tag: 'human', assistant_tag: 'gpt' },
    });
    return new Map([
      ['data/train.jsonl', toLines(lines)],
      ['dataset_info.json', info],
    ]);
  },
  weights: completionWeights,
  end: () => 'always',
};
