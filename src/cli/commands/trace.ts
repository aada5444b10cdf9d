import type { Digest } from '../../../events/digest';
import { textOf, type Row } from '../../../projections/replayDataset';
import {
  traceCheckpoint,
  traceDataset,
  traceEvent,
  traceRow,
  traceTraining,
  type TraceOptions,
} from '../../../projections/trace';
import { node, renderTrace, type TraceNode } from '../../../projections/traceNode';
import type { FoundKind } from '../../../projections/why';
import type { Args } from '../args';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import type { ExitName } from '../exitCodes';
import { withLedger } from '../compose';
import { stop, usage } from '../faults';
import { missingLines, resolveTarget, viewOf, type View } from '../lineageView';

/** The row of a dataset, or of the first one that holds it; the same row may weigh otherwise in another dataset. */
const rowOf = (id: string, { rows }: View, dataset?: Digest): Row | undefined => {
  const lists = dataset === undefined ? [...rows.values()] : [rows.get(dataset) ?? []];
  for (const list of lists) for (const row of list) if (row.id === id) return row;
  return undefined;
};

/** How many rows of a dataset are named under it. */
const rowsNamed = 5;

const datasetWithRows = (digest: string, { lineage, rows }: View, options: TraceOptions): TraceNode => {
  const traced = traceDataset(lineage, digest, rows, options);
  const list = rows.get(digest) ?? [];
  const named = list
    .slice(0, rowsNamed)
    .map(({ id, bucket, problemId }, index) => node('row', id, { index, bucket, problemId }));
  const more =
    list.length > rowsNamed
      ? [node('more rows', null, { rows: list.length - rowsNamed, name: `${digest.slice(0, 12)}#<n>` })]
      : [];
  return options.depth === 0 || options.direction === 'forward'
    ? traced
    : { ...traced, children: [...traced.children, ...named, ...more] };
};

/** Several events under one name: each is a level below it. */
const events = (
  label: string,
  id: string,
  ids: readonly string[],
  { lineage, rows }: View,
  options: TraceOptions,
): TraceNode => {
  const { depth } = options;
  if (depth === 0) return node(label, id, { hidden: ids.length });
  const below = depth === undefined ? options : { ...options, depth: depth - 1 };
  return node(
    label,
    id,
    {},
    ids.map((each) => traceEvent(lineage, each, rows, below)),
  );
};

type Teller = (id: string, view: View, options: TraceOptions, dataset: Digest | undefined) => TraceNode;

/** What is told of each kind of thing that has an id. */
const tellers: { readonly [Kind in FoundKind]: Teller } = {
  row: (id, view, options, dataset) => {
    const row = rowOf(id, view, dataset);
    return row === undefined
      ? stop({ tag: 'IdNotFound', what: 'row', id, known: [] })
      : traceRow(view.lineage, row, view.rows, options);
  },
  checkpoint: (id, { lineage, rows }, options) => traceCheckpoint(lineage, id, rows, options),
  dataset: datasetWithRows,
  event: (id, { lineage, rows }, options) => traceEvent(lineage, id, rows, options),
  trajectory: (id, view, options) => events('trajectory', id, view.lineage.byTrajectory.get(id) ?? [], view, options),
  problem: (id, view, options) => events('problem', id, view.lineage.problems.get(id) ?? [], view, options),
  training: (id, { lineage, rows }, options) => traceTraining(lineage, id, rows, options),
  candidate: (id) => usage(`${id} is a candidate that became no row: \`tripost why ${id}\` says why`),
};

const directions = ['back', 'forward', 'both'] as const;

const optionsOf = (args: Args): TraceOptions => {
  const depth = args.whole('depth');
  const direction = directions.find((each) => each === args.text('direction')) ?? 'both';
  return depth === undefined ? { direction } : { direction, depth };
};

export const trace: Command = {
  name: 'trace',
  summary: 'Where a row, a checkpoint, a dataset or an event came from, and where it went',
  json: 'object',
  details: [
    'A row: its sections, the events they are of, the problem, the generating checkpoint and its training; and forward, the',
    'steps that trained on it, the checkpoints they went into, what those generated, the datasets that took rows of it, and so on',
    'to the end of the ledger. <dataset>#<n> is the n-th row of a dataset, from 0. What has been told is named again, not told',
    'again; below --depth levels, detail.hidden counts what is not shown.',
    'JSON: {target, kind, trace, missing}; trace is {label, id, detail, children}; missing: [{what, dataset, digest, because,',
    'instead}], blobs that are gone and what stands in for them.',
  ].join('\n'),
  arguments: [{ name: '<id>', description: 'row, checkpoint, dataset, event, trajectory, training or problem' }],
  flags: [
    ledgerFlag,
    {
      flags: '--direction <direction>',
      description: 'to where it came from, or to what came of it',
      choices: [...directions],
      fallback: 'both',
    },
    { flags: '--depth <n>', description: 'levels below the thing itself; all, when left out' },
    { flags: '--text', description: "also print the row's training text" },
    atFlag,
    jsonFlag,
  ],
  examples: [
    'tripost trace 9d2e41aa#0 --text',
    'tripost trace 3fa9c1 --direction forward --depth 3',
    'tripost trace 5b1f0a3c --json',
  ],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const view = await viewOf(log, ledger.blobs, context.signal);
      const found = resolveTarget(args.at(0), view);
      const traced = tellers[found.kind](found.id, view, optionsOf(args), found.dataset);
      const row = args.has('text') && found.kind === 'row' ? rowOf(found.id, view, found.dataset) : undefined;
      if (context.json) {
        const text = row === undefined ? {} : { text: textOf(row) };
        const { missing } = view.recall;
        await context.out.json({ target: found.id, kind: found.kind, trace: traced, ...text, missing });
        return 'ok';
      }
      await context.out.line(renderTrace(traced));
      for (const line of missingLines(view.recall.missing)) await context.out.line(line);
      if (row !== undefined) await context.out.line(`\n${textOf(row)}`);
      return 'ok';
    }),
};
