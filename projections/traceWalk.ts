import type { Detail, KnownCheckpoint, KnownEvent, KnownTraining, Lineage } from './lineage';
import { pushTo } from './projection';
import type { Row } from './replayDataset';
import { node, type DatasetRows, type TraceNode } from './traceNode';

/** What is behind a node, told only as far as asked: `left` levels more. */
export type Branch = (left: number) => TraceNode;

/** A node with its branches, or how many of them are hidden where no level is left. */
export const told = (
  label: string,
  id: string | null,
  detail: Detail,
  branches: readonly Branch[],
  left: number,
): TraceNode =>
  left <= 0 && branches.length > 0
    ? node(label, id, { ...detail, hidden: branches.length })
    : node(
        label,
        id,
        detail,
        branches.map((branch) => branch(left - 1)),
      );

const leaf =
  (label: string, id: string | null, detail: Detail = {}): Branch =>
  () =>
    node(label, id, detail);

/** What is looked up by what it points to. */
interface Index {
  readonly trainingsOn: ReadonlyMap<string, readonly KnownTraining[]>;
  readonly trainingsFrom: ReadonlyMap<string, readonly KnownTraining[]>;
  readonly writtenBy: ReadonlyMap<string, readonly KnownCheckpoint[]>;
  /** How many rows of each dataset are of trajectories that a checkpoint began, by checkpoint. */
  readonly rowsFrom: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const indexOf = ({ trainings, checkpoints, events }: Lineage, rows: DatasetRows): Index => {
  const trainingsOn = new Map<string, KnownTraining[]>();
  const trainingsFrom = new Map<string, KnownTraining[]>();
  for (const training of trainings.values()) {
    pushTo(trainingsOn, training.dataset, training);
    if (training.base !== null) pushTo(trainingsFrom, training.base, training);
  }
  const writtenBy = new Map<string, KnownCheckpoint[]>();
  for (const checkpoint of [...checkpoints.values()].flat())
    if (checkpoint.trainingId !== null) pushTo(writtenBy, checkpoint.trainingId, checkpoint);
  for (const written of writtenBy.values()) written.sort((a, b) => a.step - b.step);
  const begunBy = new Map<string, string>();
  for (const { model, trajectoryId } of events.values())
    if (model?.kind === 'checkpoint' && trajectoryId !== null) begunBy.set(trajectoryId, model.digest);
  const rowsFrom = new Map<string, Map<string, number>>();
  for (const [dataset, list] of rows)
    for (const { trajectoryId } of list) {
      const checkpoint = trajectoryId === null ? undefined : begunBy.get(trajectoryId);
      if (checkpoint === undefined) continue;
      const counts = rowsFrom.get(checkpoint) ?? new Map<string, number>();
      counts.set(dataset, (counts.get(dataset) ?? 0) + 1);
      rowsFrom.set(checkpoint, counts);
    }
  return { trainingsOn, trainingsFrom, writtenBy, rowsFrom };
};

/**
 * One walk through the lineage. What has been told already, with as many levels below it, is named again and not told
 * again; so a walk of any depth ends.
 */
export class Walk {
  private readonly depths = new Map<string, number>();
  private readonly index: Index;

  constructor(
    private readonly lineage: Lineage,
    private readonly rows: DatasetRows,
  ) {
    this.index = indexOf(lineage, rows);
  }

  private once(label: string, id: string, left: number, tell: () => TraceNode): TraceNode {
    const key = `${label} ${id}`;
    if ((this.depths.get(key) ?? -1) >= left) return node(label, id, { told: 'above' });
    this.depths.set(key, left);
    return tell();
  }

  /** Retractions and labels on an event. */
  notesOn(id: string): readonly Branch[] {
    return (this.lineage.notes.get(id) ?? []).flatMap((noteId) => {
      const note = this.lineage.events.get(noteId);
      return note === undefined ? [] : [leaf(note.type, noteId, note.detail)];
    });
  }

