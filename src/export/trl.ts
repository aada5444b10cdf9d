import { toLines } from '../../projections/replayDataset';
import { completionWeights, cut } from './completion';
import type { ExportFormat } from './exportFormat';
import { provenanceColumns } from './provenance';

/**
 * TRL's standard prompt-completion type, `{prompt, completion}`: https://huggingface.co/docs/trl/dataset_formats. SFTTrainer
 * computes the loss on the completion (`completion_only_loss`) and puts an end token behind it
 * (https://huggingface.co/docs/trl/sft_trainer); columns that it does not know are dropped when it tokenizes.
 */
export const trl: ExportFormat = {
  name: 'trl',
  reader: 'SFTTrainer of TRL, as prompt-completion (`completion_only_loss` as it is by default)',
  mapping: [
    '`prompt` is the prompt section; `completion` is every section behind it, as one text.',
    '`prompt` + `completion`, joined by nothing, is the training text exactly; no chat template is applied.',
  ],
  data: 'data/train.jsonl',
  write: async (input) => {
    const lines = input.rows.map((row) => {
      const { prompt, completion } = cut(row);
      return { prompt, completion, ...provenanceColumns(row, input) };
    });
    return new Map([['data/train.jsonl', toLines(lines)]]);
  },
  weights: completionWeights,
  end: () => 'always',
};
