import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointRegistered, type CheckpointRegistered } from '../../../events/checkpointRegistered';
import { contentId, digestOf, sha256, type Digest } from '../../../events/digest';
import { appendOnce } from '../../ledger/openStream';
import { checkpointDigest, isCheckpointFile } from '../../train/checkpoint';
import { jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { must, stop, usage } from '../faults';
import { eventsOf, findDataset } from '../find';
import { isFolder } from '../studentFolder';

/** The files of a model folder by digest, read one after the other; they are not copied. */
const filesIn = (folder: string): Readonly<Record<string, Digest>> => {
  if (!existsSync(folder) || !isFolder(folder))
    return stop({ tag: 'InputUnreadable', path: folder, message: 'there is no such folder' });
  const names = readdirSync(folder).filter(isCheckpointFile).sort();
  if (names.length === 0) usage(`${folder}: there is no file of a model in it (config.json, model.safetensors, ...)`);
  return Object.fromEntries(names.map((name) => [name, sha256(readFileSync(join(folder, name)))]));
};

const digest = /^[0-9a-f]{64}$/;

export const registerCheckpoint: Command = {
  name: 'register-checkpoint',
  summary:
    'Put a checkpoint that was trained elsewhere on the ledger: its dataset, base and trainer; its weights stay away',
  json: 'object',
  details: [
    'Closes the loop for a model that is too large for here: export the dataset, train elsewhere, register the result, serve it,',
    'and collect with `--student endpoint:<name>`: its texts are then those of this checkpoint, and `tripost trace` goes on',
    'through it to the dataset. What is registered is what you say; with --files the digests are those of the very files.',
    'JSON: {checkpoint, name, dataset, base, trainer, files, written}.',
  ].join('\n'),
  arguments: [{ name: '<name>', description: 'as the server calls it' }],
  flags: [
    ledgerFlag,
    { flags: '--dataset <dataset>', description: 'what it was trained on: its digest, a prefix, or latest' },
    { flags: '--base <name>', description: 'what it was trained from: a model name, or a checkpoint on this ledger' },
    { flags: '--trainer <name@version>', description: 'with what it was trained, as trl@0.24.0' },
    { flags: '--files <folder>', description: 'its folder: every file is hashed, none is copied' },
    {
      flags: '--digest <sha256>',
      description: 'its digest, where there is no folder; default: one of all that is said here',
    },
    jsonFlag,
  ],
  examples: [
    'tripost register-checkpoint my-7b --dataset latest --base meta-llama/Llama-2-7b-hf --trainer trl@0.24.0',
    'tripost register-checkpoint my-7b --dataset 3fa9c1 --base my-7b-0 --trainer axolotl@0.13.0 --files ./out --json',
  ],
  run: (args, context) => {
    const name = args.at(0);
    const [, trainerName = '', version = ''] =
      /^([^@\s]+)@(\S+)$/.exec(args.need('trainer')) ?? usage('--trainer: expected name@version, as trl@0.24.0');
    const given = args.text('digest');
    const folder = args.text('files');
    if (given !== undefined && !digest.test(given)) usage('--digest: expected 64 hexadecimal digits in lower case');
    if (given !== undefined && folder !== undefined)
      usage('--digest and --files both say what the checkpoint is; give one');
    return withLedger<ExitName>(args, context, 'append', async ({ log }) => {
      const wanted = args.text('dataset');
      const dataset = wanted === undefined ? null : await findDataset(log, wanted);
      const baseName = args.text('base');
      const known = [
        ...(await eventsOf(log, 'CheckpointRegistered')).map(({ data }) => ({
          checkpoint: data.checkpoint,
          name: data.name,
        })),
        ...(await eventsOf(log, 'CheckpointWritten')).map(({ data }) => ({ checkpoint: data.checkpoint, name: '' })),
      ];
      const from = known.findLast(
        (one) =>
          one.name === baseName ||
          (baseName !== undefined && baseName.length >= 6 && one.checkpoint.startsWith(baseName)),
      );
      const base = baseName === undefined ? null : { name: baseName, checkpoint: from?.checkpoint ?? null };
      const trainer = { name: trainerName, version };
      const files = folder === undefined ? null : filesIn(folder);
      const checkpoint =
        given ??
        (files === null
          ? digestOf({ registered: contentId([name, dataset, base, trainer]) })
          : checkpointDigest(new Map(Object.entries(files))));
      const data: CheckpointRegistered = {
        checkpoint,
        name,
        dataset,
        base,
        trainer,
        files: files === null ? null : { ...files },
      };
      const event = checkpointRegistered.create(data);
      const written = must(await appendOnce(log, checkpointRegistered.stream(data), event)) === 'appended';
      if (context.json) await context.out.json({ ...data, written });
      else {
        await context.out.line(
          `checkpoint ${checkpoint}: ${name}, by ${trainerName} ${version}${written ? '' : ' (it was registered already)'}`,
        );
        await context.out.line(
          `trained on ${dataset ?? 'a dataset that is not named'}, from ${baseName ?? 'a base that is not named'}`,
        );
      }
      return 'ok';
    });
  },
};
