import type { Position } from '../../events/envelope';
import type { EventType, LedgerEvent } from '../../events/index';
import { applyNote, compareIterations, compareProblems, meanOf, type NotesState } from '../trajectories';
import type { JudgedLedger, TextSource } from '../trajectory';
import { StoredProblem, StoredTrajectory, StoredTurn, type Written } from './storedTrajectory';
import { TrajectoryColumns } from './trajectoryColumns';

/** Events of a trajectory that a derivation looks at. */
export const judgedTypes = [
  'GenerationProduced',
  'CallFailed',
  'AttemptMade',
  'FeedbackGiven',
  'ImprovementProduced',
  'AnswerVerified',
  'TrajectoryClosed',
] as const satisfies readonly EventType[];

/** The types of event that this fold looks at. */
const foldedTypes = [
  'ProblemPosed',
  'IterationStarted',
  'CollectionStarted',
  ...judgedTypes,
  'EventRetracted',
  'LabelGiven',
] as const satisfies readonly EventType[];
type FoldedEvent = Extract<LedgerEvent, { readonly type: (typeof foldedTypes)[number] }>;
type TurnEvent = Extract<LedgerEvent, { readonly type: 'AttemptMade' | 'FeedbackGiven' | 'ImprovementProduced' }>;

const folded: ReadonlySet<string> = new Set(foldedTypes);

export const isFolded = (type: string): boolean => folded.has(type);

const isFoldedEvent = (event: LedgerEvent): event is FoldedEvent => folded.has(event.type);

const isTurn = (event: LedgerEvent): event is TurnEvent =>
  event.type === 'AttemptMade' || event.type === 'FeedbackGiven' || event.type === 'ImprovementProduced';

const unjudged = { verdict: null } as const;

/**
 * The trajectories fold (trajectories.ts) for deriving from ledgers of any size: it keeps no text, only where each is.
 * Texts of a batch are read back with `positionsOf` and `take`, and are there until the next batch.
 */
export class TrajectoryStore {
  private readonly columns = new TrajectoryColumns();
  private readonly problems = new Map<string, StoredProblem>();
  private readonly positions: Position[] = [];
  private readonly notes: NotesState = {
    retractions: new Map(),
    labels: new Map(),
    iterations: new Map(),
    collections: new Map(),
  };
  private read: StoredProblem[] = [];

  apply(event: LedgerEvent): void {
    if (!isFoldedEvent(event)) return;
    const { columns } = this;
    const { id: eventId, position } = event;
    switch (event.type) {
      case 'ProblemPosed':
        this.problems.set(eventId, new StoredProblem(eventId, event.data, this.positions.push(position) - 1));
        return;
      case 'GenerationProduced': {
        const at = columns.find(event.data.trajectoryId);
        columns.setPlace(at, event.data);
        const { call, author, model, logprobs } = event.data;
        columns.addCall(at, { eventId, call, author, model, meanLogprob: meanOf(logprobs) });
        return;
      }
      case 'CallFailed':
        columns.setPlace(columns.find(event.data.trajectoryId), event.data);
        return;
      case 'AttemptMade':
      case 'ImprovementProduced': {
        const { trajectoryId, author, round } = event.data;
        const kind = event.type === 'AttemptMade' ? 'attempt' : 'improvement';
        columns.addTurn(columns.find(trajectoryId), { kind, eventId, author, round, ...unjudged }, position);
        return;
      }
      case 'FeedbackGiven': {
        const { trajectoryId, author, round, verdict } = event.data;
        columns.addTurn(columns.find(trajectoryId), { kind: 'feedback', eventId, author, round, verdict }, position);
        return;
      }
      case 'AnswerVerified': {
        const { trajectoryId, round, attemptId, author, answer, answerCorrect, verdict } = event.data;
        const found = { eventId, round, attemptId, author, answer, answerCorrect, verdict };
        columns.addVerification(columns.find(trajectoryId), found);
        return;
      }
      case 'TrajectoryClosed': {
        const { outcome, reason, detail } = event.data;
        const at = columns.find(event.data.trajectoryId);
        columns.setPlace(at, event.data);
        columns.close(at, { eventId, outcome, reason, detail });
        return;
      }
      case 'IterationStarted':
      case 'CollectionStarted':
      case 'EventRetracted':
      case 'LabelGiven':
        applyNote(this.notes, event);
    }
  }

  /** What the ledger says about trajectories, as the in-memory fold would. */
  view(): JudgedLedger {
    const order = this.columns.inOrder();
    const { retractions, labels, iterations, collections } = this.notes;
    return {
      trajectories: Array.from(order, (at) => new StoredTrajectory(this.columns, at)),
      problems: [...this.problems.values()].sort(compareProblems),
      retractions,
      labels,
      iterations: [...iterations.values()].sort(compareIterations),
      collections,
    };
  }

  /** Where the texts of these are, each place once. */
  positionsOf(sources: readonly TextSource[]): readonly Position[] {
    const found = new Set<Position>();
    for (const source of sources) {
      if (source instanceof StoredTurn) found.add(this.columns.turnPosition(source.at));
      else if (source instanceof StoredProblem) found.add(this.positionOf(source));
    }
    return [...found];
  }

  /** Forgets the texts that were read before, and takes those of the events read now. */
  take(sources: readonly TextSource[], events: readonly LedgerEvent[]): void {
    for (const problem of this.read) problem.read = undefined;
    this.read = [];
    const byPosition = new Map(events.map((event) => [event.position, event]));
    const eventOf = (position: Position, id: string): LedgerEvent => {
      const event = byPosition.get(position);
      if (event?.id === id) return event;
      throw new Error(`expected event ${id} at position ${position}, found ${event?.id}: the ledger has changed`);
    };
    const texts = new Map<number, Written>();
    for (const source of sources) {
      if (source instanceof StoredTurn)
        texts.set(source.at, writtenOf(eventOf(this.columns.turnPosition(source.at), source.eventId)));
      if (!(source instanceof StoredProblem)) continue;
      const event = eventOf(this.positionOf(source), source.eventId);
      if (event.type === 'ProblemPosed') source.read = event.data;
      this.read.push(source);
    }
    this.columns.setTexts(texts);
  }

  private positionOf(problem: StoredProblem): Position {
    const position = this.positions[problem.at];
    if (position === undefined) throw new Error(`no position is known of problem event ${problem.eventId}`);
    return position;
  }
}

const writtenOf = (event: LedgerEvent): Written => {
  if (!isTurn(event)) throw new Error(`${event.type} ${event.id} is no turn`);
  const { text, generationId } = event.data;
  const { step, segment } = event.type === 'FeedbackGiven' ? event.data : { step: null, segment: null };
  return { text, generationId, step, segment };
};
