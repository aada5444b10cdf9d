import { canonicalJson } from '../events/digest';
import type { LedgerEvent } from '../events/index';
import { blobsNamedBy } from './namedBlobs';
import { byText, mapFromJson, mapToJson, type Projection } from './projection';

export interface Amount {
  readonly events: number;
  /** UTF-8 bytes of the events' data as canonical JSON, in the shape that this code reads them in. */
  readonly bytes: number;
}

export interface CallCounts {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** How much of what a ledger holds. */
export interface Stats extends Amount {
  readonly streams: number;
  /** When the first and the last event were recorded, by their times; null for an empty ledger. */
  readonly first: string | null;
  readonly last: string | null;
  readonly types: Readonly<Record<string, Amount>>;
  /** By the first word of the stream's name: `trajectory` for `trajectory-<id>`. */
  readonly families: Readonly<Record<string, Amount & { readonly streams: number }>>;
  readonly runs: number;
  readonly iterations: number;
  readonly collections: number;
  readonly problems: number;
  /** By outcome; `open`: begun and not closed. */
  readonly trajectories: Readonly<Record<string, number>>;
  /** Calls that gave a text, by author; `failed`: attempts at calls that gave none, `givenUp` those that ended a call. */
  readonly calls: CallCounts & {
    readonly failed: number;
    readonly givenUp: number;
    readonly byAuthor: Readonly<Record<string, CallCounts>>;
  };
  /** Different datasets, and how often one was derived. */
  readonly datasets: { readonly different: number; readonly derived: number };
  readonly trainings: { readonly started: number; readonly completed: number; readonly steps: number };
  /** Different ones: `students` can be loaded, `states` only resume a training. */
  readonly checkpoints: { readonly students: number; readonly states: number };
  readonly evaluations: number;
  readonly notes: { readonly retractions: number; readonly labels: number };
  /** The newest seal. */
  readonly seals: number;
  readonly sealed: { readonly size: number; readonly root: string } | null;
}

type Pair = [events: number, bytes: number];

export interface StatsState {
  readonly types: Map<string, Pair>;
  readonly families: Map<string, [...Pair, streams: number]>;
  /** Everything that is counted one by one, by name. */
  readonly counts: Map<string, number>;
  /** By author: calls, prompt tokens, completion tokens. */
  readonly authors: Map<string, [number, number, number]>;
  /** The earliest and the latest time; the newest seal. */
  readonly marks: Map<string, string | number>;
  readonly datasets: Map<string, true>;
  readonly students: Map<string, true>;
  readonly states: Map<string, true>;
  /** Digests of the blobs that events name. */
  readonly blobs: Map<string, true>;
}

const familyOf = (stream: string): string => stream.split('-', 1)[0] ?? stream;

const count = ({ counts }: StatsState, name: string, by = 1): void => {
  counts.set(name, (counts.get(name) ?? 0) + by);
};

const measure = (state: StatsState, event: LedgerEvent): void => {
  const { type, stream, revision, recordedAt, data } = event;
  const bytes = Buffer.byteLength(canonicalJson(data));
  const [events, size] = state.types.get(type) ?? [0, 0];
  state.types.set(type, [events + 1, size + bytes]);
  const family = familyOf(stream);
  const [inFamily, familySize, streams] = state.families.get(family) ?? [0, 0, 0];
  // A stream has exactly one event of revision 0.
  state.families.set(family, [inFamily + 1, familySize + bytes, streams + (revision === 0 ? 1 : 0)]);
  const [first, last] = [state.marks.get('first'), state.marks.get('last')];
  if (first === undefined || recordedAt < String(first)) state.marks.set('first', recordedAt);
  if (last === undefined || recordedAt > String(last)) state.marks.set('last', recordedAt);
};

const apply = (state: StatsState, event: LedgerEvent): void => {
  measure(state, event);
  for (const digest of blobsNamedBy(event)) state.blobs.set(digest, true);
  if (event.type === 'GenerationProduced') {
    const { author, usage, reusedFrom } = event.data;
    // Nothing was asked for a text that was used again.
    if (reusedFrom !== null) return;
    const [calls, prompt, completion] = state.authors.get(author) ?? [0, 0, 0];
    // Tokens are those of the calls whose usage is known.
    const { promptTokens, completionTokens } = usage ?? { promptTokens: 0, completionTokens: 0 };
    state.authors.set(author, [calls + 1, prompt + promptTokens, completion + completionTokens]);
  } else if (event.type === 'CallFailed') {
    if (event.data.final) count(state, 'givenUp');
  } else if (event.type === 'TrajectoryClosed') {
    count(state, `outcome ${event.data.outcome}`);
  } else if (event.type === 'DatasetDerived') {
    state.datasets.set(event.data.dataset, true);
  } else if (event.type === 'StepRecorded') {
    count(state, 'steps', event.data.steps.length);
  } else if (event.type === 'CheckpointWritten') {
    (event.data.kind === 'resume' ? state.states : state.students).set(event.data.checkpoint, true);
  } else if (event.type === 'LedgerSealed') {
    state.marks.set('sealedSize', event.data.size);
    state.marks.set('sealedRoot', event.data.root);
  }
};

const record = <V, W>(map: ReadonlyMap<string, V>, make: (value: V) => W): Record<string, W> =>
  Object.fromEntries([...map].sort(([a], [b]) => byText(a, b)).map(([name, value]) => [name, make(value)]));

const callsOf = ([calls, promptTokens, completionTokens]: readonly [number, number, number]): CallCounts => {
  return { calls, promptTokens, completionTokens };
};

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, n) => total + n, 0);

