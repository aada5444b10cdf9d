import type { Author } from '../../events/codecs';
import type { EventData, EventType } from '../../events/index';
import type { Verdict } from '../tasks/task';
import type { Turn } from '../tasks/trajectoryText';
import type { Call } from './rollout';

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
  readonly collectionId: string;
  readonly iteration: number;
  readonly pass: number;
  readonly problemId: string;
  readonly trajectoryId: string;
  /** Who answers: the student, or a large model that shows how. */
  readonly author: Author;
  /** The task's hint, which stands in the header of an update. */
  readonly hint: string;
}

/** A student's own turn, not yet let in. */
export interface OwnTurn extends Turn {
  readonly generationId: string;
}

export interface Standing {
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
      /** The generation that said so; absent or null for a script. */
      readonly generationId?: string | null;
    }
  /** IMP's update of the answer that stands; undefined when it has none, and then `why`. */
  | {
      readonly type: 'Improve';
      readonly body: string | undefined;
      readonly why?: string;
      readonly author: Author;
      readonly generationId?: string | null;
    };

/** The student's next own turn, if it is of this kind and still looked at. */
export const ownTurn = (state: TrajectoryState, kind: Turn['kind']): OwnTurn | undefined => {
  const turn = state.edited ? undefined : state.own[state.used];
  return turn?.kind === kind ? turn : undefined;
};
