import type { LedgerEvent } from '../events/index';
import { byText, mapFromJson, mapToJson, type Projection } from './projection';
import {
  goldOf,
  type Call,
  type Closing,
  type Label,
  type Place,
  type PosedProblem,
  type RefusedTurn,
  type Retraction,
  type StartedIteration,
  type Trajectories,
  type Trajectory,
  type Turn,
  type Verification,
} from './trajectory';

interface OpenTrajectory {
  trajectoryId: string;
  place: Place | null;
  turns: Turn[];
  verifications: Verification[];
  refused: RefusedTurn[];
  calls: Call[];
  failedCalls: number;
  closing: Closing | null;
}

export interface TrajectoriesState extends NotesState {
  readonly trajectories: Map<string, OpenTrajectory>;
  readonly problems: Map<string, Omit<PosedProblem, 'gold'>>;
}

const open = (state: TrajectoriesState, trajectoryId: string): OpenTrajectory => {
  const known = state.trajectories.get(trajectoryId);
  if (known !== undefined) return known;
  const fresh: OpenTrajectory = {
    trajectoryId,
    place: null,
    turns: [],
    verifications: [],
    refused: [],
    calls: [],
    failedCalls: 0,
    closing: null,
  };
  state.trajectories.set(trajectoryId, fresh);
  return fresh;
};

/** Scoring asks served models too; what it is given is no trajectory. */
const ofEvaluation = ({ trajectoryId }: { readonly trajectoryId: string }): boolean =>
  trajectoryId.startsWith('evaluation:');

const placed = (state: TrajectoriesState, d: Place & { readonly trajectoryId: string }): OpenTrajectory => {
  const trajectory = open(state, d.trajectoryId);
  trajectory.place ??= { collectionId: d.collectionId, iteration: d.iteration, pass: d.pass, problemId: d.problemId };
  return trajectory;
};

export const meanOf = (logprobs: readonly number[] | null): number | null =>
  logprobs === null || logprobs.length === 0 ? null : logprobs.reduce((sum, each) => sum + each, 0) / logprobs.length;

const unjudged = { verdict: null, step: null, segment: null } as const;

const apply = (state: TrajectoriesState, event: LedgerEvent): void => {
  const eventId = event.id;
  switch (event.type) {
    case 'ProblemPosed':
      state.problems.set(eventId, { eventId, problem: event.data });
      return;
    case 'GenerationProduced': {
      const { call, author, model, logprobs } = event.data;
      if (ofEvaluation(event.data)) return;
      placed(state, event.data).calls.push({ eventId, call, author, model, meanLogprob: meanOf(logprobs) });
      return;
    }
    case 'CallFailed':
      if (ofEvaluation(event.data)) return;
      placed(state, event.data).failedCalls += 1;
      return;
    case 'AttemptMade': {
      const { trajectoryId, author, text, round, generationId } = event.data;
      open(state, trajectoryId).turns.push({
        kind: 'attempt',
        eventId,
        author,
        text,
        round,
        ...unjudged,
        generationId,
      });
      return;
    }
    case 'FeedbackGiven': {
      const { trajectoryId, author, text, round, verdict, step, segment, generationId } = event.data;
      const turn: Turn = { kind: 'feedback', eventId, author, text, round, verdict, step, segment, generationId };
      open(state, trajectoryId).turns.push(turn);
      return;
    }
    case 'ImprovementProduced': {
      const { trajectoryId, author, text, round, generationId } = event.data;
      const turn: Turn = { kind: 'improvement', eventId, author, text, round, ...unjudged, generationId };
      open(state, trajectoryId).turns.push(turn);
      return;
    }
    case 'AnswerVerified': {
      const { trajectoryId, round, attemptId, author, answer, answerCorrect, verdict, step, segment } = event.data;
      const found = { eventId, round, attemptId, author, answer, answerCorrect, verdict, step, segment };
      open(state, trajectoryId).verifications.push(found);
      return;
    }
    case 'TurnRefused': {
      const { trajectoryId, round, turn, author, rule, expected, got } = event.data;
      open(state, trajectoryId).refused.push({ eventId, round, turn, author, rule, expected, got });
      return;
    }
    case 'TrajectoryClosed': {
      const { outcome, reason, detail } = event.data;
      placed(state, event.data).closing = { eventId, outcome, reason, detail };
      return;
    }
    case 'IterationStarted':
    case 'CollectionStarted':
    case 'EventRetracted':
    case 'LabelGiven':
      applyNote(state, event);
      return;
    case 'RunStarted':
    case 'RunResumed':
    case 'IterationScored':
    case 'IterationCompleted':
    case 'DatasetDerived':
    case 'DatasetImported':
    case 'TrainingStarted':
    case 'StepRecorded':
    case 'CheckpointWritten':
    case 'CheckpointRegistered':
    case 'TrainingCompleted':
    case 'EvaluationRecorded':
    case 'AblationStarted':
    case 'WorkClaimed':
    case 'ClaimKept':
    case 'ClaimEnded':
    case 'LedgerSealed':
      return;
  }
};

