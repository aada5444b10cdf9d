import { elsewhereId } from '../events/checkpointRegistered';
import type { ModelRef } from '../events/codecs';
import type { EventType, LedgerEvent } from '../events/index';
import { byText, mapFromJson, mapToJson, type Projection, pushTo } from './projection';

/** Small facts about an event, for people and for --json; never a text or a payload. */
export type Detail = Readonly<Record<string, string | number | boolean | null>>;

/** An event as lineage knows it. `links` are the events it names, by role. */
export interface KnownEvent {
  readonly id: string;
  readonly type: EventType;
  readonly stream: string;
  readonly revision: number;
  readonly detail: Detail;
  readonly links: Readonly<Record<string, string>>;
  readonly trajectoryId: string | null;
  readonly problemId: string | null;
  /** The model whose text this is: of a generation. */
  readonly model: ModelRef | null;
}

export interface KnownTraining {
  readonly trainingId: string;
  readonly eventId: string;
  readonly dataset: string;
  /** The checkpoint it starts from; null: from scratch. */
  readonly base: string | null;
  readonly detail: Detail;
}

export interface KnownStep {
  readonly eventId: string;
  readonly step: number;
  /** Indices of the dataset's rows. */
  readonly rows: readonly number[];
}

export interface KnownCheckpoint {
  readonly eventId: string;
  readonly checkpoint: string;
  readonly trainingId: string | null;
  readonly step: number;
  readonly kind: string;
}

export interface KnownDataset {
  readonly eventId: string;
  readonly dataset: string;
  readonly decisions: string;
  readonly manifest: string;
  readonly policy: { readonly name: string; readonly digest: string };
  readonly detail: Detail;
}

/** A dataset that came from a file; `policy` and `ledgerRoot` are what the file says. */
export interface KnownImport {
  readonly eventId: string;
  readonly dataset: string;
  readonly policy: { readonly name: string; readonly digest: string } | null;
  readonly detail: Detail;
}

/** What is known about where things came from and went. Every list is in stream order. */
export interface Lineage {
  readonly events: ReadonlyMap<string, KnownEvent>;
  readonly byTrajectory: ReadonlyMap<string, readonly string[]>;
  /** Posed problems' events by problem id. */
  readonly problems: ReadonlyMap<string, readonly string[]>;
  readonly datasets: ReadonlyMap<string, readonly KnownDataset[]>;
  readonly imports: ReadonlyMap<string, readonly KnownImport[]>;
  readonly trainings: ReadonlyMap<string, KnownTraining>;
  readonly steps: ReadonlyMap<string, readonly KnownStep[]>;
  readonly checkpoints: ReadonlyMap<string, readonly KnownCheckpoint[]>;
  /** Evaluations' events by the checkpoint that was scored. */
  readonly evaluations: ReadonlyMap<string, readonly string[]>;
  /** How many generations a checkpoint wrote, by checkpoint, then by `collection, iteration n`. */
  readonly generated: ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** Notes (retractions, labels) by the event they are about. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
}

type Lists<V> = Map<string, V[]>;

export interface LineageState {
  readonly events: Map<string, KnownEvent>;
  readonly byTrajectory: Lists<string>;
  readonly problems: Lists<string>;
  readonly datasets: Lists<KnownDataset>;
  readonly imports: Lists<KnownImport>;
  readonly trainings: Map<string, KnownTraining>;
  readonly steps: Lists<KnownStep>;
  readonly checkpoints: Lists<KnownCheckpoint>;
  readonly evaluations: Lists<string>;
  readonly generated: Map<string, Record<string, number>>;
  readonly notes: Lists<string>;
}

/** Fields that hold texts, payloads or what `links` says. */
const left = new Set([
  'config',
  'environment',
  'files',
  'items',
  'scores',
  'steps',
  'text',
  'prompt',
  'tokenIds',
  'logprobs',
  'rationale',
  'closingFeedback',
  'graphs',
  'usage',
  'price',
  'seedKey',
  'sampling',
  'source',
  'question',
  'options',
]); // prettier-ignore

