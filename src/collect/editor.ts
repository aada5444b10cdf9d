import * as TE from 'fp-ts/TaskEither';
import type { CollectionStarted } from '../../events/collectionStarted';
import { unjudged } from '../tasks/feedbackText';
import type { Problem, Script, Verdict } from '../tasks/task';
import type { CallerError, TrajectoryCalls } from './caller';

/** A reply of a large model that was not let in. */
export interface RefusedText {
  readonly text: string;
  readonly generationId: string;
  readonly rule: string;
  readonly expected: string;
  readonly got: string;
}

/** What FBK or IMP says, the generation that says it (null for a script), and what it said before that was refused. */
export interface Said<T> {
  readonly value: T;
  readonly generationId: string | null;
  readonly refused: readonly RefusedText[];
}

/** An update, or why there is none. */
export type Update = { readonly body: string } | { readonly body: undefined; readonly why: string };

/** Where FBK or IMP is asked: a script needs none of it, a large model's calls are events of the trajectory. */
export interface Turn {
  readonly round: number;
  readonly pass: number;
  readonly seed: number;
  /** Whether the answer's last line is gold. */
  readonly answerCorrect: boolean;
  readonly calls: TrajectoryCalls;
}

/** FBK and IMP: a program, or a large model. */
export interface Editor extends Readonly<CollectionStarted['editor']> {
  /** How many trajectories are worth editing at once; absent: as the collection's settings say. */
  readonly atOnce?: number;
  /** FBK: the first wrong step of an answer. */
  readonly feedback: (problem: Problem, attempt: string, turn: Turn) => TE.TaskEither<CallerError, Said<Verdict>>;
  /** IMP: an updated answer that mends that step. */
  readonly improve: (
    problem: Problem,
    attempt: string,
    verdict: Verdict,
    turn: Turn,
  ) => TE.TaskEither<CallerError, Said<Update>>;
}

const bySelf = <T>(value: T): TE.TaskEither<CallerError, Said<T>> => TE.of({ value, generationId: null, refused: [] });

const updateOf = (body: string | undefined): Update =>
  body === undefined ? { body, why: 'IMP has no update for this feedback' } : { body };

/** A task's own script as FBK and IMP: no call, no cost, always the same words. */
export const scriptedEditor = (script: Script): Editor => ({
  author: 'script',
  model: null,
  prompts: null,
  feedback: (problem, attempt) => bySelf(script.feedback(problem, attempt)),
  improve: (problem, attempt, verdict) => bySelf(updateOf(script.improve(problem, attempt, verdict))),
});

/**
 * For a task without a script, where right answers are known by their answer alone (`rightAnswer: 'answer-match'`): it finds
 * no step in a wrong one, so that one is discarded.
 */
export const answersOnly: Editor = {
  author: 'script',
  model: null,
  prompts: null,
  feedback: () => bySelf(unjudged('no-script', 'the answer is wrong, and there is no script to find the step')),
  improve: () => bySelf(updateOf(undefined)),
};
