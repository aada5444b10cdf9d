import * as E from 'fp-ts/Either';
import type { AnswerVerified } from '../../events/answerVerified';
import type { Author } from '../../events/codecs';
import type { EventData, EventType } from '../../events/index';
import type { TrajectoryClosed } from '../../events/trajectoryClosed';
import { attemptMade } from '../../events/attemptMade';
import { feedbackGiven } from '../../events/feedbackGiven';
import { improvementProduced } from '../../events/improvementProduced';
import { legalUpdate, madeProgress, parseFeedback, sameFinding } from '../tasks/feedbackText';
import type { Verdict } from '../tasks/task';
import { renderTurn, type Turn } from '../tasks/trajectoryText';
import type { Call } from './rollout';

/**
 * Interactive trajectory editing (TriPosT §1.3) as a decider: who may speak next in one trajectory, what is let in, when
 * it closes and why. Pure: model calls, FBK and IMP happen outside, their results come in as commands.
 */

export interface EditOptions {
  /** At most so many updates, the student's own included. */
  readonly maxUpdates: number;
  /**
   * The student calls a right answer wrong. `edit` (the paper: the first wrong own feedback is replaced) puts FBK's
   * closing feedback in its place; `discard` (the code) drops the trajectory.
   */
  readonly overCorrection: 'edit' | 'discard';
  /** Whether step ids are compared as numbers, or as strings as the code does in word sorting. */
  readonly stepOrder: 'numeric' | 'text';
  /** `truncate` keeps only the first feedback of a chain in which some update did not move the error forward. */
  readonly noProgress: 'truncate' | 'keep';
}

export const paperOptions: EditOptions = {
  maxUpdates: 5,
  overCorrection: 'edit',
  stepOrder: 'numeric',
  noProgress: 'truncate',
};

export interface TrajectoryIdentity {
  readonly runId: string;
  readonly iteration: number;
  readonly pass: number;
  readonly problemId: string;
  readonly trajectoryId: string;
  /** The task's hint, which stands in the header of an update. */
  readonly hint: string;
}

/** A student's own turn, not yet let in. */
interface OwnTurn extends Turn {
  readonly generationId: string;
}

interface Standing {
  readonly eventId: string;
  readonly body: string;
}

export interface TrajectoryState {
  readonly own: readonly OwnTurn[];
  /** What the parser could not read, and in which call. */
  readonly leftOver: { readonly reason: string; readonly line: string; readonly generationId: string } | null;
  /** How many of the student's own turns have been let in or refused. */
  readonly used: number;
  /** FBK and IMP have taken over: own turns are not looked at any more. */
  readonly edited: boolean;
  /** The answer that stands, and the feedback on it when it has been given. */
  readonly attempt: Standing | undefined;
  readonly feedback: (Standing & { readonly verdict: Verdict }) | undefined;
  readonly round: number;
  readonly updates: number;
  readonly progressed: boolean;
  readonly closed: boolean;
}

/** The student's calls are over: their turns, in order, wait to be judged. */
export const startTrajectory = (
  calls: readonly { readonly call: Call; readonly generationId: string }[],
): TrajectoryState => {
  const last = calls[calls.length - 1];
  const leftOver = last?.call.parsed.leftOver;
  return {
    own: calls.flatMap(({ call, generationId }) => call.parsed.turns.map((turn) => ({ ...turn, generationId }))),
    leftOver:
      last === undefined || leftOver === null || leftOver === undefined
        ? null
        : { reason: leftOver.reason, line: leftOver.line, generationId: last.generationId },
    used: 0,
    edited: false,
    attempt: undefined,
    feedback: undefined,
    round: 0,
    updates: 0,
    progressed: true,
    closed: false,
  };
};

export type TrajectoryFact = {
  [Type in EventType]: { readonly type: Type; readonly data: EventData<Type> };
}[EventType];

export type Command =
  /** FBK's verdict on the text that `nextOf` names, and the answer that was read from it. */
  | {
      readonly type: 'Judge';
      readonly verdict: Verdict;
      readonly answer: string | null;
      readonly answerCorrect: boolean;
      readonly author: Author;
    }
  /** IMP's update of the answer that stands; undefined when it has none. */
  | { readonly type: 'Improve'; readonly body: string | undefined; readonly author: Author };