/** attempt 0, feedback 0, improvement 1, feedback 1, … */
export const turnOrder = (t: Pick<Turn, 'kind' | 'round'>): number => t.round * 2 + (t.kind === 'feedback' ? 1 : 0);

const comparePlaces = (a: Trajectory, b: Trajectory): number => {
  const [p, q] = [a.place, b.place];
  if (p === null || q === null)
    return Number(p === null) - Number(q === null) || byText(a.trajectoryId, b.trajectoryId);
  return (
    p.iteration - q.iteration ||
    byText(p.collectionId, q.collectionId) ||
    p.pass - q.pass ||
    byText(p.problemId, q.problemId) ||
    byText(a.trajectoryId, b.trajectoryId)
  );
};

export const compareProblems = (a: PosedProblem, b: PosedProblem): number =>
  byText(a.problem.set, b.problem.set) ||
  byText(a.problem.problemId, b.problem.problemId) ||
  byText(a.eventId, b.eventId);

export const compareIterations = (a: StartedIteration, b: StartedIteration): number =>
  byText(a.runId, b.runId) || a.iteration - b.iteration;

/** Notes on events, and what was started: few, and the same in every form of the fold. */
export interface NotesState {
  readonly retractions: Map<string, Retraction>;
  readonly labels: Map<string, Label[]>;
  readonly iterations: Map<string, StartedIteration>;
  readonly collections: Map<string, string>;
}

type NoteEvent = Extract<
  LedgerEvent,
  { readonly type: 'IterationStarted' | 'CollectionStarted' | 'EventRetracted' | 'LabelGiven' }
>;

/** Folds what is no part of a trajectory. */
export const applyNote = (state: NotesState, event: NoteEvent): void => {
  switch (event.type) {
    case 'IterationStarted': {
      const { runId, iteration, problemSet, student, collectionId } = event.data;
      state.iterations.set(`${runId}\n${iteration}`, { runId, iteration, problemSet, student, collectionId });
      if (collectionId !== null) state.collections.set(collectionId, problemSet);
      return;
    }
    case 'CollectionStarted':
      state.collections.set(event.data.collectionId, event.data.problemSet);
      return;
    case 'EventRetracted': {
      const { eventId: target, reason, by } = event.data;
      if (!state.retractions.has(target))
        state.retractions.set(target, { eventId: target, noteId: event.id, reason, by });
      return;
    }
    case 'LabelGiven': {
      const { eventId: target, label, by, value } = event.data;
      const kept = (state.labels.get(target) ?? []).filter((l) => l.label !== label || l.by !== by);
      kept.push({ label, by, value, noteId: event.id });
      state.labels.set(target, kept);
      return;
    }
  }
};

const view = (state: TrajectoriesState): Trajectories => ({
  trajectories: [...state.trajectories.values()]
    .map(
      (t): Trajectory => ({
        ...t,
        turns: [...t.turns].sort((a, b) => turnOrder(a) - turnOrder(b)),
        verifications: [...t.verifications].sort((a, b) => a.round - b.round),
      }),
    )
    .sort(comparePlaces),
  problems: [...state.problems.values()]
    .map((posed): PosedProblem => ({ ...posed, gold: goldOf(posed.problem) }))
    .sort(compareProblems),
  retractions: state.retractions,
  labels: state.labels,
  iterations: [...state.iterations.values()].sort(compareIterations),
  collections: state.collections,
});

/** Attempt → feedback → improvement chains, with what was found, refused, retracted and labelled. */
export const trajectories: Projection<TrajectoriesState, Trajectories> = {
  name: 'trajectories',
  version: 3,
  initial: () => ({
    trajectories: new Map(),
    problems: new Map(),
    retractions: new Map(),
    labels: new Map(),
    iterations: new Map(),
    collections: new Map(),
  }),
  apply,
  view,
  toJson: (state) => ({
    trajectories: mapToJson(state.trajectories),
    problems: mapToJson(state.problems),
    retractions: mapToJson(state.retractions),
    labels: mapToJson(state.labels),
    iterations: mapToJson(state.iterations),
    collections: mapToJson(state.collections),
  }),
  fromJson: (json) => ({
    trajectories: mapFromJson(json, 'trajectories'),
    problems: mapFromJson(json, 'problems'),
    retractions: mapFromJson(json, 'retractions'),
    labels: mapFromJson(json, 'labels'),
    iterations: mapFromJson(json, 'iterations'),
    collections: mapFromJson(json, 'collections'),
  }),
};