  /** Back from an event: its generation, the feedback it answers, the model that wrote it, its problem. */
  behind({ links, model, problemId, type }: KnownEvent): readonly Branch[] {
    const from: Branch[] = [];
    for (const role of ['generation', 'feedback', 'attempt']) {
      const link = links[role];
      if (link !== undefined) from.push((left) => this.origin(link, left));
    }
    if (model?.kind === 'checkpoint') from.push((left) => this.checkpoint(model.digest, left));
    if (model?.kind === 'endpoint') from.push(leaf('endpoint', model.name));
    if (problemId !== null && type !== 'ProblemPosed')
      for (const posed of this.lineage.problems.get(problemId) ?? []) from.push((left) => this.origin(posed, left));
    return from;
  }

  /** An event and what it came from, with the notes on it. */
  origin(id: string, left: number): TraceNode {
    const event = this.lineage.events.get(id);
    if (event === undefined) return node('event not in this ledger', id);
    return this.once(event.type, id, left, () =>
      told(event.type, id, event.detail, [...this.notesOn(id), ...this.behind(event)], left),
    );
  }

  /** Back from a checkpoint: the training that wrote it, that training's dataset and the checkpoint it started from. */
  behindCheckpoint(digest: string): readonly Branch[] {
    return (this.lineage.checkpoints.get(digest) ?? []).map(
      ({ eventId, trainingId, kind, step }): Branch =>
        (left) => {
          const training = trainingId === null ? undefined : this.lineage.trainings.get(trainingId);
          const from = training === undefined ? [] : [(more: number) => this.training(training, more)];
          const label = kind === 'registered' ? 'CheckpointRegistered' : 'CheckpointWritten';
          return told(label, eventId, { kind, step }, from, left);
        },
    );
  }

  checkpoint(digest: string, left: number): TraceNode {
    return this.once('checkpoint', digest, left, () => {
      const from = this.behindCheckpoint(digest);
      return told('checkpoint', digest, from.length === 0 ? { written: 'not in this ledger' } : {}, from, left);
    });
  }

  behindTraining({ base, dataset, detail }: KnownTraining): readonly Branch[] {
    const name = detail['base'];
    return [
      (left) => this.dataset(dataset, left),
      base === null
        ? typeof name === 'string'
          ? leaf('base', name)
          : leaf('from scratch', null)
        : (left) => this.checkpoint(base, left),
    ];
  }

  private training(training: KnownTraining, left: number): TraceNode {
    return this.once('training', training.trainingId, left, () =>
      told('training', training.trainingId, training.detail, this.behindTraining(training), left),
    );
  }

  behindDataset(digest: string): readonly Branch[] {
    const { datasets, imports } = this.lineage;
    const derived = (datasets.get(digest) ?? []).map(({ policy, detail, decisions, manifest, eventId }): Branch => {
      const { runId } = detail;
      const run = typeof runId === 'string' ? [leaf('run', runId)] : [];
      const files = [leaf('decisions', decisions), leaf('manifest', manifest)];
      const from = [leaf('policy', policy.digest, { name: policy.name }), ...run, ...files];
      return (left) => told('DatasetDerived', eventId, detail, from, left);
    });
    const imported = (imports.get(digest) ?? []).map(({ eventId, detail, policy }): Branch => {
      const said = policy === null ? [] : [leaf('policy', policy.digest, { name: policy.name, says: 'the file' })];
      return (left) => told('DatasetImported', eventId, detail, said, left);
    });
    return [...derived, ...imported];
  }

  private dataset(digest: string, left: number): TraceNode {
    return this.once('dataset', digest, left, () => {
      const from = this.behindDataset(digest);
      return told('dataset', digest, from.length === 0 ? { derived: 'not in this ledger' } : {}, from, left);
    });
  }

