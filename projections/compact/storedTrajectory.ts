import type { Author } from '../../events/codecs';
import type { ProblemPosed } from '../../events/problemPosed';
import { turnOrder } from '../trajectories';
import {
  goldOf,
  type Closing,
  type Gold,
  type JudgedTrajectory,
  type Place,
  type PosedProblem,
  type Turn,
} from '../trajectory';
import type { TrajectoryColumns } from './trajectoryColumns';

/** What comes with a turn's text. */
export type Written = Pick<Turn, 'text' | 'step' | 'segment' | 'generationId'>;

/** A turn in columns; what was written is there between two readings only. */
export class StoredTurn implements Turn {
  constructor(
    private readonly columns: TrajectoryColumns,
    readonly at: number,
  ) {}

  get kind(): Turn['kind'] {
    return this.columns.turnKind(this.at);
  }

  get eventId(): string {
    return this.columns.turnIds.get(this.at);
  }

  get author(): Author {
    return this.columns.turnAuthor(this.at);
  }

  get round(): number {
    return this.columns.turnRounds.get(this.at);
  }

  get verdict(): Turn['verdict'] {
    return this.columns.turnVerdict(this.at);
  }

  get text(): string {
    return this.columns.written(this.at).text;
  }

  get step(): string | null {
    return this.columns.written(this.at).step;
  }

  get segment(): string | null {
    return this.columns.written(this.at).segment;
  }

  get generationId(): string | null {
    return this.columns.written(this.at).generationId;
  }
}

/** A trajectory in columns. Its objects are made when they are asked for. */
export class StoredTrajectory implements JudgedTrajectory {
  constructor(
    private readonly columns: TrajectoryColumns,
    private readonly at: number,
  ) {}

  get trajectoryId(): string {
    return this.columns.ids.get(this.at);
  }

  get place(): Place | null {
    return this.columns.placeOf(this.at);
  }

  get turns(): readonly Turn[] {
    const turns = this.columns.turnsOf(this.at).map((turn) => new StoredTurn(this.columns, turn));
    return turns.length < 2 ? turns : turns.sort((a, b) => turnOrder(a) - turnOrder(b));
  }

  get verifications(): JudgedTrajectory['verifications'] {
    return [...this.columns.verificationsOf(this.at)].sort((a, b) => a.round - b.round);
  }

  get calls(): JudgedTrajectory['calls'] {
    return this.columns.callsOf(this.at);
  }

  get closing(): Closing | null {
    return this.columns.closingOf(this.at);
  }
}

type AtHand = Pick<ProblemPosed, 'problemId' | 'set' | 'task' | 'split' | 'cell' | 'seen'>;

/** A posed problem of which only names are kept; its texts are there between two readings only. */
export class StoredProblem implements PosedProblem {
  readonly gold: Gold;
  readonly problem: ProblemPosed;
  /** All of it, between two readings. */
  read: ProblemPosed | undefined;

  constructor(
    readonly eventId: string,
    data: ProblemPosed,
    /** Where it stands in the log. */
    readonly at: number,
  ) {
    this.gold = goldOf(data);
    const { problemId, set, task, split, cell, seen } = data;
    this.problem = new ProblemNames({ problemId, set, task, split, cell, seen }, () => this.whole());
  }

  private whole(): ProblemPosed {
    if (this.read === undefined) throw new Error(`the texts of problem event ${this.eventId} were not read`);
    return this.read;
  }
}

class ProblemNames implements ProblemPosed {
  readonly problemId: string;
  readonly set: string;
  readonly task: string;
  readonly split: ProblemPosed['split'];
  readonly cell: string;
  readonly seen: boolean;

  constructor(
    { problemId, set, task, split, cell, seen }: AtHand,
    private readonly whole: () => ProblemPosed,
  ) {
    this.problemId = problemId;
    this.set = set;
    this.task = task;
    this.split = split;
    this.cell = cell;
    this.seen = seen;
  }

  get question(): string {
    return this.whole().question;
  }

  get options(): string | null {
    return this.whole().options;
  }

  get prompt(): string {
    return this.whole().prompt;
  }

  get answer(): string {
    return this.whole().answer;
  }

  get rationale(): string | null {
    return this.whole().rationale;
  }

  get closingFeedback(): string | null {
    return this.whole().closingFeedback;
  }

  get source(): ProblemPosed['source'] {
    return this.whole().source;
  }
}