/** What has to happen next. */
export type Need =
  | { readonly need: 'judge'; readonly body: string }
  | { readonly need: 'improve'; readonly body: string; readonly verdict: Verdict }
  | { readonly need: 'nothing' };

const ownTurn = (state: TrajectoryState, kind: Turn['kind']): OwnTurn | undefined => {
  const turn = state.edited ? undefined : state.own[state.used];
  return turn?.kind === kind ? turn : undefined;
};

/** Who speaks next: FBK on a text, IMP on the answer that stands, or nobody. */
export const nextOf = (state: TrajectoryState): Need => {
  if (state.closed) return { need: 'nothing' };
  if (state.attempt === undefined) return { need: 'judge', body: ownTurn(state, 'attempt')?.body ?? '' };
  if (state.feedback === undefined) return { need: 'judge', body: state.attempt.body };
  const update = ownTurn(state, 'improvement');
  if (update !== undefined) return { need: 'judge', body: update.body };
  return { need: 'improve', body: state.attempt.body, verdict: state.feedback.verdict };
};

export interface OutOfTurn {
  readonly tag: 'OutOfTurn';
  readonly command: Command['type'];
  readonly need: Need['need'];
}

/** Collects the facts of one decision and moves the state along with each. */
class Turning {
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
    const { runId, iteration, pass, problemId, trajectoryId } = this.identity;
    const data = {
      runId,
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
      'student',
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
    if (rest !== undefined) this.refuse(rest.kind, 'student', rest.text, rule, expected, null, rest.generationId);
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
      author: 'student' as const,
      generationId,
      start,
      end,
      text,
    };
    this.facts.push({ type: 'AttemptMade', data });
    this.move({ attempt: { eventId: attemptMade.idOf(data), body: turn.body }, used: this.state.used + 1 });
  }

  improvement(body: string, author: Author, own: OwnTurn | undefined): void {
    const { attempt, feedback, round, updates, used } = this.state;
    if (attempt === undefined || feedback === undefined) throw new Error('an update needs an answer and its feedback');
    const data = {
      trajectoryId: this.trajectoryId,
      round: round + 1,
      author,
      attemptId: attempt.eventId,
      feedbackId: feedback.eventId,
      text: own?.text ?? renderTurn('improvement', body, this.identity.hint),
      generationId: own?.generationId ?? null,
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

  feedback(verdict: Verdict, author: Author, own: OwnTurn | undefined): void {
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
      generationId: own?.generationId ?? null,
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

/** Why the student's own feedback is not FBK's, or undefined where they agree (§1.3 step 4). */
const disagreement = (own: OwnTurn, verdict: Verdict): string | undefined => {
  const parsed = parseFeedback(own.body);
  if (parsed.kind === 'unreadable') return `unreadable: ${parsed.reason}`;
  if (parsed.kind === 'correct') return verdict.verdict === 'correct' ? undefined : 'all correct';
  if (verdict.verdict !== 'incorrect') return `step ${parsed.step} is wrong`;
  return sameFinding(parsed, verdict) ? undefined : `step ${parsed.step}, "${parsed.segment}"`;
};

const findingText = (verdict: Verdict): string =>
  verdict.verdict === 'incorrect' ? `step ${verdict.step}, "${verdict.segment}"` : verdict.verdict;

/** FBK has judged the answer that stands: its feedback goes in, the student's own where it says the same. */
const giveFeedback = (t: Turning, command: Extract<Command, { type: 'Judge' }>): void => {
  const { verdict, author } = command;
  const own = ownTurn(t.state, 'feedback');
  const differs = own === undefined ? undefined : disagreement(own, verdict);
  if (own === undefined) t.refuseLeftOver('feedback');
  if (own !== undefined && differs !== undefined) {
    t.refuse('feedback', 'student', own.text, 'disagrees-with-fbk', findingText(verdict), differs, own.generationId);
    const overCorrected = verdict.verdict === 'correct' && parseFeedback(own.body).kind === 'incorrect';
    if (overCorrected && t.options.overCorrection === 'discard')
      return t.close('discarded', 'over-correction', differs);
  }
  t.feedback(
    verdict,
    own !== undefined && differs === undefined ? 'student' : author,
    differs === undefined ? own : undefined,
  );
  if (verdict.verdict !== 'correct') {
    if (t.state.updates < t.options.maxUpdates) return;
    t.refuseRest('max-updates', `at most ${t.options.maxUpdates} updates`);
    return t.close('discarded', 'max-updates', `still ${findingText(verdict)}`);
  }
  t.refuseRest('after-closing', 'nothing behind the closing feedback');
  const reason = t.state.updates === 0 ? 'right-first-time' : 'improved';
  if (t.state.progressed || t.options.noProgress === 'keep') t.close('solved', reason, null);
  else t.close('feedback-only', 'no-progress', 'an update did not move the error forward');
};

const judgeFirst = (t: Turning, command: Extract<Command, { type: 'Judge' }>): void => {
  const own = ownTurn(t.state, 'attempt');
  if (own === undefined) {
    t.refuseLeftOver('attempt');
    return t.close('discarded', 'unreadable-attempt', t.state.leftOver?.reason ?? 'there is no attempt');
  }
  t.attempt(own);
  if (t.state.attempt !== undefined) t.verified(t.state.attempt.eventId, command);
  if (command.verdict.verdict === 'error')
    return t.close('discarded', 'unjudged', `${command.verdict.errorClass}: ${command.verdict.reason}`);
  giveFeedback(t, command);
};

/** Whether an update may stand in for the answer, and the facts of it. */
const admitUpdate = (t: Turning, body: string, author: Author, own: OwnTurn | undefined): boolean => {
  const { attempt, feedback } = t.state;
  if (attempt === undefined || feedback === undefined) throw new Error('an update needs an answer and its feedback');
  const legal = legalUpdate(attempt.body, feedback.verdict, body);
  if (!legal.legal)
    t.refuse(
      'improvement',
      author,
      own?.text ?? body,
      'illegal-update',
      'a legal update',
      legal.reason,
      own?.generationId ?? null,
    );
  else t.improvement(body, author, own);
  return legal.legal;
};

const judgeUpdate = (t: Turning, command: Extract<Command, { type: 'Judge' }>, before: Verdict | undefined): void => {
  const { verdict } = command;
  const { attempt } = t.state;
  if (attempt === undefined) throw new Error('an update stands before it is judged');
  t.verified(attempt.eventId, command);
  if (verdict.verdict === 'error') return t.close('discarded', 'unjudged', `${verdict.errorClass}: ${verdict.reason}`);
  if (before?.verdict === 'incorrect' && !madeProgress(before, verdict, { order: t.options.stepOrder }))
    t.move({ progressed: false });
  giveFeedback(t, command);
};

/** The verdict that the standing answer's predecessor got, for the progress test; kept beside the state by the caller. */
export interface Memory {
  readonly state: TrajectoryState;
  readonly before: Verdict | undefined;
}

/** One decision: the facts it adds, and the state after them. Refuses a command that is not the one needed. */
export const decide = (
  identity: TrajectoryIdentity,
  options: EditOptions,
  { state, before }: Memory,
  command: Command,
): E.Either<OutOfTurn, { readonly memory: Memory; readonly facts: readonly TrajectoryFact[] }> => {
  const { need } = nextOf(state);
  if ((need === 'judge') !== (command.type === 'Judge') || need === 'nothing')
    return E.left({ tag: 'OutOfTurn', command: command.type, need });
  const t = new Turning(identity, options, state);
  let earlier = before;
  if (command.type === 'Judge') {
    if (state.attempt === undefined) judgeFirst(t, command);
    else if (state.feedback === undefined) judgeUpdate(t, command, before);
    else {
      const own = ownTurn(state, 'improvement');
      earlier = state.feedback.verdict;
      if (own !== undefined && command.verdict.verdict === 'error')
        t.refuse(
          'improvement',
          'student',
          own.text,
          'unjudged',
          'an update that FBK can read',
          command.verdict.reason,
          own.generationId,
        );
      else if (own !== undefined && admitUpdate(t, own.body, 'student', own)) judgeUpdate(t, command, earlier);
    }
  } else {
    earlier = state.feedback?.verdict;
    t.refuseLeftOver('improvement');
    if (command.body === undefined) t.close('discarded', 'no-update', 'IMP has no update for this feedback');
    else if (!admitUpdate(t, command.body, command.author, undefined)) t.close('discarded', 'illegal-update', null);
  }
  return E.right({ memory: { state: t.state, before: earlier }, facts: t.facts });
};
