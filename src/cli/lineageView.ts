import type { Digest } from '../../events/digest';
import { lineage as lineageProjection, type Lineage } from '../../projections/lineage';
import type { Decision, Row } from '../../projections/replayDataset';
import { findById, type Found } from '../../projections/why';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import type { Past } from '../run/past';
import { Recall, type Missing } from '../run/recall';
import { stop } from './faults';
import { byPrefix, pastOf } from './find';
import { NearIds } from './findEvent';

/** What the ledger knows of where things came from and went, with the datasets' rows at hand. */
export interface View {
  readonly past: Past;
  readonly lineage: Lineage;
  /** Without the datasets whose rows neither the blobs nor the events give. */
  readonly rows: ReadonlyMap<Digest, readonly Row[]>;
  readonly recall: Recall;
}

export const viewOf = async (log: EventLog, blobs: BlobStore, signal: AbortSignal): Promise<View> => {
  const state = lineageProjection.initial();
  const past = await pastOf(log, signal, (event) => lineageProjection.apply(state, event));
  const lineage = lineageProjection.view(state);
  const recall = new Recall(past, blobs);
  const { events } = past;
  const rows = new Map<Digest, readonly Row[]>();
  for (const event of events) {
    if (event.type !== 'DatasetDerived' && event.type !== 'DatasetImported') continue;
    if (rows.has(event.data.dataset)) continue;
    const read = await (event.type === 'DatasetDerived' ? recall.rows(event.data) : recall.importedRows(event.data));
    if (read !== undefined) rows.set(event.data.dataset, read);
  }
  return { past, lineage, rows, recall };
};

/** The same, for an answer that must not leave a row out: a dataset whose rows are not to be had ends the command. */
export const wholeViewOf = async (log: EventLog, blobs: BlobStore, signal: AbortSignal): Promise<View> => {
  const view = await viewOf(log, blobs, signal);
  for (const { what, dataset, because, instead } of view.recall.missing)
    if (what === 'rows' && !view.rows.has(dataset))
      return stop({ tag: 'DatasetUnreadable', dataset, message: `${because}; ${instead}` });
  return view;
};

/** What an answer had to do without, a line each. */
export const missingLines = (missing: readonly Missing[]): readonly string[] =>
  missing.map(
    ({ what, dataset, digest, because, instead }) =>
      `missing: ${what} of dataset ${dataset.slice(0, 12)} (blob ${digest.slice(0, 12)}, ${because}); ${instead}`,
  );

/** What an id means; a row that was named by its dataset is that dataset's, with its weights. */
export type Target = Found & { readonly dataset?: Digest };

/** The one thing that an id means; `<dataset>#<n>` is the n-th row of a dataset, counted from 0. */
export const resolveTarget = (
  target: string,
  { past: { events }, lineage, rows, recall }: View,
  decisions: readonly Decision[] = [],
): Target => {
  const [, prefix, index] = /^([0-9a-f]+|latest)#(\d+)$/.exec(target) ?? [];
  if (prefix !== undefined && index !== undefined) {
    const known = events.flatMap(({ type, data }) =>
      type === 'DatasetDerived' || type === 'DatasetImported' ? [data.dataset] : [],
    );
    const dataset = byPrefix('dataset', prefix, known);
    const row = rows.get(dataset)?.[Number(index)];
    if (row !== undefined) return { kind: 'row', id: row.id, dataset };
    const gone = recall.missing.find((each) => each.what === 'rows' && each.dataset === dataset);
    if (gone !== undefined && !rows.has(dataset))
      return stop({ tag: 'DatasetUnreadable', dataset, message: `${gone.because}; ${gone.instead}` });
    const most = rows.get(dataset)?.length ?? 0;
    return stop({
      tag: 'IdNotFound',
      what: 'row',
      id: target,
      known: most === 0 ? [] : [`${prefix}#0 to ${prefix}#${most - 1}`],
    });
  }
  return only(target, findById(target, { lineage, rows, decisions }), lineage);
};

const only = (id: string, found: readonly Found[], lineage: Lineage): Found => {
  const what = 'id';
  const [first] = found;
  if (found.length > 1)
    return stop({ tag: 'IdAmbiguous', what, id, found: found.map((each) => `${each.kind} ${each.id}`) });
  return first ?? stop({ tag: 'IdNotFound', what, id, known: nearIds(id, lineage) });
};

/** Ids of any kind that begin like the one that is not there. */
const nearIds = (
  id: string,
  { events, byTrajectory, datasets, checkpoints, trainings, problems }: Lineage,
): readonly string[] => {
  const near = new NearIds(id);
  for (const known of [events, byTrajectory, datasets, checkpoints, trainings, problems])
    for (const each of known.keys()) near.see(each);
  return near.ids();
};