  /** Forward from a row: datasets that hold it, the steps that trained on it, the checkpoints with such a step in them. */
  usesOfRow(rowId: string): readonly Branch[] {
    return [...this.rows].flatMap(([digest, rows]): readonly Branch[] => {
      const index = rows.findIndex((row) => row.id === rowId);
      if (index < 0) return [];
      const trainings = this.index.trainingsOn.get(digest) ?? [];
      const onward = trainings.map(
        (training): Branch =>
          (left) =>
            this.stepsOn(training, index, left),
      );
      return [(left) => told('in dataset', digest, { index }, onward, left)];
    });
  }

  private stepsOn({ trainingId }: KnownTraining, index: number, left: number): TraceNode {
    const steps = (this.lineage.steps.get(trainingId) ?? []).filter((step) => step.rows.includes(index));
    const first = steps[0]?.step ?? Number.POSITIVE_INFINITY;
    const written = (this.index.writtenBy.get(trainingId) ?? []).filter(({ step }) => step >= first);
    const onward = [
      ...steps.map(({ eventId, step }) => leaf('step', eventId, { step })),
      ...written.map(
        (one): Branch =>
          (more) =>
            this.reached(one, more),
      ),
    ];
    return told('trained by', trainingId, { steps: steps.length }, onward, left);
  }

  /** A checkpoint that something went into, and all that came of it. */
  private reached({ checkpoint, kind, step }: KnownCheckpoint, left: number): TraceNode {
    return this.once('into checkpoint', checkpoint, left, () =>
      told('into checkpoint', checkpoint, { kind, step }, this.usesOfCheckpoint(checkpoint), left),
    );
  }

  /** Forward from a training: the checkpoints that it wrote. */
  usesOfTraining(trainingId: string): readonly Branch[] {
    return (this.index.writtenBy.get(trainingId) ?? []).map(
      (one): Branch =>
        (left) =>
          this.reached(one, left),
    );
  }

  /** Forward from a dataset: the trainings on it. */
  usesOfDataset(digest: string): readonly Branch[] {
    return (this.index.trainingsOn.get(digest) ?? []).map(
      ({ trainingId, detail }): Branch =>
        (left) =>
          told('trained by', trainingId, detail, this.usesOfTraining(trainingId), left),
    );
  }

  /** Forward from a checkpoint: trainings from it, texts that it generated, datasets with rows of those, evaluations. */
  usesOfCheckpoint(digest: string): readonly Branch[] {
    const { generated, evaluations, events } = this.lineage;
    const next = (this.index.trainingsFrom.get(digest) ?? []).map(
      ({ trainingId, detail }): Branch =>
        (left) =>
          told('base of training', trainingId, detail, this.usesOfTraining(trainingId), left),
    );
    const wrote = Object.entries(generated.get(digest) ?? {}).map(([when, texts]) =>
      leaf('generated', null, { when, texts }),
    );
    const gave = [...(this.index.rowsFrom.get(digest) ?? [])].map(
      ([dataset, rows]): Branch =>
        (left) =>
          this.once('gave rows to dataset', dataset, left, () =>
            told('gave rows to dataset', dataset, { rows }, this.usesOfDataset(dataset), left),
          ),
    );
    const scored = (evaluations.get(digest) ?? []).map((id) => leaf('scored by', id, events.get(id)?.detail ?? {}));
    return [...next, ...wrote, ...gave, ...scored];
  }

  /** Forward from texts: the rows that hold them, and the uses of these. */
  rowsOf(eventIds: ReadonlySet<string>): readonly Branch[] {
    const found = new Map<string, Row>();
    for (const rows of this.rows.values())
      for (const row of rows)
        if (!found.has(row.id) && row.sections.some(({ eventId }) => eventIds.has(eventId))) found.set(row.id, row);
    return [...found.values()].map(
      ({ id, bucket, problemId }): Branch =>
        (left) =>
          told('in row', id, { bucket, problemId }, this.usesOfRow(id), left),
    );
  }
}
