import type { Detail, KnownEvent, Lineage } from './lineage';
import type { Row } from './replayDataset';
import { node, type DatasetRows, type TraceNode } from './traceNode';
import { told, Walk, type Branch } from './traceWalk';

export interface TraceOptions {
  /** Levels below the root; all of them, when left out. What lies deeper is counted in `hidden`. */
  readonly depth?: number;
  /** Back to where it came from, forward to what came of it, or both, which is the default. */
  readonly direction?: 'back' | 'forward' | 'both';
}

const root = (
  label: string,
  id: string,
  detail: Detail,
  back: readonly Branch[],
  forward: readonly Branch[],
  { depth = Number.POSITIVE_INFINITY, direction = 'both' }: TraceOptions,
): TraceNode => {
  const branches = [...(direction === 'forward' ? [] : back), ...(direction === 'back' ? [] : forward)];
  return told(label, id, detail, branches, depth);
};

/** A row: its sections back to events, calls, checkpoints and their trainings; and forward to steps and checkpoints. */
export const traceRow = (
  lineage: Lineage,
  row: Row,
  rows: DatasetRows = new Map(),
  options: TraceOptions = {},
): TraceNode => {
  const walk = new Walk(lineage, rows);
  const sections = row.sections.map(
    ({ kind, eventId, weight, author }): Branch =>
      (left) =>
        told(kind, null, { author, weight }, [(more) => walk.origin(eventId, more)], left),
  );
  const { id, bucket, problemId, trajectoryId, iteration } = row;
  return root('row', id, { bucket, problemId, trajectoryId, iteration }, sections, walk.usesOfRow(id), options);
};

/** A checkpoint back to the training it came from, and forward to what it wrote and what was trained from it. */
export const traceCheckpoint = (
  lineage: Lineage,
  digest: string,
  rows: DatasetRows = new Map(),
  options: TraceOptions = {},
): TraceNode => {
  const walk = new Walk(lineage, rows);
  const back = walk.behindCheckpoint(digest);
  const detail: Detail = back.length === 0 ? { written: 'not in this ledger' } : {};
  return root('checkpoint', digest, detail, back, walk.usesOfCheckpoint(digest), options);
};

/** A dataset back to its policy, and forward to the trainings on it and what came of them. */
export const traceDataset = (
  lineage: Lineage,
  digest: string,
  rows: DatasetRows = new Map(),
  options: TraceOptions = {},
): TraceNode => {
  const walk = new Walk(lineage, rows);
  const back = walk.behindDataset(digest);
  const detail: Detail = back.length === 0 ? { derived: 'not in this ledger' } : {};
  return root('dataset', digest, detail, back, walk.usesOfDataset(digest), options);
};

/** A training back to its dataset and its base, and forward to the checkpoints that it wrote. */
export const traceTraining = (
  lineage: Lineage,
  trainingId: string,
  rows: DatasetRows = new Map(),
  options: TraceOptions = {},
): TraceNode => {
  const walk = new Walk(lineage, rows);
  const training = lineage.trainings.get(trainingId);
  const back = training === undefined ? [] : walk.behindTraining(training);
  const detail = training?.detail ?? { begun: 'not in this ledger' };
  return root('training', trainingId, detail, back, walk.usesOfTraining(trainingId), options);
};

/** Forward from an event by what it records: a checkpoint, a dataset, a part of a training. */
const recordedUses = ({ type, detail }: KnownEvent, walk: Walk): readonly Branch[] => {
  const { checkpoint, dataset, trainingId } = detail;
  if (type === 'CheckpointWritten' && typeof checkpoint === 'string') return walk.usesOfCheckpoint(checkpoint);
  if (type === 'DatasetDerived' && typeof dataset === 'string') return walk.usesOfDataset(dataset);
  const isTraining = type === 'TrainingStarted' || type === 'StepRecorded' || type === 'TrainingCompleted';
  return isTraining && typeof trainingId === 'string' ? walk.usesOfTraining(trainingId) : [];
};

/** An event: what it came from, what was made from it, and the rows, steps and checkpoints it reached. */
export const traceEvent = (
  lineage: Lineage,
  id: string,
  rows: DatasetRows = new Map(),
  options: TraceOptions = {},
): TraceNode => {
  const event = lineage.events.get(id);
  if (event === undefined) return node('event not in this ledger', id);
  const walk = new Walk(lineage, rows);
  const siblings = event.trajectoryId === null ? [] : (lineage.byTrajectory.get(event.trajectoryId) ?? []);
  const made = siblings.filter((each) => Object.values(lineage.events.get(each)?.links ?? {}).includes(id));
  const naming = made.flatMap((each): readonly Branch[] => {
    const known = lineage.events.get(each);
    return known === undefined ? [] : [() => node('named by', each, { type: known.type })];
  });
  const texts = event.type === 'GenerationProduced' ? new Set([id, ...made]) : new Set([id]);
  const forward = [...naming, ...walk.rowsOf(texts), ...recordedUses(event, walk)];
  return root(event.type, id, event.detail, [...walk.notesOn(id), ...walk.behind(event)], forward, options);
};
