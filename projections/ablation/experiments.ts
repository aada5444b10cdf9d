import type { AblationStarted } from '../../events/ablationStarted';
import type { EvaluationItem } from '../../events/evaluationRecorded';
import type { LedgerEvent } from '../../events/index';
import { mapFromJson, mapToJson, type Projection } from '../projection';
import { scoresOf, type Scores } from '../scoreboard';

/** One test problem as an evaluation left it: whether each attempt in turn was right. */
export interface ScoredItem {
  readonly problemId: string;
  readonly seen: boolean;
  readonly right: readonly boolean[];
}

export interface ScoredStudent {
  readonly eventId: string;
  readonly evaluationId: string;
  readonly checkpoint: string;
  readonly scores: Scores;
  /** By problem id. */
  readonly items: readonly ScoredItem[];
}

/** What one optimizer step left for a training curve. */
export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  /** Mean loss by section of a row, where there were such tokens. */
  readonly sections: Readonly<Record<string, number>>;
}

/** What a collection cost; tokens are those of the calls whose usage is known. */
export interface CollectionCost {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface DerivedCounts {
  readonly candidates: number;
  readonly rows: number;
  readonly byBucket: Readonly<Record<string, number>>;
  readonly byReason: Readonly<Record<string, number>>;
}

interface Done {
  readonly dataset: string;
  readonly trainingId: string;
  readonly rows: number;
}

/** Everything that a comparison of runs is made from. Keys of a run's iteration are `<runId> <iteration>`. */
export interface Experiments {
  readonly ablations: ReadonlyMap<string, AblationStarted>;
  readonly students: ReadonlyMap<string, ScoredStudent>;
  /** The evaluation of each iteration of a run. */
  readonly scored: ReadonlyMap<string, string>;
  readonly completed: ReadonlyMap<string, Done>;
  readonly collectionOf: ReadonlyMap<string, string>;
  readonly costs: ReadonlyMap<string, CollectionCost>;
  /** By `<runId> <iteration> <dataset>`: the same rows may come from other candidates in another run. */
  readonly derived: ReadonlyMap<string, DerivedCounts>;
  readonly curves: ReadonlyMap<string, readonly CurvePoint[]>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends ReadonlyMap<infer Key, infer V> ? Map<Key, V> : never };
interface State extends Mutable<Omit<Experiments, 'curves'>> {
  readonly curves: Map<string, CurvePoint[]>;
  /** Events that were taken back. */
  readonly retracted: Map<string, true>;
}

export const iterationKey = (runId: string, iteration: number): string => `${runId} ${iteration}`;

const itemOf = ({ problemId, seen, attempts }: EvaluationItem): ScoredItem => ({
  problemId,
  seen,
  right: attempts.map(({ correct }) => correct),
});

const apply = (state: State, event: LedgerEvent): void => {
  switch (event.type) {
    case 'AblationStarted':
      state.ablations.set(event.data.ablationId, event.data);
      return;
    case 'IterationStarted': {
      const { runId, iteration, collectionId } = event.data;
      if (collectionId !== null) state.collectionOf.set(iterationKey(runId, iteration), collectionId);
      return;
    }
    case 'IterationScored':
      state.scored.set(iterationKey(event.data.runId, event.data.iteration), event.data.evaluationId);
      return;
    case 'IterationCompleted': {
      const { runId, iteration, dataset, trainingId, rows } = event.data;
      state.completed.set(iterationKey(runId, iteration), { dataset, trainingId, rows });
      return;
    }
    case 'GenerationProduced': {
      const { collectionId, usage } = event.data;
      const known = state.costs.get(collectionId) ?? { calls: 0, promptTokens: 0, completionTokens: 0 };
      state.costs.set(collectionId, {
        calls: known.calls + 1,
        promptTokens: known.promptTokens + (usage?.promptTokens ?? 0),
        completionTokens: known.completionTokens + (usage?.completionTokens ?? 0),
      });
      return;
    }
    case 'DatasetDerived': {
      const { scope, dataset, candidates, rows, byBucket, byReason } = event.data;
      if (scope.runId === null || scope.iteration === null) return;
      const key = `${iterationKey(scope.runId, scope.iteration)} ${dataset}`;
      state.derived.set(key, { candidates, rows, byBucket, byReason });
      return;
    }
    case 'StepRecorded': {
      const { trainingId, steps } = event.data;
      const points = steps.map(({ step, loss, sections }): CurvePoint => {
        const means = Object.entries(sections).map(([kind, of]) => [kind, of.loss] as const);
        return { step, loss, sections: Object.fromEntries(means) };
      });
      const known = state.curves.get(trainingId);
      if (known === undefined) state.curves.set(trainingId, points);
      else known.push(...points);
      return;
    }
    case 'EvaluationRecorded': {
      const { evaluationId, checkpoint, items } = event.data;
      const byProblem = items.map(itemOf).sort((a, b) => (a.problemId < b.problemId ? -1 : 1));
      const scored = { evaluationId, checkpoint, scores: scoresOf(items), items: byProblem };
      state.students.set(evaluationId, { eventId: event.id, ...scored });
      return;
    }
    case 'EventRetracted':
      state.retracted.set(event.data.eventId, true);
      return;
    case 'WorkClaimed':
    case 'ClaimKept':
    case 'ClaimEnded':
    case 'AnswerVerified':
    case 'AttemptMade':
    case 'CallFailed':
    case 'CheckpointWritten':
    case 'CheckpointRegistered':
    case 'CollectionStarted':
    case 'DatasetImported':
    case 'FeedbackGiven':
    case 'ImprovementProduced':
    case 'LabelGiven':
    case 'LedgerSealed':
    case 'ProblemPosed':
    case 'RunResumed':
    case 'RunStarted':
    case 'TrainingCompleted':
    case 'TrainingStarted':
    case 'TrajectoryClosed':
    case 'TurnRefused':
      return;
  }
};

/** What the ledger says about runs and their students, without texts: the facts behind every comparison. */
export const experiments: Projection<State, Experiments> = {
  name: 'experiments',
  version: 2,
  initial: () => ({
    ablations: new Map(),
    students: new Map(),
    scored: new Map(),
    completed: new Map(),
    collectionOf: new Map(),
    costs: new Map(),
    derived: new Map(),
    curves: new Map(),
    retracted: new Map(),
  }),
  apply,
  /** An evaluation that was taken back is none: its cell is not finished. */
  view: ({ retracted, ...state }) => ({
    ...state,
    students: new Map([...state.students].filter(([, { eventId }]) => !retracted.has(eventId))),
  }),
  toJson: (state) => ({
    ablations: mapToJson(state.ablations),
    students: mapToJson(state.students),
    scored: mapToJson(state.scored),
    completed: mapToJson(state.completed),
    collectionOf: mapToJson(state.collectionOf),
    costs: mapToJson(state.costs),
    derived: mapToJson(state.derived),
    curves: mapToJson(state.curves),
    retracted: mapToJson(state.retracted),
  }),
  fromJson: (json) => ({
    ablations: mapFromJson(json, 'ablations'),
    students: mapFromJson(json, 'students'),
    scored: mapFromJson(json, 'scored'),
    completed: mapFromJson(json, 'completed'),
    collectionOf: mapFromJson(json, 'collectionOf'),
    costs: mapFromJson(json, 'costs'),
    derived: mapFromJson(json, 'derived'),
    curves: mapFromJson(json, 'curves'),
    retracted: mapFromJson(json, 'retracted'),
  }),
};
