import { alpaca } from './alpaca';
import { axolotl } from './axolotl';
import { croissant } from './croissant';
import type { ExportFormat } from './exportFormat';
import { jsonl } from './jsonl';
import { messages } from './messages';
import { openai } from './openai';
import { openlineage } from './openlineage';
import { parquet } from './parquet';
import { sharegpt } from './sharegpt';
import { trl } from './trl';

/** Every format by name. Adding one is a file and an entry here. */
export const formats: ReadonlyMap<string, ExportFormat> = new Map(
  [parquet, jsonl, trl, messages, axolotl, sharegpt, alpaca, openai, croissant, openlineage].map((format) => [
    format.name,
    format,
  ]),
);
