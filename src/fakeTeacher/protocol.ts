import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import type { Draws } from '../../projections/random';
import { findTask } from '../tasks';
import type { Problem, Script } from '../tasks/task';

const header = 'tripost-ask/1 ';

const kinds = ['feedback', 'improvement', 'answer'] as const;
type Kind = (typeof kinds)[number];

const Question = t.type({ question: t.string, options: t.union([t.string, t.null]), answer: t.string }, 'Problem');
const OfAttempt = t.intersection([Question, t.type({ attempt: t.string })], 'ProblemAndAttempt');

/** Share of answers that are wrong, so that there is something to give feedback on. */
const wrongShare = 0.5;

/** The gold rationale, or one with an error in it, as the draws have it. */
export const anAnswer = (script: Script, problem: Problem, drawn: Draws): string => {
  const wrong = drawn.uniform(0) < wrongShare ? script.injections(problem) : [];
  return wrong[drawn.integer(1, Math.max(1, wrong.length))]?.attempt ?? script.gold(problem);
};

const complaint = (what: string): string => `tripost-error: ${what}`;

const reply = (kind: Kind, script: Script, value: unknown, drawn: Draws): string => {
  const read = kind === 'answer' ? Question.decode(value) : OfAttempt.decode(value);
  if (E.isLeft(read))
    return complaint(`expected {question, options, answer${kind === 'answer' ? '' : ', attempt'}} for ${kind}`);
  const { question, options, answer } = read.right;
  const problem = { question, options, answer };
  if (kind === 'answer') return anAnswer(script, problem, drawn);
  const attempt = 'attempt' in read.right && typeof read.right.attempt === 'string' ? read.right.attempt : '';
  const verdict = script.feedback(problem, attempt);
  if (kind === 'feedback') return verdict.text;
  return (
    script.improve(problem, attempt, verdict) ??
    complaint(`the attempt is ${verdict.verdict}; there is nothing to improve`)
  );
};

const isKind = (name: string): name is Kind => kinds.some((kind) => kind === name);

/**
 * A plain way to ask a task's script, for tests and for whoever wants to see how it works:
 *
 *     tripost-ask/1 feedback word-sorting
 *     {"question": "...", "options": "List: ...", "answer": "...", "attempt": "(1) ..."}
 *
 * The first line says what is asked (`feedback`, `improvement` or `answer`) of which task, the rest is JSON; `answer` needs
 * no attempt. The reply is the script's text and nothing else; `tripost-error: ...` where it cannot be asked so.
 * Undefined where the prompt is of another form.
 */
export const askedInProtocol = (prompt: string, drawn: Draws): string | undefined => {
  if (!prompt.startsWith(header)) return undefined;
  const [first = '', ...rest] = prompt.split('\n');
  const [kind = '', name = ''] = first.slice(header.length).split(' ');
  if (!isKind(kind)) return complaint(`expected one of ${kinds.join(', ')}, got ${JSON.stringify(kind)}`);
  const found = findTask(name);
  if (!found.ok) return complaint(found.message);
  const { script } = found.task;
  if (script === undefined) return complaint(`the task ${name} has no script`);
  const value = E.tryCatch(
    (): unknown => JSON.parse(rest.join('\n')),
    () => undefined,
  );
  return E.isLeft(value)
    ? complaint('what follows the first line is no JSON')
    : reply(kind, script, value.right, drawn);
};
