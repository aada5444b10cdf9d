import { canonicalJson, type Json } from '../../events/digest';
import type { ExportInput } from './exportFormat';

/**
 * The `dataset_info.json` that LLaMA-Factory looks for in its `dataset_dir`
 * (https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md). The dataset's name is `tripost_<digest>`.
 */
export const datasetInfo = ({ dataset }: ExportInput, description: Readonly<Record<string, Json>>): Uint8Array =>
  new TextEncoder().encode(
    `${canonicalJson({ [`tripost_${dataset.slice(0, 12)}`]: { file_name: 'data/train.jsonl', ...description } })}\n`,
  );
