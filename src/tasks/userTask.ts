import { draws } from '../../projections/random';
import { answerText, finalResponse, splitAttempt } from './attemptText';
import { choiceOf } from './choices';
import { configured, fieldsOf } from './configFields';
import { DrawQueue } from './drawQueue';
import { incorrect, renderCorrect, unjudged } from './feedbackText';
import type { Cell, GeneratedProblem, Problem, Task, Verdict } from './task';

/** A problem of a user's file. */
export interface UserProblem extends Problem {
  readonly rationale: string | null;
  readonly cell: Cell;
}

/** How an answer is read and compared: words, a number, or an option's letter. */
export type AnswerKind = 'text' | 'number' | 'choice';

export interface UserTask {
  readonly name: string;
  readonly hint: string;
  readonly answer: AnswerKind;
  readonly problems: readonly UserProblem[];
  /** Of every file of the task: what a run of it is a run of. */
  readonly digest: string;
}

/** What a verifier says of an attempt. */
export type Judgement =
  | { readonly verdict: 'correct' }
  | {
      readonly verdict: 'incorrect';
      readonly step: string;
      readonly segment: string;
      readonly reason: string;
      readonly errorClass: string;
    }
  | { readonly verdict: 'error'; readonly reason: string; readonly errorClass: string };

/** A user's FBK and IMP. Both answer at once; where they cannot, they throw what ends the command. */
export interface Verifier {
  readonly feedback: (problem: Problem, attempt: string) => Judgement;
  readonly improve: (
    problem: Problem,
    attempt: string,
    found: Judgement & { readonly verdict: 'incorrect' },
  ) => string | undefined;
}

const keyOf = ({ question, options }: Problem): string => JSON.stringify([question, options]);

const readNumber = (text: string): number | undefined =>
  /^-?\d+(?:\.\d+)?$/.test(text.replaceAll(',', '')) ? Number(text.replaceAll(',', '')) : undefined;

const readAnswer = (kind: AnswerKind, attempt: string): string | undefined => {
  if (kind === 'choice') return choiceOf(attempt);
  const text = answerText(attempt)?.trim() ?? '';
  if (text === '') return undefined;
  if (kind === 'text') return text.split(/\s+/).join(' ');
  const number = readNumber(text);
  return number === undefined ? undefined : String(number + 0);
};

const isSame = (kind: AnswerKind, given: string, right: string): boolean =>
  kind === 'number' ? readNumber(given) === readNumber(right) : given === right.split(/\s+/).join(' ');

/** A verdict in the training grammar; one about a step that the attempt does not have is no verdict. */
const verdictOf = (judgement: Judgement, attempt: string): Verdict => {
  const split = splitAttempt(attempt);
  if (!split.ok) return unjudged(split.errorClass, split.reason);
  if (judgement.verdict === 'error') return unjudged(judgement.errorClass, judgement.reason);
  const ids = split.steps.map(({ id }) => id);
  if (judgement.verdict === 'correct') return { verdict: 'correct', text: renderCorrect(ids) };
  const at = judgement.step === finalResponse ? ids.length : ids.indexOf(judgement.step);
  return at < 0
    ? unjudged('unknown-step', `the verifier names step (${judgement.step}), which the attempt does not have`)
    : incorrect(ids.slice(0, at), judgement);
};

/** A task of a user's own: the problems are the file's, FBK and IMP the verifier's. */
export const userTask = (given: UserTask, verifier: Verifier): Task => {
  const { name, hint, answer, problems, digest } = given;
  const known = new Map(problems.map((problem) => [keyOf(problem), problem]));
  const orders = new Map<string, readonly UserProblem[]>();
  /** The problems of one half in an order of their own for each seed. */
  const orderOf = (seed: number, cells: 'seen' | 'unseen'): readonly UserProblem[] => {
    const key = `${seed} ${cells}`;
    const order =
      orders.get(key) ??
      new DrawQueue(draws(['user-task', digest, seed, cells])).shuffle(
        problems.filter(({ cell }) => cell.seen === (cells === 'seen')),
      );
    orders.set(key, order);
    return order;
  };
  return {
    name,
    hint,
    answerOf: (attempt) => readAnswer(answer, attempt),
    isCorrect: (problem, text) => isSame(answer, text, problem.answer),
    cellOf: (problem) => known.get(keyOf(problem))?.cell ?? { name: 'other', seen: false },
    script: {
      configure: (config) =>
        configured(name, () => {
          fieldsOf(config, 'the configuration', ['digest']);
          return { digest };
        }),
      generate: (_config, seed, cells, index): GeneratedProblem => {
        const order = orderOf(seed, cells);
        const found = order[index % Math.max(1, order.length)];
        if (!found) throw new Error(`${name}: problems.jsonl has no ${cells} problems`);
        const { question, options, answer: right, cell } = found;
        return { question, options, answer: right, cell };
      },
      hasGold: (problem) => typeof known.get(keyOf(problem))?.rationale === 'string',
      gold: (problem) => {
        const rationale = known.get(keyOf(problem))?.rationale;
        if (typeof rationale !== 'string') throw new Error(`${name}: no rationale for "${problem.question}"`);
        return rationale;
      },
      feedback: (problem, attempt) => {
        const split = splitAttempt(attempt);
        if (!split.ok) return unjudged(split.errorClass, split.reason);
        return verdictOf(verifier.feedback(problem, attempt), attempt);
      },
      improve: (problem, attempt, verdict) =>
        verdict.verdict === 'incorrect' ? verifier.improve(problem, attempt, verdict) : undefined,
      injections: () => [],
    },
  };
};
