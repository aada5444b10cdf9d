import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { datasetDerived } from '../../../events/datasetDerived';
import { isImproved } from '../../../projections/replayDataset';
import { loadRows } from '../../run/derive';
import type { Args } from '../args';
import { jsonFlag, progressFlags, runtimeFlags, type Command, type Context } from '../command';
import { withLedger } from '../compose';
import { must } from '../faults';
import { eventsOf } from '../find';
import { packageRoot } from '../packageRoot';
import { run } from './run';
import { trace } from './trace';

/** A row of the newest dataset that teaches self-improvement: a wrong attempt, the feedback on it, the update. */
const rowToShow = (args: Args, context: Context): Promise<string | undefined> =>
  withLedger(args, context, 'read', async ({ log, blobs }) => {
    const derived = await eventsOf(log, datasetDerived.type);
    const newest = derived.at(-1);
    if (newest === undefined) return undefined;
    const rows = must(await loadRows(blobs, newest.data.dataset));
    return rows.find(isImproved)?.id ?? rows[0]?.id;
  });

export const demo: Command = {
  name: 'demo',
  summary: 'The whole loop on a shipped student, offline, in minutes; then the whole lineage of one row',
  json: 'object',
  details: [
    'Runs fixtures/demo/run.yaml in a folder of its own: two iterations from a rationale-tuned student, which comes with the',
    'receipt of its training. Running it again resumes, or shows, what is there. JSON: as `tripost run`.',
  ].join('\n'),
  arguments: [{ name: '[folder]', description: 'where the ledger and the results go; ./demo when left out' }],
  flags: [
    { flags: '--seed <n>', description: 'seed of collection and training' },
    ...runtimeFlags,
    jsonFlag,
    ...progressFlags,
  ],
  examples: ['tripost demo', 'tripost demo /tmp/other --seed 2'],
  run: async (args, context) => {
    const folder = args.maybeAt(0) ?? './demo';
    mkdirSync(folder, { recursive: true });
    const ledger = join(folder, 'ledger.db');
    const config = join(packageRoot, 'fixtures', 'demo', 'run.yaml');
    const code = await run.run(args.with([config], { ledger, out: join(folder, 'results') }), context);
    if (code !== 'ok' || context.json) return code;
    const here = args.with([], { ledger });
    const row = await rowToShow(here, context);
    if (row === undefined) return code;
    const { bold, dim } = context.out.colors;
    await context.out.line(
      `\n${bold('One training row, from its text back to the student that wrote it, and on to the steps that learnt from it')}`,
    );
    await trace.run(args.with([row], { ledger, text: true }), context);
    await context.out.line(
      dim(
        [
          '\ntry next:',
          `  npx tripost verify --ledger ${ledger} --blobs`,
          `  npx tripost log --ledger ${ledger} --type TurnRefused --limit 5`,
          `  npx tripost derive --ledger ${ledger} --policy tripost-no-balance --run latest --iteration 1`,
          `  npx tripost why latest#0 --ledger ${ledger}`,
          `  npx tripost trace latest#1 --text --ledger ${ledger}`,
        ].join('\n'),
      ),
    );
    return code;
  },
};
