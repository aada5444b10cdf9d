import { resolve } from 'node:path';
import { encodeCheckpoint } from '../../train/checkpoint';
import { loadCheckpoint } from '../../train/checkpointStore';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import type { ExitName } from '../exitCodes';
import { withLedger } from '../compose';
import { findCheckpoint } from '../find';
import { must } from '../faults';
import { filesOf, receiptFile, receiptOf, writeFolder } from '../studentFolder';

export const exportStudent: Command = {
  name: 'export-student',
  summary: 'Write a checkpoint as a Hugging Face folder, with the receipt of its training',
  json: 'object',
  details: [
    'receipt.jsonl holds the events of the training, so that base.trained in a config can import it elsewhere.',
    'With --dtype bf16 the weights are rounded, to nearest even, and are no longer those of the receipt: it is left out.',
    'A file that is there with other bytes is not overwritten. JSON: {checkpoint, weights, folder, files, trainingId}.',
  ].join('\n'),
  arguments: [
    { name: '<checkpoint>', description: 'its digest, the first 6 or more characters, or latest' },
    { name: '<folder>', description: 'where to' },
  ],
  flags: [
    ledgerFlag,
    { flags: '--dtype <type>', description: 'type of the weights', choices: ['f32', 'bf16'], fallback: 'f32' },
    atFlag,
    jsonFlag,
  ],
  examples: ['tripost export-student latest ./student', 'tripost export-student 3fa9c1 ./student --ledger ledger.db'],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const { blobs } = ledger;
      const log = await readingLog(ledger.log, args, context);
      const folder = resolve(args.at(1));
      const { checkpoint, files, trainingId, weights } = (await findCheckpoint(log, args.at(0))).data;
      const isRounded = args.text('dtype') === 'bf16';
      const bytes = isRounded
        ? encodeCheckpoint(must(await loadCheckpoint(blobs, checkpoint, files)), 'BF16')
        : await filesOf(blobs, files);
      if (trainingId !== null && !isRounded)
        bytes.set(receiptFile, new TextEncoder().encode(await receiptOf(log, trainingId)));
      writeFolder(folder, bytes, false);
      const names = [...bytes.keys()].sort();
      if (context.json) await context.out.json({ checkpoint, weights, folder, files: names, trainingId });
      else await context.out.line(`checkpoint ${checkpoint} in ${folder}: ${names.join(', ')}`);
      return 'ok';
    }),
};
