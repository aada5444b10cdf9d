import * as TE from 'fp-ts/TaskEither';
import type { CollectionStarted } from '../../events/collectionStarted';
import type { ModelError } from '../ports/languageModel';
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
