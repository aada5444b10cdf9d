import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { lineage as lineageProjection, type Lineage } from '../../projections/lineage';
import { project } from '../../projections/projection';
import { parseDecisions, parseRows, type Decision, type Row } from '../../projections/replayDataset';
import { findById, type Found } from '../../projections/why';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import { must, stop } from './faults';
import { allEvents, byPrefix } from './find';
import { NearIds } from './findEvent';

/** What the ledger knows of where things came from and went, with the datasets' rows at hand. */
export interface View {
  readonly lineage: Lineage;
  readonly rows: ReadonlyMap<Digest, readonly Row[]>;
}

const rowsOf = async (blobs: BlobStore, dataset: Digest): Promise<readonly Row[]> => {
  const parsed = parseRows(must(await blobs.get(dataset)()));
  return E.isLeft(parsed) ? stop({ tag: 'DatasetUnreadable', dataset, message: parsed.left }) : parsed.right;
};

export const viewOf = async (log: EventLog, blobs: BlobStore, signal: AbortSignal): Promise<View> => {
  const lineage = project(lineageProjection, await allEvents(log, signal));
  const rows = new Map<Digest, readonly Row[]>();
  // In the order of the ledger, so that `latest` is the latest.
  for (const { type, detail } of lineage.events.values()) {
    const { dataset } = detail;
    const isDataset = type === 'DatasetDerived' || type === 'DatasetImported';
    if (isDataset && typeof dataset === 'string') rows.set(dataset, await rowsOf(blobs, dataset));
  }
  return { lineage, rows };
};

/** The decisions of a dataset; one that was derived several times has them once for each manifest. */
export const decisionsOf = async (blobs: BlobStore, digest: Digest): Promise<readonly Decision[]> => {
  const parsed = parseDecisions(must(await blobs.get(digest)()));
  return E.isLeft(parsed) ? stop({ tag: 'DatasetUnreadable', dataset: digest, message: parsed.left }) : parsed.right;
};

/** What an id means; a row that was named by its dataset is that dataset's, with its weights. */
export type Target = Found & { readonly dataset?: Digest };

/** The one thing that an id means; `<dataset>#<n>` is the n-th row of a dataset, counted from 0. */
export const resolveTarget = (target: string, { lineage, rows }: View, decisions: readonly Decision[] = []): Target => {
  const [, prefix, index] = /^([0-9a-f]+|latest)#(\d+)$/.exec(target) ?? [];
  if (prefix !== undefined && index !== undefined) {
    const dataset = byPrefix('dataset', prefix, [...rows.keys()]);
    const row = rows.get(dataset)?.[Number(index)];
    if (row !== undefined) return { kind: 'row', id: row.id, dataset };
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
