import { modelName, type Author, type ModelRef } from '../../events/codecs';
import type { Position } from '../../events/envelope';
import { positionOf } from '../../events/envelope';
import { byText } from '../projection';
import type { Call, Closing, JudgedTrajectory, Place, Turn } from '../trajectory';
import { ByteColumn, Column, FloatColumn, Interned } from './columns';
import { IdColumn, IdIndex } from './ids';
import type { Written } from './storedTrajectory';

const kinds = ['attempt', 'feedback', 'improvement'] as const satisfies readonly Turn['kind'][];
const authors = ['student', 'teacher', 'script'] as const satisfies readonly Author[];
const verdicts = [null, 'correct', 'incorrect', 'error'] as const satisfies readonly Turn['verdict'][];
const outcomes = ['solved', 'feedback-only', 'discarded'] as const satisfies readonly Closing['outcome'][];

const pick = <T>(values: readonly T[], at: number): T => {
  const value = values[at];
  if (value === undefined) throw new RangeError(`no value has the code ${at}`);
  return value;
};

/** A model as the text under which it is kept. */
const modelOf = (text: string): ModelRef => {
  const [kind = ''] = text.split(' ', 1);
  const rest = text.slice(kind.length + 1);
  return kind === 'endpoint' ? { kind, name: rest } : { kind: 'checkpoint', digest: rest };
};

/** Positions of the log by index: four bytes each where they are small numbers, as a file's are. */
class PositionColumn {
  private readonly numbers = new Column();
  private readonly others = new Map<number, Position>();

  set(i: number, position: Position): void {
    const n = Number(position);
    if (Number.isInteger(n) && n >= 0 && n < 2 ** 32 && String(n) === position) this.numbers.set(i, n);
    else this.others.set(i, position);
  }

  get(i: number): Position {
    return this.others.get(i) ?? positionOf(this.numbers.get(i));
  }
}

/** Lists of items of each trajectory, in the order in which they were added: four bytes an item. */
class Lists {
  private readonly first = new Column();
  private readonly last = new Column();
  private readonly following = new Column();

  /** Adds an item, by its index, to a trajectory's list. */
  add(trajectory: number, item: number): void {
    const before = this.last.get(trajectory);
    if (before === 0) this.first.set(trajectory, item + 1);
    else this.following.set(before - 1, item + 1);
    this.last.set(trajectory, item + 1);
  }

  of(trajectory: number): number[] {
    const items: number[] = [];
    for (let next = this.first.get(trajectory); next !== 0; next = this.following.get(next - 1)) items.push(next - 1);
    return items;
  }
}

/** Trajectories in columns of numbers: what rules look at beside texts, about 80 bytes a trajectory and 35 a turn. */
export class TrajectoryColumns {
  readonly ids = new IdColumn();
  readonly turnIds = new IdColumn();
  readonly turnRounds = new Column();
  size = 0;

  private readonly index = new IdIndex(this.ids);
  private readonly collections = new Interned();
  private readonly problems = new Interned();
  private readonly reasons = new Interned();
  private readonly answers = new Interned();
  private readonly models = new Interned();

  /** 1 + the number of the collection; 0: no event has named the place. */
  private readonly collection = new Column();
  private readonly iteration = new Column();
  private readonly pass = new Column();
  private readonly problem = new Column();

  /** 1 + the outcome's code; 0: open. */
  private readonly outcome = new ByteColumn();
  private readonly reason = new Column();
  /** 1 + the number of the text; 0: null. */
  private readonly detail = new Column();
  private readonly closingIds = new IdColumn();

  private readonly turns = new Lists();
  private readonly turnPositions = new PositionColumn();
  /** Kind, author and verdict, two bits each. */
  private readonly turnCodes = new ByteColumn();
  private turnCount = 0;

  private readonly verifications = new Lists();
  private readonly verificationIds = new IdColumn();
  private readonly verificationRounds = new Column();
  /** The turn that is judged; of one that was not there before it, the id as it is. */
  private readonly verificationAttempts = new Column();
  private readonly otherAttempts = new Map<number, string>();
  private readonly verificationAnswers = new Column();
  /** Author and verdict, two bits each, and whether the answer is right. */
  private readonly verificationCodes = new ByteColumn();
  private verificationCount = 0;

  private readonly calls = new Lists();
  private readonly callIds = new IdColumn();
  private readonly callNumbers = new Column();
  private readonly callAuthors = new ByteColumn();
  private readonly callModels = new Column();
  private readonly callMeans = new FloatColumn();
  private callCount = 0;

  /** What was read of turns, between two readings. */
  private texts = new Map<number, Written>();

  find(trajectoryId: string): number {
    const { index, isNew } = this.index.find(trajectoryId);
    if (isNew) this.size += 1;
    return index;
  }

  setPlace(at: number, { collectionId, iteration, pass, problemId }: Place): void {
    if (this.collection.get(at) !== 0) return;
    this.collection.set(at, 1 + this.collections.numberOf(collectionId));
    this.iteration.set(at, iteration);
    this.pass.set(at, pass);
    this.problem.set(at, this.problems.numberOf(problemId));
  }

  placeOf(at: number): Place | null {
    const collection = this.collection.get(at);
    if (collection === 0) return null;
    return {
      collectionId: this.collections.text(collection - 1),
      iteration: this.iteration.get(at),
      pass: this.pass.get(at),
      problemId: this.problems.text(this.problem.get(at)),
    };
  }

