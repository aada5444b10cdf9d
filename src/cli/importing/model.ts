import { importCheckpoint } from '../../run/base';
import type { Args } from '../args';
import type { Context } from '../command';
import { withLedger } from '../compose';
import { must } from '../faults';
import { readStudentFolder } from '../studentFolder';

/** Puts a model folder on the ledger as it is. */
export const importModel = async (folder: string, args: Args, context: Context): Promise<void> => {
  const { files } = readStudentFolder(folder);
  await withLedger(args, context, 'create', async ({ log, blobs }) => {
    const { digest, shape } = must(await importCheckpoint(files, { log, blobs }));
    if (context.json)
      return context.out.json({ format: 'checkpoint', checkpoint: digest, files: [...files.keys()], shape });
    await context.out.line(`checkpoint ${digest}: ${files.size} files`);
  });
};
