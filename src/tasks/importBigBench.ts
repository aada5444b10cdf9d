import { isMapping } from '../../events/digest';
import type { Cell, Problem, Task } from './task';

/** A problem of a BIG-bench file; `example` is its number in `examples`, from 1. */
export interface BigBenchProblem {
  readonly problem: Problem;
  readonly cell: Cell;
  readonly example: number;
}

export type BigBenchRead =
  | { readonly ok: true; readonly problems: readonly BigBenchProblem[] }
  /** One sentence for each thing that is wrong: the line of a file that is no JSON, or the example and its field. */
  | { readonly ok: false; readonly messages: readonly string[] };

type Fields = Readonly<Record<string, unknown>>;
type Answered = { readonly problem: Problem } | string;

/** Where V8 says that JSON ends to be JSON: its messages name an offset, or the end of the text. */
const lineOf = (text: string, message: string): number => {
  const at = /at position (\d+)/.exec(message)?.[1];
  return text.slice(0, at === undefined ? undefined : Number(at)).split('\n').length;
};

/** The one text that is right: `target`, alone or in a list of one. */
const targetOf = ({ target }: Fields): string | undefined => {
  const only: unknown = Array.isArray(target) && target.length === 1 ? target[0] : target;
  return typeof only === 'string' && only.trim() !== '' ? only.trim() : undefined;
};

const sorted = (words: readonly string[]): string => [...words].sort().join(' ');

const wordSorting = (input: string, example: Fields): Answered => {
  const target = targetOf(example);
  if (target === undefined) return 'target is no text, nor a list of one';
  const list = input.replace(/^Sort the following words alphabetically:\s*/i, '').replace(/^List:\s*/, '');
  const words = list.split(/\s+/).filter((word) => word !== '');
  const answer = target.split(/\s+/);
  if (sorted(words) !== sorted(answer)) return 'target has other words than input';
  const question = 'Sort the following words alphabetically:';
  return { problem: { question, options: `List: ${words.join(' ')}`, answer: answer.join(' ') } };
};

const multistepArithmetic = (input: string, example: Fields): Answered => {
  const target = targetOf(example);
  if (target === undefined || !/^-?\d+$/.test(target)) return 'target is no whole number';
  const question = input.replace(/\s*=?$/, ' =');
  if (!/^[-+*() \d]+=$/.test(question)) return 'input is no arithmetic expression';
  return { problem: { question, options: null, answer: String(Number(target)) } };
};

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** BIG-bench has the choices and their scores; BIG-Bench Hard has them in the input, and a letter as target. */
const choice = (input: string, example: Fields): Answered => {
  const { target_scores: scores } = example;
  if (scores === undefined) {
    const [question = '', choices, ...more] = input.split(/\nOptions:\n/);
    if (choices === undefined || more.length > 0) return 'there are neither target_scores nor "Options:" in input';
    const answer = /^\(([A-Z])\)$/.exec(targetOf(example) ?? '')?.[1];
    if (answer === undefined) return 'target is no letter such as (A)';
    if (!choices.split('\n').some((line) => line.startsWith(`(${answer}) `))) return `there is no choice (${answer})`;
    return { problem: { question: question.trim(), options: `Options:\n${choices.trim()}`, answer } };
  }
  if (!isMapping(scores)) return 'target_scores is no object';
  const names = Object.keys(scores);
  if (names.length > letters.length) return `target_scores has more than ${letters.length} choices`;
  if (names.some((name) => /^\d+$/.test(name)))
    return 'target_scores has whole numbers as choices: JSON keeps no order of them';
  const right = names.filter((name) => scores[name] === 1);
  const [only] = right;
  if (only === undefined || right.length > 1)
    return `target_scores has ${right.length} choices with score 1, expected one`;
  const options = names.map((name, i) => `(${letters[i]}) ${name}`).join('\n');
  return { problem: { question: input, options: `Options:\n${options}`, answer: letters[names.indexOf(only)] ?? '' } };
};

const readers: Readonly<Record<string, (input: string, example: Fields) => Answered>> = {
  'word-sorting': wordSorting,
  'multistep-arithmetic': multistepArithmetic,
  'date-understanding': choice,
  'logical-deduction': choice,
};

/** The example's input behind the task's prefix, where it has one that the input does not say itself. */
const inputOf = (example: Fields, prefix: unknown): string | undefined => {
  const { input } = example;
  if (typeof input !== 'string' || input.trim() === '') return undefined;
  const before = typeof prefix === 'string' ? prefix.trim() : '';
  return before === '' || input.trim().startsWith(before) ? input.trim() : `${before} ${input.trim()}`;
};

/**
 * Reads a BIG-bench `task.json` (https://github.com/google/BIG-bench/blob/main/docs/doc.md: `task_prefix`, `examples` with
 * `input` and `target` or `target_scores`) or a BIG-Bench Hard file, whose choices stand in the input. There are no
 * rationales in either. Choices keep the order of the file.
 */
export const importBigBench = (text: string, task: Task): BigBenchRead => {
  const no = (...messages: readonly string[]): BigBenchRead => ({ ok: false, messages });
  const reader = readers[task.name];
  if (reader === undefined) return no(`${task.name} has no BIG-bench form`);
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (failure) {
    const message = failure instanceof Error ? failure.message : '';
    return no(`line ${lineOf(text, message)}: it is no JSON`);
  }
  if (!isMapping(file) || !Array.isArray(file['examples']))
    return no('line 1: expected an object with a list of examples');
  const problems: BigBenchProblem[] = [];
  const bad: string[] = [];
  for (const [i, example] of Array.from<unknown>(file['examples']).entries()) {
    const input = isMapping(example) ? inputOf(example, file['task_prefix']) : undefined;
    const read = isMapping(example) && input !== undefined ? reader(input, example) : 'input is missing or no text';
    if (typeof read === 'string') bad.push(`example ${i + 1}: ${read}`);
    else problems.push({ problem: read.problem, cell: task.cellOf(read.problem), example: i + 1 });
  }
  return bad.length > 0 ? no(...bad) : { ok: true, problems };
};
