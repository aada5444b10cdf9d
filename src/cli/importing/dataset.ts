import { importDataset } from '../../run/importDataset';
import type { Args } from '../args';
import type { Context } from '../command';
import { withLedger } from '../compose';
import { readDatasetFile } from '../datasetFile';
import { must } from '../faults';

/** Puts a dataset that `tripost export` wrote elsewhere on the ledger: nothing is trusted that its digests do not show. */
export const importDatasetFile = async (path: string, args: Args, context: Context): Promise<void> => {
  const { dataset, rows, datasetBytes, file, origin } = await readDatasetFile(path);
  const byBucket: Record<string, number> = {};
  for (const { bucket } of rows) byBucket[bucket] = (byBucket[bucket] ?? 0) + 1;
  await withLedger(args, context, 'create', async (ports) => {
    const event = { dataset, file, rows: rows.length, byBucket, origin };
    const done = must(await importDataset(event, datasetBytes, ports));
    const known = done === 'known';
    const policy = origin === null ? null : { name: origin.policy.name, digest: origin.policy.digest };
    if (context.json) {
      const ledger = origin?.ledger ?? null;
      return context.out.json({ format: 'dataset', dataset, rows: rows.length, file, known, policy, ledger });
    }
    await context.out.line(`dataset ${dataset}: ${rows.length} rows${known ? ', on this ledger already' : ''}`);
    await context.out.line(
      origin === null
        ? 'the file says nothing of how it was derived'
        : `derived under policy ${origin.policy.name} from a ledger of ${origin.ledger.size} events, root ${origin.ledger.root}`,
    );
  });
};