const detailOf = (data: object): Detail => {
  const detail: Record<string, string | number | boolean | null> = {};
  for (const [key, value] of Object.entries(data) as [string, unknown][]) {
    if (left.has(key)) continue;
    if (value === null || typeof value === 'number' || typeof value === 'boolean') detail[key] = value;
    else if (typeof value === 'string') detail[key] = value.length > 200 ? `${value.slice(0, 197)}...` : value;
  }
  return detail;
};

const linksOf = (data: object): Record<string, string> => {
  const links: Record<string, string> = {};
  for (const [key, value] of Object.entries(data) as [string, unknown][]) {
    if (key.endsWith('Id') && typeof value === 'string') links[key.slice(0, -2)] = value;
  }
  return links;
};

/** Fields whose values are ids of events, by role. */
const roles = ['generation', 'attempt', 'feedback', 'event'];

/** A copy of a name: one that was cut out of a longer text keeps that text in memory for as long as it is kept. */
const copied = (name: string): string => Buffer.from(name).toString();

const apply = (state: LineageState, event: LedgerEvent): void => {
  if (state.events.has(event.id)) return;
  const { type, revision } = event;
  const [id, stream] = [copied(event.id), copied(event.stream)];
  const all = linksOf(event.data);
  const links: Record<string, string> = {};
  for (const role of roles) if (all[role] !== undefined) links[role] = all[role];
  const trajectoryId = all['trajectory'] ?? null;
  const problemId = all['problem'] ?? null;
  const model = event.type === 'GenerationProduced' ? event.data.model : null;
  const known: KnownEvent = {
    id,
    type,
    stream,
    revision,
    detail: detailOf(event.data),
    links,
    trajectoryId,
    problemId,
    model,
  };
  state.events.set(id, known);
  if (trajectoryId !== null) pushTo(state.byTrajectory, trajectoryId, id);
  switch (event.type) {
    case 'ProblemPosed':
      pushTo(state.problems, event.data.problemId, id);
      return;
    case 'GenerationProduced': {
      if (event.data.model.kind !== 'checkpoint') return;
      const counts = state.generated.get(event.data.model.digest) ?? {};
      const when = `collection ${event.data.collectionId}, iteration ${event.data.iteration}`;
      counts[when] = (counts[when] ?? 0) + 1;
      state.generated.set(event.data.model.digest, counts);
      return;
    }
    case 'DatasetDerived': {
      const { dataset, decisions, manifest, policy, scope, ledger, seed, rows, candidates } = event.data;
      const { runId, iteration } = scope;
      const detail = { runId, iteration, seed, rows, candidates, ledgerSize: ledger.size, ledgerRoot: ledger.root };
      const { name, digest } = policy;
      pushTo(state.datasets, dataset, { eventId: id, dataset, decisions, manifest, policy: { name, digest }, detail });
      return;
    }
    case 'DatasetImported': {
      const { dataset, file, rows, origin } = event.data;
      const policy = origin === null ? null : { name: origin.policy.name, digest: origin.policy.digest };
      const detail = { format: file.format, file: file.digest, rows, ledgerRoot: origin?.ledger.root ?? null };
      pushTo(state.imports, dataset, { eventId: id, dataset, policy, detail });
      return;
    }
    case 'TrainingStarted': {
      const { trainingId, dataset, base, seed, configDigest, steps } = event.data;
      const from = base.kind === 'checkpoint' ? base.digest : null;
      const detail = { seed, configDigest, steps };
      state.trainings.set(trainingId, { trainingId, eventId: id, dataset, base: from, detail });
      return;
    }
    case 'StepRecorded':
      for (const { step, rows } of event.data.steps)
        pushTo(state.steps, event.data.trainingId, { eventId: id, step, rows });
      return;
    case 'CheckpointWritten': {
      const { checkpoint, trainingId, step, kind } = event.data;
      pushTo(state.checkpoints, checkpoint, { eventId: id, checkpoint, trainingId, step, kind });
      return;
    }
    case 'CheckpointRegistered': {
      const { checkpoint, dataset, base, name, trainer } = event.data;
      const trainingId = dataset === null && base === null ? null : elsewhereId(event.data);
      pushTo(state.checkpoints, checkpoint, { eventId: id, checkpoint, trainingId, step: 0, kind: 'registered' });
      const from = base?.checkpoint ?? null;
      const detail = { name, trainer: `${trainer.name} ${trainer.version}`, base: base?.name ?? null };
      if (trainingId !== null && dataset !== null)
        state.trainings.set(trainingId, { trainingId, eventId: id, dataset, base: from, detail });
      return;
    }
    case 'EvaluationRecorded':
      pushTo(state.evaluations, event.data.checkpoint, id);
      return;
    case 'EventRetracted':
    case 'LabelGiven':
      pushTo(state.notes, event.data.eventId, id);
      return;
    case 'RunStarted':
    case 'RunResumed':
    case 'IterationStarted':
    case 'IterationScored':
    case 'CollectionStarted':
    case 'AblationStarted':
    case 'IterationCompleted':
    case 'AttemptMade':
    case 'FeedbackGiven':
    case 'ImprovementProduced':
    case 'AnswerVerified':
    case 'TurnRefused':
    case 'TrajectoryClosed':
    case 'CallFailed':
    case 'TrainingCompleted':
    case 'WorkClaimed':
    case 'ClaimKept':
    case 'ClaimEnded':
    case 'LedgerSealed':
      return;
  }
};

