import type { Digest } from '../../../events/digest';
import { textOf, type Row } from '../../../projections/replayDataset';
import {
  node,
  renderTrace,
  traceCheckpoint,
  traceDataset,
  traceEvent,
  traceRow,
  type TraceNode,
} from '../../../projections/trace';
import type { FoundKind } from '../../../projections/why';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import type { ExitName } from '../exitCodes';
import { withLedger } from '../compose';
import { stop, usage } from '../faults';
import { resolveTarget, viewOf, type View } from '../lineageView';

/** The row of a dataset, or of the first one that holds it; the same row may weigh otherwise in another dataset. */
const rowOf = (id: string, { rows }: View, dataset?: Digest): Row | undefined => {
  const lists = dataset === undefined ? [...rows.values()] : [rows.get(dataset) ?? []];
  for (const list of lists) for (const row of list) if (row.id === id) return row;
  return undefined;
};

/** How many rows of a dataset are named under it. */
const rowsNamed = 5;

const datasetWithRows = (digest: string, { lineage, rows }: View): TraceNode => {
  const traced = traceDataset(lineage, digest);
  const list = rows.get(digest) ?? [];
  const named = list
    .slice(0, rowsNamed)
    .map(({ id, bucket, problemId }, index) => node('row', id, { index, bucket, problemId }));
  const more =
    list.length > rowsNamed
      ? [node('more rows', null, { rows: list.length - rowsNamed, name: `${digest.slice(0, 12)}#<n>` })]
      : [];
  return { ...traced, children: [...traced.children, ...named, ...more] };
};

const events = (label: string, id: string, ids: readonly string[], { lineage, rows }: View): TraceNode =>
  node(
    label,
    id,
    {},
    ids.map((each) => traceEvent(lineage, each, rows)),
  );

const trainingTree = (id: string, { lineage }: View): TraceNode => {
  const training = lineage.trainings.get(id);
  const written = [...lineage.checkpoints.values()]
    .flat()
    .filter((each) => each.trainingId === id && each.kind !== 'resume');
  return node('training', id, training?.detail ?? {}, [
    ...(training === undefined ? [] : [traceDataset(lineage, training.dataset)]),
    ...written.map((each) => traceCheckpoint(lineage, each.checkpoint)),
  ]);
};

/** What is told of each kind of thing that has an id. */
const tellers: { readonly [Kind in FoundKind]: (id: string, view: View, dataset?: Digest) => TraceNode } = {
  row: (id, view, dataset) => {
    const row = rowOf(id, view, dataset);
    return row === undefined
      ? stop({ tag: 'IdNotFound', what: 'row', id, known: [] })
      : traceRow(view.lineage, row, view.rows);
  },
  checkpoint: (id, { lineage }) => traceCheckpoint(lineage, id),
  dataset: datasetWithRows,
  event: (id, { lineage, rows }) => traceEvent(lineage, id, rows),
  trajectory: (id, view) => events('trajectory', id, view.lineage.byTrajectory.get(id) ?? [], view),
  problem: (id, view) => events('problem', id, view.lineage.problems.get(id) ?? [], view),
  training: trainingTree,
  candidate: (id) => usage(`${id} is a candidate that became no row: \`tripost why ${id}\` says why`),
};

export const trace: Command = {
  name: 'trace',
  summary: 'Where a row, a checkpoint, a dataset or an event came from, and where it went',
  json: 'object',
  details: [
    'A row: its sections, the events they are of, the problem, the generating checkpoint and its training; and forward, the',
    'steps that trained on it and the checkpoints they went into. <dataset>#<n> is the n-th row of a dataset, from 0.',
    'JSON: {target, kind, trace}; trace is {label, id, detail, children}.',
  ].join('\n'),
  arguments: [{ name: '<id>', description: 'row, checkpoint, dataset, event, trajectory, training or problem' }],
  flags: [ledgerFlag, { flags: '--text', description: "also print the row's training text" }, atFlag, jsonFlag],
  examples: ['tripost trace 9d2e41aa#0 --text', 'tripost trace 3fa9c1', 'tripost trace 5b1f0a3c --json'],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const view = await viewOf(log, ledger.blobs, context.signal);
      const found = resolveTarget(args.at(0), view);
      const traced = tellers[found.kind](found.id, view, found.dataset);
      const row = args.has('text') && found.kind === 'row' ? rowOf(found.id, view, found.dataset) : undefined;
      if (context.json) {
        const text = row === undefined ? {} : { text: textOf(row) };
        await context.out.json({ target: found.id, kind: found.kind, trace: traced, ...text });
        return 'ok';
      }
      await context.out.line(renderTrace(traced));
      if (row !== undefined) await context.out.line(`\n${textOf(row)}`);
      return 'ok';
    }),
};