  addTurn(trajectory: number, turn: Omit<Turn, keyof Written>, position: Position): void {
    const at = this.turnCount;
    this.turnCount += 1;
    this.turnIds.set(at, turn.eventId);
    this.turnRounds.set(at, turn.round);
    this.turnPositions.set(at, position);
    const code = kinds.indexOf(turn.kind) | (authors.indexOf(turn.author) << 2) | (verdicts.indexOf(turn.verdict) << 4);
    this.turnCodes.set(at, code);
    this.turns.add(trajectory, at);
  }

  turnsOf(trajectory: number): number[] {
    return this.turns.of(trajectory);
  }

  turnKind(turn: number): Turn['kind'] {
    return pick(kinds, this.turnCodes.get(turn) & 3);
  }

  turnAuthor(turn: number): Author {
    return pick(authors, (this.turnCodes.get(turn) >> 2) & 3);
  }

  turnVerdict(turn: number): Turn['verdict'] {
    return pick(verdicts, (this.turnCodes.get(turn) >> 4) & 3);
  }

  turnPosition(turn: number): Position {
    return this.turnPositions.get(turn);
  }

  /** Forgets what was read before and keeps this, by turn. */
  setTexts(texts: Map<number, Written>): void {
    this.texts = texts;
  }

  written(turn: number): Written {
    const written = this.texts.get(turn);
    if (written === undefined) throw new Error(`the text of event ${this.turnIds.get(turn)} was not read`);
    return written;
  }

  addVerification(trajectory: number, found: JudgedTrajectory['verifications'][number]): void {
    const at = this.verificationCount;
    this.verificationCount += 1;
    const { eventId, round, attemptId, author, answer, answerCorrect, verdict } = found;
    this.verificationIds.set(at, eventId);
    const attempt = this.turnsOf(trajectory).find((turn) => this.turnIds.get(turn) === attemptId);
    if (attempt === undefined) this.otherAttempts.set(at, attemptId);
    else this.verificationAttempts.set(at, attempt);
    this.verificationRounds.set(at, round);
    this.verificationAnswers.set(at, answer === null ? 0 : 1 + this.answers.numberOf(answer));
    const code = authors.indexOf(author) | (verdicts.indexOf(verdict) << 2) | (answerCorrect ? 16 : 0);
    this.verificationCodes.set(at, code);
    this.verifications.add(trajectory, at);
  }

  verificationsOf(trajectory: number): JudgedTrajectory['verifications'] {
    return this.verifications.of(trajectory).map((at) => {
      const code = this.verificationCodes.get(at);
      const answer = this.verificationAnswers.get(at);
      const verdict = pick(verdicts, (code >> 2) & 3);
      return {
        eventId: this.verificationIds.get(at),
        round: this.verificationRounds.get(at),
        attemptId: this.otherAttempts.get(at) ?? this.turnIds.get(this.verificationAttempts.get(at)),
        author: pick(authors, code & 3),
        answer: answer === 0 ? null : this.answers.text(answer - 1),
        answerCorrect: (code & 16) !== 0,
        verdict: verdict ?? 'error',
      };
    });
  }

  addCall(trajectory: number, { eventId, call, author, model, meanLogprob }: Call): void {
    const at = this.callCount;
    this.callCount += 1;
    this.callIds.set(at, eventId);
    this.callNumbers.set(at, call);
    this.callAuthors.set(at, authors.indexOf(author));
    this.callModels.set(at, this.models.numberOf(`${model.kind} ${modelName(model)}`));
    this.callMeans.set(at, meanLogprob ?? Number.NaN);
    this.calls.add(trajectory, at);
  }

  callsOf(trajectory: number): readonly Call[] {
    return this.calls.of(trajectory).map((at): Call => {
      const mean = this.callMeans.get(at);
      return {
        eventId: this.callIds.get(at),
        call: this.callNumbers.get(at),
        author: pick(authors, this.callAuthors.get(at)),
        model: modelOf(this.models.text(this.callModels.get(at))),
        meanLogprob: Number.isNaN(mean) ? null : mean,
      };
    });
  }

  close(at: number, { eventId, outcome, reason, detail }: Closing): void {
    this.outcome.set(at, 1 + outcomes.indexOf(outcome));
    this.reason.set(at, this.reasons.numberOf(reason));
    this.detail.set(at, detail === null ? 0 : 1 + this.reasons.numberOf(detail));
    this.closingIds.set(at, eventId);
  }

  closingOf(at: number): Closing | null {
    const outcome = this.outcome.get(at);
    if (outcome === 0) return null;
    const detail = this.detail.get(at);
    return {
      eventId: this.closingIds.get(at),
      outcome: pick(outcomes, outcome - 1),
      reason: this.reasons.text(this.reason.get(at)),
      detail: detail === 0 ? null : this.reasons.text(detail - 1),
    };
  }

  /** All trajectories in canonical order: by iteration, collection, pass, problem, id; those without a place last. */
  inOrder(): Uint32Array {
    const collections = this.collections.ranks(byText);
    const problems = this.problems.ranks(byText);
    const { collection, iteration, pass, problem, ids } = this;
    const rank = (ranks: Uint32Array, number: number): number => ranks[number] ?? 0;
    return Uint32Array.from({ length: this.size }, (_, i) => i).sort((a, b) => {
      const [p, q] = [collection.get(a), collection.get(b)];
      if (p === 0 || q === 0) return Number(p === 0) - Number(q === 0) || byText(ids.get(a), ids.get(b));
      return (
        iteration.get(a) - iteration.get(b) ||
        rank(collections, p - 1) - rank(collections, q - 1) ||
        pass.get(a) - pass.get(b) ||
        rank(problems, problem.get(a)) - rank(problems, problem.get(b)) ||
        byText(ids.get(a), ids.get(b))
      );
    });
  }
}
