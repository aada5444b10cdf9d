import * as E from 'fp-ts/Either';
import type { Author } from '../../events/codecs';
import { legalUpdate, madeProgress, parseFeedback, sameFinding } from '../tasks/feedbackText';
import type { Verdict } from '../tasks/task';
import {
  ownTurn,
  type Command,
  type EditOptions,
  type OwnTurn,
  type TrajectoryFact,
  type TrajectoryIdentity,
  type TrajectoryState,
} from './trajectoryState';
import { Turning } from './turning';

/**
 * Interactive trajectory editing (TriPosT §1.3) as a decider: who may speak next in one trajectory, what is let in, when
 * it closes and why. Pure: model calls, FBK and IMP happen outside, their results come in as commands.
 */

/** What has to happen next. */
export type Need =
  | { readonly need: 'judge'; readonly body: string }
  | { readonly need: 'improve'; readonly body: string; readonly verdict: Verdict }
  | { readonly need: 'nothing' };

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
    t.refuse(
      'feedback',
      t.identity.author,
      own.text,
      'disagrees-with-fbk',
      findingText(verdict),
      differs,
      own.generationId,
    );
    const overCorrected = verdict.verdict === 'correct' && parseFeedback(own.body).kind === 'incorrect';
    if (overCorrected && t.options.overCorrection === 'discard')
      return t.close('discarded', 'over-correction', differs);
  }
  t.feedback(
    verdict,
    own !== undefined && differs === undefined ? t.identity.author : author,
    differs === undefined ? own : undefined,
    command.generationId ?? null,
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
const admitUpdate = (
  t: Turning,
  body: string,
  author: Author,
  own: OwnTurn | undefined,
  said: string | null,
): boolean => {
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
      own?.generationId ?? said,
    );
  else t.improvement(body, author, own, said);
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
          identity.author,
          own.text,
          'unjudged',
          'an update that FBK can read',
          command.verdict.reason,
          own.generationId,
        );
      else if (own !== undefined && admitUpdate(t, own.body, identity.author, own, null))
        judgeUpdate(t, command, earlier);
    }
  } else {
    earlier = state.feedback?.verdict;
    t.refuseLeftOver('improvement');
    if (command.body === undefined) t.close('discarded', 'no-update', command.why ?? null);
    else if (!admitUpdate(t, command.body, command.author, undefined, command.generationId ?? null))
      t.close('discarded', 'illegal-update', null);
  }
  return E.right({ memory: { state: t.state, before: earlier }, facts: t.facts });
};
