import type { AnswerVerified } from '../../events/answerVerified';
import { attemptMade } from '../../events/attemptMade';
import type { Author } from '../../events/codecs';
import { feedbackGiven } from '../../events/feedbackGiven';
import { improvementProduced } from '../../events/improvementProduced';
import type { TrajectoryClosed } from '../../events/trajectoryClosed';
import { parseFeedback } from '../tasks/feedbackText';
import type { Verdict } from '../tasks/task';
import { renderTurn, type Turn } from '../tasks/trajectoryText';
import type {
  Command,
  EditOptions,
  OwnTurn,
  TrajectoryFact,
  TrajectoryIdentity,
  TrajectoryState,
} from './trajectoryState';

/** Collects the facts of one decision and moves the state along with each. */
export class Turning {
  readonly facts: TrajectoryFact[] = [];

  constructor(
    readonly identity: TrajectoryIdentity,
    readonly options: EditOptions,
    public state: TrajectoryState,
  ) {}

  private get trajectoryId(): string {
    return this.identity.trajectoryId;
  }

  move(change: Partial<TrajectoryState>): void {
    this.state = { ...this.state, ...change };
  }

  close(outcome: TrajectoryClosed['outcome'], reason: string, detail: string | null): void {
    const { collectionId, iteration, pass, problemId, trajectoryId } = this.identity;
    const data = {
      collectionId,
      iteration,
      pass,
      problemId,
      trajectoryId,
      outcome,
      reason,
      detail,
      updates: this.state.updates,
    };
    this.facts.push({ type: 'TrajectoryClosed', data });
    this.move({ closed: true });
  }

  /** A turn that is not let in. Own turns behind it are not looked at: they build on it. */
  refuse(
    turn: Turn['kind'],
    author: Author,
    text: string,
    rule: string,
    expected: string | null,
    got: string | null,
    generationId: string | null,
  ): void {
    const { trajectoryId } = this;
    const { round } = this.state;
    this.facts.push({
      type: 'TurnRefused',
      data: { trajectoryId, round, turn, author, text, rule, expected, got, generationId },
    });
    this.move({ edited: true });
  }

  /** The unreadable rest of the student's last call, where a turn of this kind would have stood. */
  refuseLeftOver(turn: Turn['kind']): void {
    const { leftOver, used, own, edited } = this.state;
    if (edited || leftOver === null || used < own.length) return;
    this.refuse(
      turn,
      this.identity.author,
      leftOver.line,
      'unreadable',
      'a line of the trajectory format',
      leftOver.reason,
      leftOver.generationId,
    );
  }

  /** What the student wrote behind the point where the trajectory closes. */
  refuseRest(rule: string, expected: string): void {
    const rest = this.state.edited ? undefined : this.state.own[this.state.used];
    if (rest !== undefined)
      this.refuse(rest.kind, this.identity.author, rest.text, rule, expected, null, rest.generationId);
    else this.refuseLeftOver('improvement');
  }

  verified(attemptId: string, command: Extract<Command, { type: 'Judge' }>): void {
    const { verdict, answer, answerCorrect, author } = command;
    const found =
      verdict.verdict === 'incorrect'
        ? verdict
        : { step: null, segment: null, reason: verdict.verdict === 'error' ? verdict.reason : null };
    const data: AnswerVerified = {
      trajectoryId: this.trajectoryId,
      round: this.state.round,
      attemptId,
      author,
      answer,
      answerCorrect,
      verdict: verdict.verdict,
      step: found.step,
      segment: found.segment,
      reason: found.reason,
    };
    this.facts.push({ type: 'AnswerVerified', data });
  }

  attempt(turn: OwnTurn): void {
    const { generationId, start, end, text } = turn;
    const data = {
      trajectoryId: this.trajectoryId,
      round: 0,
      author: this.identity.author,
      generationId,
      start,
      end,
      text,
    };
    this.facts.push({ type: 'AttemptMade', data });
    this.move({ attempt: { eventId: attemptMade.idOf(data), body: turn.body }, used: this.state.used + 1 });
  }

  improvement(body: string, author: Author, own: OwnTurn | undefined, said: string | null): void {
    const { attempt, feedback, round, updates, used } = this.state;
    if (attempt === undefined || feedback === undefined) throw new Error('an update needs an answer and its feedback');
    const data = {
      trajectoryId: this.trajectoryId,
      round: round + 1,
      author,
      attemptId: attempt.eventId,
      feedbackId: feedback.eventId,
      text: own?.text ?? renderTurn('improvement', body, this.identity.hint),
      generationId: own?.generationId ?? said,
      start: own?.start ?? null,
      end: own?.end ?? null,
    };
    this.facts.push({ type: 'ImprovementProduced', data });
    this.move({
      attempt: { eventId: improvementProduced.idOf(data), body },
      feedback: undefined,
      round: round + 1,
      updates: updates + 1,
      used: own === undefined ? used : used + 1,
      edited: this.state.edited || own === undefined,
    });
  }

  feedback(verdict: Verdict, author: Author, own: OwnTurn | undefined, said: string | null): void {
    const { attempt, round, used } = this.state;
    if (attempt === undefined) throw new Error('feedback needs an answer');
    const parsed = own === undefined ? undefined : parseFeedback(own.body);
    const found = parsed?.kind === 'incorrect' ? parsed : verdict.verdict === 'incorrect' ? verdict : undefined;
    const data = {
      trajectoryId: this.trajectoryId,
      round,
      author,
      attemptId: attempt.eventId,
      text: own?.text ?? renderTurn('feedback', verdict.text, ''),
      verdict: verdict.verdict,
      step: found?.step ?? null,
      segment: found?.segment ?? null,
      reason: found?.reason ?? null,
      generationId: own?.generationId ?? said,
      start: own?.start ?? null,
      end: own?.end ?? null,
    };
    this.facts.push({ type: 'FeedbackGiven', data });
    this.move({
      feedback: { eventId: feedbackGiven.idOf(data), body: own?.body ?? verdict.text, verdict },
      used: own === undefined ? used : used + 1,
      edited: this.state.edited || own === undefined,
    });
  }
}