const sorted = <V>(map: ReadonlyMap<string, readonly V[]>, idOf: (value: V) => string): Map<string, readonly V[]> => {
  const out = new Map<string, readonly V[]>();
  for (const [key, values] of map)
    out.set(
      key,
      [...values].sort((a, b) => byText(idOf(a), idOf(b))),
    );
  return out;
};

/** Where everything came from and where it went: read by trace.ts and why.ts. */
export const lineage: Projection<LineageState, Lineage> = {
  name: 'lineage',
  version: 2,
  initial: () => ({
    events: new Map(),
    byTrajectory: new Map(),
    problems: new Map(),
    datasets: new Map(),
    imports: new Map(),
    trainings: new Map(),
    steps: new Map(),
    checkpoints: new Map(),
    evaluations: new Map(),
    generated: new Map(),
    notes: new Map(),
  }),
  apply,
  /** Lists that several streams feed are sorted by event id; the others are in their stream's order. */
  view: (state) => ({
    ...state,
    problems: sorted(state.problems, (id) => id),
    datasets: sorted(state.datasets, (d) => d.eventId),
    imports: sorted(state.imports, (d) => d.eventId),
    checkpoints: sorted(state.checkpoints, (c) => c.eventId),
    evaluations: sorted(state.evaluations, (id) => id),
  }),
  toJson: (state) => ({
    events: mapToJson(state.events),
    byTrajectory: mapToJson(state.byTrajectory),
    problems: mapToJson(state.problems),
    datasets: mapToJson(state.datasets),
    imports: mapToJson(state.imports),
    trainings: mapToJson(state.trainings),
    steps: mapToJson(state.steps),
    checkpoints: mapToJson(state.checkpoints),
    evaluations: mapToJson(state.evaluations),
    generated: mapToJson(state.generated),
    notes: mapToJson(state.notes),
  }),
  fromJson: (json) => ({
    events: mapFromJson(json, 'events'),
    byTrajectory: mapFromJson(json, 'byTrajectory'),
    problems: mapFromJson(json, 'problems'),
    datasets: mapFromJson(json, 'datasets'),
    imports: mapFromJson(json, 'imports'),
    trainings: mapFromJson(json, 'trainings'),
    steps: mapFromJson(json, 'steps'),
    checkpoints: mapFromJson(json, 'checkpoints'),
    evaluations: mapFromJson(json, 'evaluations'),
    generated: mapFromJson(json, 'generated'),
    notes: mapFromJson(json, 'notes'),
  }),
};
