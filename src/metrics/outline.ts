import type { AblationStarted } from '../../events/ablationStarted';
import type { Json } from '../../events/digest';
import type { EventType, LedgerEvent } from '../../events/index';

export interface OutlinedIteration {
  readonly iteration: number;
  collectionId?: string;
  dataset?: string;
  trainingId?: string;
  evaluationId?: string;
}

export interface OutlinedRun {
  readonly runId: string;
  readonly config: Json;
  readonly started: number;
  readonly iterations: Map<number, OutlinedIteration>;
}

/** What runs, trainings and ablations a ledger has, and which ids belong to which: little, whatever the ledger's size. */
export interface Outline {
  readonly runs: Map<string, OutlinedRun>;
  readonly trainings: Set<string>;
  readonly ablations: Map<string, AblationStarted>;
}

/** The events that an outline is made of. */
export const outlineTypes: readonly EventType[] = [
  'AblationStarted',
  'IterationCompleted',
  'IterationScored',
  'IterationStarted',
  'RunStarted',
  'TrainingStarted',
];

export const emptyOutline = (): Outline => ({ runs: new Map(), trainings: new Set(), ablations: new Map() });

/** Adds an event to an outline. */
export const addToOutline = ({ runs, trainings, ablations }: Outline, event: LedgerEvent): void => {
  const place = (runId: string, iteration: number): OutlinedIteration => {
    const iterations = runs.get(runId)?.iterations;
    const known = iterations?.get(iteration) ?? { iteration };
    iterations?.set(iteration, known);
    return known;
  };
  if (event.type === 'RunStarted') {
    const { runId, config } = event.data;
    runs.set(runId, { runId, config, started: Date.parse(event.recordedAt), iterations: new Map() });
  } else if (event.type === 'IterationStarted') {
    const { runId, iteration, collectionId } = event.data;
    if (collectionId !== null) place(runId, iteration).collectionId = collectionId;
  } else if (event.type === 'IterationCompleted') {
    const { runId, iteration, dataset, trainingId } = event.data;
    Object.assign(place(runId, iteration), { dataset, trainingId });
  } else if (event.type === 'IterationScored') {
    place(event.data.runId, event.data.iteration).evaluationId = event.data.evaluationId;
  } else if (event.type === 'TrainingStarted') trainings.add(event.data.trainingId);
  else if (event.type === 'AblationStarted') ablations.set(event.data.ablationId, event.data);
};
