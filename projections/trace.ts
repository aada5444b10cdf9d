import type { Detail, KnownCheckpoint, KnownEvent, KnownTraining, Lineage } from './lineage';
import type { Row } from './replayDataset';

/** One thing in an answer: what it is, its id, small facts, and what is behind it. A CLI prints it, --json emits it. */
export interface TraceNode {
  readonly label: string;
  readonly id: string | null;
  readonly detail: Detail;
  readonly children: readonly TraceNode[];
}

/** Rows of the datasets that are at hand, by dataset digest. A dataset that is not there gives no rows, only its name. */
export type DatasetRows = ReadonlyMap<string, readonly Row[]>;

export const node = (
  label: string,
  id: string | null,
  detail: Detail = {},
  children: readonly TraceNode[] = [],
): TraceNode => ({ label, id, detail, children });

/** The tree as indented lines: `label id  key=value …`. */
export const renderTrace = (root: TraceNode, indent = ''): string => {
  const facts = Object.entries(root.detail).filter(([, value]) => value !== null);
  const text = facts.map(([key, value]) => `${key}=${String(value)}`).join(' ');
  const line = [indent + root.label, root.id ?? '', text].filter((part) => part !== '').join(' ');
  return [line, ...root.children.map((child) => renderTrace(child, `${indent}  `))].join('\n');
};

/** One walk: what it has told already is named again, not told again. */
class Walk {
  private readonly told = new Set<string>();
  constructor(
    private readonly lineage: Lineage,
    private readonly rows: DatasetRows,
  ) {}

  private once(label: string, id: string, tell: () => TraceNode): TraceNode {
    if (this.told.has(`${label} ${id}`)) return node(label, id, { told: 'above' });
    this.told.add(`${label} ${id}`);
    return tell();
  }

  private eventNode(event: KnownEvent, children: readonly TraceNode[]): TraceNode {
    const notes = (this.lineage.notes.get(event.id) ?? []).flatMap((id) => {
      const note = this.lineage.events.get(id);
      return note === undefined ? [] : [node(note.type, id, note.detail)];
    });
    return node(event.type, event.id, event.detail, [...notes, ...children]);
  }

  /** An event and what it came from: its generation, the feedback it answers, the model that wrote it. */
  origin(id: string): TraceNode {
    const event = this.lineage.events.get(id);
    if (event === undefined) return node('event not in this ledger', id);
    return this.once(event.type, id, () => {
      const from: TraceNode[] = [];
      for (const role of ['generation', 'feedback', 'attempt']) {
        const link = event.links[role];
        if (link !== undefined) from.push(this.origin(link));
      }
      if (event.model?.kind === 'checkpoint') from.push(this.checkpoint(event.model.digest));
      if (event.model?.kind === 'endpoint') from.push(node('endpoint', event.model.name));
      if (event.problemId !== null && event.type !== 'ProblemPosed') {
        for (const posed of this.lineage.problems.get(event.problemId) ?? []) from.push(this.origin(posed));
      }
      return this.eventNode(event, from);
    });
  }

  /** A checkpoint, the training that wrote it, that training's dataset and the checkpoint it started from, and so on. */
  checkpoint(digest: string): TraceNode {
    return this.once('checkpoint', digest, () => {
      const written = this.lineage.checkpoints.get(digest) ?? [];
      if (written.length === 0) return node('checkpoint', digest, { written: 'not in this ledger' });
      const children = written.map((w) => {
        const training = w.trainingId === null ? undefined : this.lineage.trainings.get(w.trainingId);
        const detail = { kind: w.kind, step: w.step };
        return node('CheckpointWritten', w.eventId, detail, training === undefined ? [] : [this.training(training)]);
      });
      return node('checkpoint', digest, {}, children);
    });
  }

  training(training: KnownTraining): TraceNode {
    return this.once('training', training.trainingId, () => {
      const base = training.base === null ? node('from scratch', null) : this.checkpoint(training.base);
      return node('training', training.trainingId, training.detail, [this.dataset(training.dataset), base]);
    });
  }

  dataset(digest: string): TraceNode {
    return this.once('dataset', digest, () => {
      const derived = this.lineage.datasets.get(digest) ?? [];
      const children = derived.map((d) => {
        const files = [node('decisions', d.decisions), node('manifest', d.manifest)];
        const { runId } = d.detail;
        const run = typeof runId === 'string' ? [node('run', runId)] : [];
        const policy = node('policy', d.policy.digest, { name: d.policy.name });
        return node('DatasetDerived', d.eventId, d.detail, [policy, ...run, ...files]);
      });
      for (const { eventId, detail, policy } of this.lineage.imports.get(digest) ?? []) {
        const said = policy === null ? [] : [node('policy', policy.digest, { name: policy.name, says: 'the file' })];
        children.push(node('DatasetImported', eventId, detail, said));
      }
      return node('dataset', digest, children.length === 0 ? { derived: 'not in this ledger' } : {}, children);
    });
  }

  /** Datasets that hold the row, the steps that trained on it, the checkpoints with such a step in them. */
  uses(rowId: string): readonly TraceNode[] {
    const out: TraceNode[] = [];
    for (const [digest, rows] of this.rows) {
      const index = rows.findIndex((r) => r.id === rowId);
      if (index < 0) continue;
      const trainings = [...this.lineage.trainings.values()].filter((t) => t.dataset === digest);
      out.push(
        node(
          'in dataset',
          digest,
          { index },
          trainings.map((t) => this.stepsOn(t, index)),
        ),
      );
    }
    return out;
  }

