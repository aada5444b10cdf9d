import { isMapping, type Json } from '../../events/digest';
import type { RecordedEvent } from '../../events/envelope';
import { shortestPrefix } from '../../projections/why';
import type { TimeSpan } from './time';

/** Which events are asked for; what is left out does not matter. All of it must hold. */
export interface Wanted {
  readonly types: readonly string[];
  /** Beginnings of stream names; any of them. */
  readonly streams: readonly string[];
  readonly run?: RunIds;
  readonly correlation?: string;
  readonly problem?: string;
  readonly trajectory?: string;
  readonly author?: string;
  readonly since?: TimeSpan;
  readonly until?: TimeSpan;
  /** In some text, number or name inside the data. */
  readonly text?: string;
}

type Fields = Readonly<Record<string, Json>>;

const fieldsOf = (data: Json): Fields => (isMapping(data) ? data : {});

/** An id, or the first characters of one. */
const isId = (id: Json | undefined, wanted: string): boolean =>
  typeof id === 'string' && (id === wanted || (wanted.length >= shortestPrefix && id.startsWith(wanted)));

const holds = (value: Json, text: string): boolean => {
  if (typeof value === 'string') return value.includes(text);
  if (typeof value !== 'object' || value === null) return String(value).includes(text);
  if (Array.isArray(value)) return value.some((each) => holds(each, text));
  return Object.entries(value).some(([name, each]) => name.includes(text) || holds(each, text));
};

/** A run and what it made: its collections, trainings and evaluations, whose events do not name the run. */
export class RunIds {
  private readonly ids: Set<string>;
  private readonly checkpoints = new Set<string>();
  private readonly datasets = new Set<string>();

  constructor(private readonly runId: string) {
    this.ids = new Set([runId]);
  }

  /** Takes in what an event says of the run; events of any type may be given, in the order of the ledger or not. */
  learn({ data }: Pick<RecordedEvent, 'data'>): void {
    const { runId, collectionId, trainingId, evaluationId, checkpoint } = fieldsOf(data);
    if (runId !== this.runId) return;
    for (const id of [collectionId, trainingId, evaluationId]) if (typeof id === 'string') this.ids.add(id);
    if (typeof checkpoint === 'string') this.checkpoints.add(checkpoint);
  }

  /**
   * What only a checkpoint links to the run, such as its base student's training: from a CheckpointWritten that training's
   * id, then from its TrainingStarted the dataset.
   */
  learnTraining({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): void {
    const { checkpoint, trainingId, dataset } = fieldsOf(data);
    if (typeof trainingId !== 'string') return;
    if (typeof checkpoint === 'string' && this.checkpoints.has(checkpoint)) this.ids.add(trainingId);
    if (type === 'TrainingStarted' && typeof dataset === 'string' && this.ids.has(trainingId))
      this.datasets.add(dataset);
  }

  has({ type, data, meta }: RecordedEvent): boolean {
    const { runId, collectionId, trainingId, evaluationId, scope, dataset } = fieldsOf(data);
    if (type === 'DatasetDerived') {
      const of = scope === undefined ? null : (fieldsOf(scope)['runId'] ?? null);
      return of === null ? typeof dataset === 'string' && this.datasets.has(dataset) : of === this.runId;
    }
    return [meta.correlation, runId, collectionId, trainingId, evaluationId].some(
      (id) => typeof id === 'string' && this.ids.has(id),
    );
  }
}

/** Decides of each event whether it is asked for. Events of a trajectory belong to the problem that an earlier one named. */
export class LogFilter {
  private readonly trajectories = new Set<string>();

  constructor(private readonly wanted: Wanted) {}

  /** Takes in which trajectories are of the problem; `takes` does it for the events that it sees. */
  learn({ data, stream }: Pick<RecordedEvent, 'data' | 'stream'>): void {
    const { problem } = this.wanted;
    const { problemId, trajectoryId } = fieldsOf(data);
    if (problem !== undefined && trajectoryId !== undefined && isId(problemId, problem)) this.trajectories.add(stream);
  }

  takes(event: RecordedEvent): boolean {
    const { wanted } = this;
    const { type, stream, meta, recordedAt } = event;
    const data = fieldsOf(event.data);
    if (wanted.run !== undefined) wanted.run.learn(event);
    this.learn(event);
    if (wanted.types.length > 0 && !wanted.types.includes(type)) return false;
    if (wanted.streams.length > 0 && !wanted.streams.some((prefix) => stream.startsWith(prefix))) return false;
    if (wanted.run?.has(event) === false) return false;
    if (wanted.correlation !== undefined && !isId(meta.correlation, wanted.correlation)) return false;
    if (wanted.problem !== undefined && !isId(data['problemId'], wanted.problem) && !this.trajectories.has(stream))
      return false;
    if (wanted.trajectory !== undefined && !isId(data['trajectoryId'], wanted.trajectory)) return false;
    if (wanted.author !== undefined && data['author'] !== wanted.author && data['by'] !== wanted.author) return false;
    const time = Date.parse(recordedAt);
    if (wanted.since !== undefined && !(time >= wanted.since.from)) return false;
    if (wanted.until !== undefined && !(time <= wanted.until.to)) return false;
    return wanted.text === undefined || holds(event.data, wanted.text);
  }
}
