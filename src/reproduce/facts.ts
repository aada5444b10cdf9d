import type { CheckpointWritten } from '../../events/checkpointWritten';
import type { CollectionStarted } from '../../events/collectionStarted';
import type { DatasetDerived } from '../../events/datasetDerived';
import type { EvaluationRecorded } from '../../events/evaluationRecorded';
import type { GenerationProduced } from '../../events/generationProduced';
import type { LedgerEvent } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import { pushTo } from '../../projections/projection';
import type { RecordedTraining } from './reproduceTraining';

/** What can be made again, by id. */
export interface Facts {
  /** By dataset digest: every derivation that gave it, in ledger order. */
  readonly datasets: ReadonlyMap<string, readonly DatasetDerived[]>;
  readonly trainings: ReadonlyMap<string, RecordedTraining>;
  readonly evaluations: ReadonlyMap<string, EvaluationRecorded>;
  readonly collections: ReadonlyMap<string, CollectionStarted>;
  readonly generations: ReadonlyMap<string, readonly GenerationProduced[]>;
  readonly checkpoints: ReadonlyMap<string, CheckpointWritten>;
  readonly problems: readonly ProblemPosed[];
  /** By run id: what it is made of, in the order in which one thing rests on the other. */
  readonly runs: ReadonlyMap<string, readonly Part[]>;
  readonly ablations: ReadonlyMap<string, readonly string[]>;
}

/** One thing to make again. */
export interface Part {
  readonly kind: 'dataset' | 'training' | 'collection' | 'evaluation';
  readonly id: string;
}

/** Everything on the ledger that was made from something else on it. */
export const factsOf = (events: readonly LedgerEvent[]): Facts => {
  const datasets = new Map<string, DatasetDerived[]>();
  const evaluations = new Map<string, EvaluationRecorded>();
  const collections = new Map<string, CollectionStarted>();
  const generations = new Map<string, GenerationProduced[]>();
  const checkpoints = new Map<string, CheckpointWritten>();
  const problems: ProblemPosed[] = [];
  const parts = new Map<string, Part[]>();
  const ablations = new Map<string, readonly string[]>();
  const begun = new Map<string, { -readonly [K in keyof RecordedTraining]?: RecordedTraining[K] }>();
  const training = (id: string) => {
    const known = begun.get(id) ?? {};
    begun.set(id, known);
    return known;
  };
  for (const event of events) {
    switch (event.type) {
      case 'ProblemPosed':
        problems.push(event.data);
        break;
      case 'CollectionStarted':
        collections.set(event.data.collectionId, event.data);
        break;
      case 'GenerationProduced':
        // What was asked of a served model cannot be made again, only replayed.
        if (event.data.callKey === null) pushTo(generations, event.data.collectionId, event.data);
        break;
      case 'DatasetDerived':
        pushTo(datasets, event.data.dataset, event.data);
        break;
      case 'TrainingStarted':
        training(event.data.trainingId).started = event.data;
        break;
      case 'StepRecorded': {
        const known = training(event.data.trainingId);
        known.steps = [...(known.steps ?? []), ...event.data.steps];
        break;
      }
      case 'CheckpointWritten': {
        const { checkpoint, trainingId, kind } = event.data;
        if (kind !== 'resume') checkpoints.set(checkpoint, event.data);
        if (kind === 'final' && trainingId !== null) training(trainingId).final = event.data;
        break;
      }
      case 'TrainingCompleted':
        training(event.data.trainingId).completed = event.data;
        break;
      case 'EvaluationRecorded':
        evaluations.set(event.data.evaluationId, event.data);
        break;
      case 'IterationStarted':
        if (event.data.collectionId !== null)
          pushTo(parts, event.data.runId, { kind: 'collection', id: event.data.collectionId });
        break;
      case 'IterationScored': {
        const { runId, evaluationId, iteration, checkpoint } = event.data;
        // The base's own training is no part of the run's stream: the checkpoint leads to it.
        const base = iteration === 0 ? checkpoints.get(checkpoint)?.trainingId : undefined;
        const dataset = base === null || base === undefined ? undefined : training(base).started?.dataset;
        if (dataset !== undefined) pushTo(parts, runId, { kind: 'dataset', id: dataset });
        if (base !== null && base !== undefined) pushTo(parts, runId, { kind: 'training', id: base });
        const known = parts.get(runId) ?? [];
        parts.set(runId, known);
        known.push({ kind: 'evaluation', id: evaluationId });
        break;
      }
      case 'IterationCompleted': {
        const { runId, dataset, trainingId } = event.data;
        const known = parts.get(runId) ?? [];
        parts.set(runId, known);
        // The score of an iteration comes before its end on the ledger, and after its training in the order of causes.
        const score = known.at(-1)?.kind === 'evaluation' ? known.pop() : undefined;
        known.push({ kind: 'dataset', id: dataset }, { kind: 'training', id: trainingId });
        if (score !== undefined) known.push(score);
        break;
      }
      case 'AblationStarted':
        ablations.set(event.data.ablationId, [...new Set(event.data.cells.map(({ runId }) => runId))]);
        break;
      case 'WorkClaimed':
      case 'ClaimKept':
      case 'ClaimEnded':
      case 'AnswerVerified':
      case 'AttemptMade':
      case 'CallFailed':
      case 'CheckpointRegistered':
      case 'DatasetImported':
      case 'EventRetracted':
      case 'FeedbackGiven':
      case 'ImprovementProduced':
      case 'LabelGiven':
      case 'LedgerSealed':
      case 'RunResumed':
      case 'RunStarted':
      case 'TrajectoryClosed':
      case 'TurnRefused':
        break;
    }
  }
  const trainings = new Map<string, RecordedTraining>();
  for (const [id, { started, steps = [], completed, final }] of begun)
    if (started !== undefined && completed !== undefined && final !== undefined)
      trainings.set(id, { started, steps, completed, final });
  return { datasets, trainings, evaluations, collections, generations, checkpoints, problems, runs: parts, ablations };
};

/** The things that have an id, by kind; a checkpoint stands for the training that wrote it. */
export const targetsOf = (facts: Facts): ReadonlyMap<string, readonly Part[]> => {
  const targets = new Map<string, readonly Part[]>();
  for (const id of facts.datasets.keys()) targets.set(id, [{ kind: 'dataset', id }]);
  for (const [id, { started }] of facts.trainings)
    targets.set(id, [
      ...(facts.datasets.has(started.dataset) ? [{ kind: 'dataset', id: started.dataset } as const] : []),
      { kind: 'training', id },
    ]);
  for (const [digest, { trainingId }] of facts.checkpoints) {
    const own = trainingId === null ? undefined : targets.get(trainingId);
    if (own !== undefined) targets.set(digest, own);
  }
  for (const id of facts.evaluations.keys()) targets.set(id, [{ kind: 'evaluation', id }]);
  for (const id of facts.collections.keys()) targets.set(id, [{ kind: 'collection', id }]);
  for (const [id, parts] of facts.runs) targets.set(id, parts);
  for (const [id, runs] of facts.ablations) {
    const all = runs.flatMap((runId) => facts.runs.get(runId) ?? []);
    targets.set(id, [...new Map(all.map((part) => [`${part.kind} ${part.id}`, part])).values()]);
  }
  return targets;
};