  private stepsOn({ trainingId, detail }: KnownTraining, index: number): TraceNode {
    const steps = (this.lineage.steps.get(trainingId) ?? []).filter((s) => s.rows.includes(index));
    const first = steps[0]?.step ?? Number.POSITIVE_INFINITY;
    const written = this.checkpointsOf(trainingId).filter((c) => c.step >= first);
    return node('trained by', trainingId, { iteration: detail['iteration'] ?? null, steps: steps.length }, [
      ...steps.map((s) => node('step', s.eventId, { step: s.step })),
      ...written.map((c) => this.reached(c)),
    ]);
  }

  /** A checkpoint that something went into, and the trainings that start from it, and their checkpoints, and so on. */
  private reached(c: KnownCheckpoint): TraceNode {
    return this.once('into checkpoint', c.checkpoint, () => {
      const next = [...this.lineage.trainings.values()].filter((t) => t.base === c.checkpoint);
      const onward = next.map((t) => node('base of training', t.trainingId, t.detail, this.writtenBy(t.trainingId)));
      return node('into checkpoint', c.checkpoint, { kind: c.kind, step: c.step }, onward);
    });
  }

  private writtenBy(trainingId: string): readonly TraceNode[] {
    return this.checkpointsOf(trainingId).map((c) => this.reached(c));
  }

  private checkpointsOf(trainingId: string): readonly KnownCheckpoint[] {
    const found = [...this.lineage.checkpoints.values()].flat().filter((c) => c.trainingId === trainingId);
    return found.sort((a, b) => a.step - b.step);
  }

  /** Where a text went: the rows that hold it and their uses. */
  rowsOf(eventIds: ReadonlySet<string>): readonly TraceNode[] {
    const out = new Map<string, TraceNode>();
    for (const rows of this.rows.values()) {
      for (const row of rows) {
        if (out.has(row.id) || !row.sections.some((s) => eventIds.has(s.eventId))) continue;
        out.set(row.id, node('in row', row.id, { bucket: row.bucket, problemId: row.problemId }, this.uses(row.id)));
      }
    }
    return [...out.values()];
  }

  /** What a checkpoint was used for: generations, evaluations, trainings that start from it. */
  usesOf(digest: string): readonly TraceNode[] {
    const { generated, evaluations, trainings } = this.lineage;
    const wrote = Object.entries(generated.get(digest) ?? {}).map(([when, n]) =>
      node('generated', null, { when, texts: n }),
    );
    const scored = (evaluations.get(digest) ?? []).map((id) =>
      node('scored by', id, this.lineage.events.get(id)?.detail ?? {}),
    );
    const next = [...trainings.values()].filter((t) => t.base === digest);
    return [
      ...wrote,
      ...scored,
      ...next.map((t) => node('base of training', t.trainingId, t.detail, this.writtenBy(t.trainingId))),
    ];
  }
}

/** A row: its sections back to events, calls, checkpoints and their trainings; and forward to steps and checkpoints. */
export const traceRow = (lineage: Lineage, row: Row, rows: DatasetRows = new Map()): TraceNode => {
  const walk = new Walk(lineage, rows);
  const sections = row.sections.map(({ kind, eventId, weight, author }) =>
    node(kind, null, { author, weight }, [walk.origin(eventId)]),
  );
  const { bucket, problemId, trajectoryId, iteration } = row;
  return node('row', row.id, { bucket, problemId, trajectoryId, iteration }, [...sections, ...walk.uses(row.id)]);
};

/** A checkpoint back to the run it came from, and forward to what it wrote. */
export const traceCheckpoint = (lineage: Lineage, digest: string): TraceNode => {
  const walk = new Walk(lineage, new Map());
  const back = walk.checkpoint(digest);
  return { ...back, children: [...back.children, ...walk.usesOf(digest)] };
};

export const traceDataset = (lineage: Lineage, digest: string): TraceNode => {
  const walk = new Walk(lineage, new Map());
  const trained = [...lineage.trainings.values()].filter((t) => t.dataset === digest);
  const back = walk.dataset(digest);
  return { ...back, children: [...back.children, ...trained.map((t) => node('trained by', t.trainingId, t.detail))] };
};

/** An event: what it came from, what was made from it, and the rows, steps and checkpoints it reached. */
export const traceEvent = (lineage: Lineage, id: string, rows: DatasetRows = new Map()): TraceNode => {
  const walk = new Walk(lineage, rows);
  const back = walk.origin(id);
  const event = lineage.events.get(id);
  if (event === undefined) return back;
  const siblings = event.trajectoryId === null ? [] : (lineage.byTrajectory.get(event.trajectoryId) ?? []);
  const made = siblings.filter((s) => Object.values(lineage.events.get(s)?.links ?? {}).includes(id));
  const madeNodes = made.flatMap((s) => {
    const known = lineage.events.get(s);
    return known === undefined ? [] : [node('named by', s, { type: known.type })];
  });
  const texts = event.type === 'GenerationProduced' ? new Set([id, ...made]) : new Set([id]);
  const { checkpoint } = event.detail;
  const used = event.type === 'CheckpointWritten' && typeof checkpoint === 'string' ? walk.usesOf(checkpoint) : [];
  return { ...back, children: [...back.children, ...madeNodes, ...walk.rowsOf(texts), ...used] };
};
