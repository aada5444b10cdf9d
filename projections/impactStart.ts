import type { KnownEvent, Lineage } from './lineage';
import type { DatasetRows } from './traceNode';
import type { Found, FoundKind } from './why';

/** A row by its dataset and its index there. */
export interface RowPlace {
  readonly dataset: string;
  readonly index: number;
}

/** Where a walk begins. */
export interface Start {
  readonly events: readonly string[];
  readonly rows: readonly RowPlace[];
  readonly checkpoints: readonly string[];
  /** Problems whose evaluations count as reached. */
  readonly problems: readonly string[];
}

const nothing: Start = { events: [], rows: [], checkpoints: [], problems: [] };

const rowsWhere = (
  rows: DatasetRows,
  is: (row: { readonly id: string; readonly problemId: string; readonly trajectoryId: string | null }) => boolean,
): readonly RowPlace[] =>
  [...rows].flatMap(([dataset, list]) => list.flatMap((row, index) => (is(row) ? [{ dataset, index }] : [])));

/** These decide what becomes of a whole trajectory, whatever text they speak of. */
const judgements: ReadonlySet<string> = new Set(['AnswerVerified', 'TurnRefused', 'TrajectoryClosed']);

/** A text among an event's small facts; empty where it is not there. */
export const detailText = (event: KnownEvent, name: string): string => {
  const value = event.detail[name];
  return typeof value === 'string' ? value : '';
};

const startOfEvent = (event: KnownEvent, lineage: Lineage, rows: DatasetRows): Start => {
  const start = { ...nothing, events: [event.id] };
  const { type } = event;
  if (type === 'ProblemPosed') return event.problemId === null ? start : { ...start, problems: [event.problemId] };
  if (type === 'CheckpointWritten') return { ...nothing, checkpoints: [detailText(event, 'checkpoint')] };
  if (type === 'DatasetDerived') return startOf({ kind: 'dataset', id: detailText(event, 'dataset') }, lineage, rows);
  if (type === 'TrainingStarted' || type === 'StepRecorded' || type === 'TrainingCompleted')
    return startOf({ kind: 'training', id: event.stream.slice('training-'.length) }, lineage, rows);
  if (!judgements.has(event.type) || event.trajectoryId === null) return start;
  return { ...start, rows: rowsWhere(rows, (row) => row.trajectoryId === event.trajectoryId) };
};

const starts: { readonly [Kind in FoundKind]: (id: string, lineage: Lineage, rows: DatasetRows) => Start } = {
  event: (id, lineage, rows) => {
    const event = lineage.events.get(id);
    return event === undefined ? nothing : startOfEvent(event, lineage, rows);
  },
  trajectory: (id, lineage, rows) => ({
    ...nothing,
    events: lineage.byTrajectory.get(id) ?? [],
    rows: rowsWhere(rows, (row) => row.trajectoryId === id),
  }),
  problem: (id, lineage, rows) => ({
    events: lineage.problems.get(id) ?? [],
    rows: rowsWhere(rows, (row) => row.problemId === id),
    checkpoints: [],
    problems: [id],
  }),
  row: (id, _, rows) => ({ ...nothing, rows: rowsWhere(rows, (row) => row.id === id) }),
  dataset: (id, _, rows) => ({
    ...nothing,
    rows: (rows.get(id) ?? []).map((_row, index) => ({ dataset: id, index })),
  }),
  checkpoint: (id) => ({ ...nothing, checkpoints: [id] }),
  training: (id, lineage) => {
    const written = [...lineage.checkpoints.values()].flat().filter((each) => each.trainingId === id);
    return { ...nothing, checkpoints: written.map((each) => each.checkpoint) };
  },
  candidate: () => nothing,
};

/** Where the walk from one thing begins. A trajectory is all its events, a problem all its texts and all rows about it. */
export const startOf = ({ kind, id }: Found, lineage: Lineage, rows: DatasetRows): Start =>
  starts[kind](id, lineage, rows);
