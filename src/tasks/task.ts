import type { Json } from '../../events/digest';

/** What a student is asked. `answer` is the canonical text of the right answer. */
export interface Problem {
  readonly question: string;
  /** The lines between `Q:` and `Answer:` (options, word list), or null. */
  readonly options: string | null;
  readonly answer: string;
}

/** A cell of the task's difficulty grid, for example `3-[2,2]` or `4 words`. */
export interface Cell {
  readonly name: string;
  /** Whether the paper's grid (or the configured one) trains on this cell. */
  readonly seen: boolean;
}

/** FBK's finding on one attempt. `text` is one line in the feedback grammar, without its `Feedback: ` header. */
export type Verdict =
  | { readonly verdict: 'correct'; readonly text: string }
  | {
      readonly verdict: 'incorrect';
      /** `2`, `3.4`, or `Final response`. */
      readonly step: string;
      readonly segment: string;
      readonly reason: string;
      /** A stable code of the error class, for example `unequal-neighbours`. */
      readonly errorClass: string;
      readonly text: string;
    }
  /** The verifier cannot judge this text: it is not in the task's format. */
  | { readonly verdict: 'error'; readonly reason: string; readonly errorClass: string; readonly text: string };

export interface GeneratedProblem extends Problem {
  readonly cell: Cell;
}

/** A gold rationale with one error, of a class, that feedback must find at a step. */
export interface Injection {
  readonly errorClass: string;
  readonly step: string;
  readonly attempt: string;
}

/** What makes a task run with no large model: problems, gold rationales, FBK and IMP as programs. */
export interface Script {
  /** Checks a difficulty configuration and fills in defaults; a sentence naming the field where it is wrong. */
  readonly configure: (
    config: Json,
  ) => { readonly ok: true; readonly config: Json } | { readonly ok: false; readonly message: string };
  /**
   * The index-th problem of a seeded set. `cells`: which half of the grid to draw from. The same (config, seed, cells,
   * index) gives the same problem. Distinctness within and across splits is the caller's (src/tasks/pose.ts).
   */
  readonly generate: (config: Json, seed: number, cells: 'seen' | 'unseen', index: number) => GeneratedProblem;
  /**
   * What no two problems of a set, and so no two splits, may share (a paragraph, whatever is asked about it); absent: the
   * question with its options.
   */
  readonly identityOf?: (problem: Problem) => string;
  /** Whether there is a gold rationale for a problem; absent: always. */
  readonly hasGold?: (problem: Problem) => boolean;
  /** The gold rationale: lines of steps and the final response, joined by newlines, no header. */
  readonly gold: (problem: Problem) => string;
  /** FBK: the first wrong step of an attempt, judged against the question (and its answer). */
  readonly feedback: (problem: Problem, attempt: string) => Verdict;
  /**
   * IMP: the lines before the failed step copied verbatim, then the reference solver's continuation from that step on.
   * Refuses a verdict that names no step of the attempt.
   */
  readonly improve: (problem: Problem, attempt: string, verdict: Verdict) => string | undefined;
  /** One attempt per error class with that error injected in the gold rationale, for the task laws. */
  readonly injections: (problem: Problem) => readonly Injection[];
}

/** A task as a registered value; test/tasks/laws.test.ts checks the laws for every one. */
export interface Task {
  readonly name: string;
  /** What follows `Answer: Let's think step by step.`, with its leading space, or empty. */
  readonly hint: string;
  /** The answer that an attempt's last line gives, in the canonical text, or undefined. */
  readonly answerOf: (attempt: string) => string | undefined;
  /** Whether a given answer is the problem's. */
  readonly isCorrect: (problem: Problem, answer: string) => boolean;
  /** The difficulty cell of a problem under the paper's grid. */
  readonly cellOf: (problem: Problem) => Cell;
  /** Absent for a task whose feedback needs a large model. */
  readonly script?: Script;
}
