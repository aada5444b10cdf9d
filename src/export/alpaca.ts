import { toLines } from '../../projections/replayDataset';
import { completionWeights, cut } from './completion';
import type { ExportFormat } from './exportFormat';
import { datasetInfo } from './llamaFactory';
import { provenanceColumns } from './provenance';

/**
 * Alpaca's form, `{instruction, input, output}` (https://github.com/tatsu-lab/stanford_alpaca), as LLaMA-Factory and Axolotl
 * (`type: alpaca`) read it. `input` is empty: the prompt is one text.
 */
export const alpaca: ExportFormat = {
  name: 'alpaca',
  reader:
    'LLaMA-Factory with `formatting: alpaca` (`dataset_info.json` is in this folder), or Axolotl as `type: alpaca`',
  mapping: [
    '`instruction` is the prompt section, `input` is empty, `output` is every section behind the prompt, as one text.',
    '`instruction` + `output`, joined by nothing, is the training text exactly; the reader puts its own template around them.',
  ],
  data: 'data/train.jsonl',
  write: async (input) => {
    const lines = input.rows.map((row) => {
      const { prompt, completion } = cut(row);
      return { instruction: prompt, input: '', output: completion, ...provenanceColumns(row, input) };
    });
    const columns = { prompt: 'instruction', query: 'input', response: 'output' };
    return new Map([
      ['data/train.jsonl', toLines(lines)],
      ['dataset_info.json', datasetInfo(input, { formatting: 'alpaca', columns })],
    ]);
  },
  weights: completionWeights,
  end: () => 'always',
};
