import type { TypeOf } from 'io-ts';
import type { Author, ModelRef, VerdictKind } from '../events/codecs';
import type { Json } from '../events/digest';
import type { ProblemPosed } from '../events/problemPosed';
import type { Outcome } from '../events/trajectoryClosed';

/** One text that stands in a trajectory. The verdict fields are a feedback's; null on attempts and improvements. */
export interface Turn {
  readonly kind: 'attempt' | 'feedback' | 'improvement';
  readonly eventId: string;
  readonly author: Author;
  /** Exact training text: prompt + text + text + … is what a model is trained on. */
  readonly text: string;
  readonly round: number;
  readonly verdict: VerdictKind | null;
  readonly step: string | null;
  readonly segment: string | null;
  readonly generationId: string | null;
}

/** What FBK found in the attempt of one round. */
export interface Verification {
  readonly eventId: string;
  readonly round: number;
  readonly attemptId: string;
  readonly author: Author;
  readonly answer: string | null;
  readonly answerCorrect: boolean;
  readonly verdict: VerdictKind;
  readonly step: string | null;
  readonly segment: string | null;
}

/** A turn that was not let in, and the rule that kept it out. */
export interface RefusedTurn {
  readonly eventId: string;
  readonly round: number;
  readonly turn: Turn['kind'];
  readonly author: Author;
  readonly rule: string;
  readonly expected: string | null;
  readonly got: string | null;
}

/** One model call of a trajectory, without its texts. */
export interface Call {
  readonly eventId: string;
  readonly call: number;
  readonly author: Author;
  readonly model: ModelRef;
  /** Mean log-probability of its tokens, in nats; null where the model gave none. */
  readonly meanLogprob: number | null;
}

export interface Place {
  readonly collectionId: string;
  readonly iteration: number;
  readonly pass: number;
  readonly problemId: string;
}

export interface Closing {
  readonly eventId: string;
  readonly outcome: TypeOf<typeof Outcome>;
  readonly reason: string;
  readonly detail: string | null;
}

/** Everything known about one trajectory. `place` is null until an event names it, `closing` until it is closed. */
export interface Trajectory {
  readonly trajectoryId: string;
  readonly place: Place | null;
  readonly turns: readonly Turn[];
  readonly verifications: readonly Verification[];
  readonly refused: readonly RefusedTurn[];
  readonly calls: readonly Call[];
  readonly failedCalls: number;
  readonly closing: Closing | null;
}

export interface PosedProblem {
  readonly eventId: string;
  readonly problem: ProblemPosed;
  readonly gold: Gold;
}

/** Which gold texts a problem has, and who wrote them; null: unknown hand. */
export interface Gold {
  readonly rationale: boolean;
  readonly closing: boolean;
  readonly author: Author | null;
}

export const goldOf = ({ rationale, closingFeedback, source }: ProblemPosed): Gold => ({
  rationale: rationale !== null,
  closing: closingFeedback !== null,
  author: source.kind === 'generated' ? 'script' : null,
});

export interface Retraction {
  readonly eventId: string;
  readonly noteId: string;
  readonly reason: string;
  readonly by: string;
}

export interface Label {
  readonly label: string;
  readonly by: string;
  readonly value: Json;
  readonly noteId: string;
}

export interface StartedIteration {
  readonly runId: string;
  readonly iteration: number;
  readonly problemSet: string;
  readonly student: ModelRef;
  /** Where its trajectories are; null: it collects none. */
  readonly collectionId: string | null;
}

/** What the ledger says about trajectories, in an order that does not depend on how streams were interleaved. */
export interface Trajectories {
  /** By iteration, collection, pass, problem, id. */
  readonly trajectories: readonly Trajectory[];
  /** By set, problem id. */
  readonly problems: readonly PosedProblem[];
  /** By the retracted event's id. */
  readonly retractions: ReadonlyMap<string, Retraction>;
  /** By the labelled event's id; one label per (name, author), the newest. */
  readonly labels: ReadonlyMap<string, readonly Label[]>;
  readonly iterations: readonly StartedIteration[];
  /** The problem set that a collection answers, by collection. */
  readonly collections: ReadonlyMap<string, string>;
}

/** What rules may look at of a trajectory. Of its turns, text, step, segment and generation come with the text. */
export interface JudgedTrajectory extends Pick<Trajectory, 'trajectoryId' | 'place' | 'turns' | 'closing' | 'calls'> {
  readonly verifications: readonly Omit<Verification, 'step' | 'segment'>[];
}

/** What rules may look at of a ledger; `Trajectories` is one, a compact one (compact/trajectoryStore.ts) another. */
export interface JudgedLedger extends Omit<Trajectories, 'trajectories'> {
  readonly trajectories: readonly JudgedTrajectory[];
}

/** What a text is read from: a turn of a trajectory, or a posed problem. */
export type TextSource = Turn | PosedProblem;