const view = (state: StatsState): Stats => {
  const { types, families, counts, authors, marks } = state;
  const of = (type: string): number => types.get(type)?.[0] ?? 0;
  const outcomes = [...counts].filter(([name]) => name.startsWith('outcome ')).sort(([a], [b]) => byText(a, b));
  const open = (families.get('trajectory')?.[2] ?? 0) - of('TrajectoryClosed');
  const text = (name: string): string | null => {
    const mark = marks.get(name);
    return mark === undefined ? null : String(mark);
  };
  const root = text('sealedRoot');
  const byAuthor = [...authors.values()];
  const total = (i: 0 | 1 | 2): number => sum(byAuthor.map((each) => each[i]));
  return {
    events: sum([...types.values()].map(([events]) => events)),
    bytes: sum([...types.values()].map(([, bytes]) => bytes)),
    streams: sum([...families.values()].map(([, , streams]) => streams)),
    first: text('first'),
    last: text('last'),
    types: record(types, ([events, bytes]) => ({ events, bytes })),
    families: record(families, ([events, bytes, streams]) => ({ events, bytes, streams })),
    runs: of('RunStarted'),
    iterations: of('IterationStarted'),
    collections: of('CollectionStarted'),
    problems: of('ProblemPosed'),
    trajectories: { ...Object.fromEntries(outcomes.map(([name, n]) => [name.slice('outcome '.length), n])), open },
    calls: {
      ...callsOf([total(0), total(1), total(2)]),
      failed: of('CallFailed'),
      givenUp: counts.get('givenUp') ?? 0,
      byAuthor: record(authors, callsOf),
    },
    datasets: { different: state.datasets.size, derived: of('DatasetDerived') },
    trainings: {
      started: of('TrainingStarted'),
      completed: of('TrainingCompleted'),
      steps: counts.get('steps') ?? 0,
    },
    checkpoints: { students: state.students.size, states: state.states.size },
    evaluations: of('EvaluationRecorded'),
    notes: { retractions: of('EventRetracted'), labels: of('LabelGiven') },
    seals: of('LedgerSealed'),
    sealed: root === null ? null : { size: Number(marks.get('sealedSize')), root },
  };
};

const maps = ['types', 'families', 'counts', 'authors', 'marks', 'datasets', 'students', 'states', 'blobs'] as const;

/** Counts and sizes of everything; its state also holds the digests of the blobs that are named. */
export const stats: Projection<StatsState, Stats> = {
  name: 'stats',
  version: 1,
  initial: () => ({
    types: new Map(),
    families: new Map(),
    counts: new Map(),
    authors: new Map(),
    marks: new Map(),
    datasets: new Map(),
    students: new Map(),
    states: new Map(),
    blobs: new Map(),
  }),
  apply,
  view,
  toJson: (state) => Object.fromEntries(maps.map((name) => [name, mapToJson(state[name])])),
  fromJson: (json) => ({
    types: mapFromJson(json, 'types'),
    families: mapFromJson(json, 'families'),
    counts: mapFromJson(json, 'counts'),
    authors: mapFromJson(json, 'authors'),
    marks: mapFromJson(json, 'marks'),
    datasets: mapFromJson(json, 'datasets'),
    students: mapFromJson(json, 'students'),
    states: mapFromJson(json, 'states'),
    blobs: mapFromJson(json, 'blobs'),
  }),
};
