import * as TE from 'fp-ts/TaskEither';
import type { CollectionStarted } from '../../events/collectionStarted';
import type { ModelError } from '../ports/languageModel';
import { unjudged } from '../tasks/feedbackText';
import type { Problem, Script, Verdict } from '../tasks/task';

/** FBK and IMP: a program, or a large model. */
export interface Editor extends Readonly<CollectionStarted['editor']> {
  /** FBK: the first wrong step of an answer. */
  readonly feedback: (problem: Problem, attempt: string) => TE.TaskEither<ModelError, Verdict>;
  /** IMP: an updated answer that mends that step; undefined where it has none. */
  readonly improve: (
    problem: Problem,
    attempt: string,
    verdict: Verdict,
  ) => TE.TaskEither<ModelError, string | undefined>;
}

/** A task's own script as FBK and IMP: no call, no cost, always the same words. */
export const scriptedEditor = (script: Script): Editor => ({
  author: 'script',
  model: null,
  prompts: null,
  feedback: (problem, attempt) => TE.of(script.feedback(problem, attempt)),
  improve: (problem, attempt, verdict) => TE.of(script.improve(problem, attempt, verdict)),
});

/**
 * For a task without a script, where right answers are known by their answer alone (`rightAnswer: 'answer-match'`): it finds
 * no step in a wrong one, so that one is discarded.
 */
export const answersOnly: Editor = {
  author: 'script',
  model: null,
  prompts: null,
  feedback: () => TE.of(unjudged('no-script', 'the answer is wrong, and there is no script to find the step')),
  improve: () => TE.of(undefined),
};
