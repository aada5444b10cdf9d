import type { Json } from '../../events/digest';
import { draws } from '../../projections/random';
import { answerText, finalResponse, readAttemptLine, splitAttempt } from './attemptText';
import { ConfigError, configured, fieldsOf, integerAt, listAt, rangeAt } from './configFields';
import { DrawQueue } from './drawQueue';
import { incorrect, narrowestSegment, renderCorrect, unjudged } from './feedbackText';
import { improving } from './improving';
import type { Cell, GeneratedProblem, Injection, Problem, Task, Verdict } from './task';

// Functions over short lists of numbers, one after another: the whole of a task in one file, as an example of how one
// is added. `Start with 3 8 1. First, drop the first number. Then, add 2 to each number. What is the list?`

type List = readonly number[];

/** A function by the words for it. `#` in the words is its number. */
interface Operation {
  readonly words: string;
  /** What its number is drawn from; absent where it has none. */
  readonly range?: readonly [number, number];
  readonly apply: (list: List, n: number) => List;
}

const operations: readonly Operation[] = [
  { words: 'drop the first number', apply: (list) => list.slice(1) },
  { words: 'drop the last number', apply: (list) => list.slice(0, -1) },
  { words: 'reverse the list', apply: (list) => [...list].reverse() },
  { words: 'sort the list from low to high', apply: (list) => [...list].sort((a, b) => a - b) },
  { words: 'add # to each number', range: [1, 9], apply: (list, n) => list.map((item) => item + n) },
  { words: 'multiply each number by #', range: [2, 3], apply: (list, n) => list.map((item) => item * n) },
  { words: 'put # at the end', range: [0, 20], apply: (list, n) => [...list, n] },
  { words: 'keep the numbers above #', range: [0, 10], apply: (list, n) => list.filter((item) => item > n) },
];

const wordsWith = ({ words }: Operation, n: number): string => words.replace('#', String(n));
const written = (list: List): string => (list.length === 0 ? 'empty' : list.join(' '));
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
const isSame = (a: List, b: List): boolean => written(a) === written(b);

const readList = (text: string): List | undefined => {
  if (text === 'empty') return [];
  return /^-?\d{1,9}(?: -?\d{1,9})*$/.test(text) ? text.split(' ').map(Number) : undefined;
};

/** A function of the question: its words and what they do. */
interface Applied {
  readonly words: string;
  readonly apply: (list: List) => List;
}

const readOperation = (words: string): Applied | undefined => {
  for (const operation of operations) {
    const [before = '', after] = operation.words.split('#');
    const number = after === undefined ? '0' : words.slice(before.length, words.length - after.length);
    if (/^\d{1,4}$/.test(number) && wordsWith(operation, Number(number)) === words) {
      return { words, apply: (list) => operation.apply(list, Number(number)) };
    }
  }
  return undefined;
};

interface Question {
  readonly start: List;
  readonly functions: readonly Applied[];
  /** The list after each function. */
  readonly lists: readonly List[];
}

const readQuestion = (question: string): Question | undefined => {
  const [, list = '', body = ''] = /^Start with ([^.]+)\. (.+) What is the list\?$/.exec(question) ?? [];
  const start = readList(list);
  const functions = body
    .replace(/\.$/, '')
    .split('. ')
    .map((sentence) => {
      return readOperation(sentence.replace(/^(?:First|Then), /, ''));
    });
  if (!start || functions.length === 0) return undefined;
  const known = functions.flatMap((each) => (each ? [each] : []));
  if (known.length < functions.length) return undefined;
  const lists: List[] = [];
  for (const { apply } of known) lists.push(apply(lists.at(-1) ?? start));
  return { start, functions: known, lists };
};

const stepText = ({ functions, lists }: Question, at: number): string =>
  `${capital(functions[at]?.words ?? '')}: ${written(lists[at] ?? [])}.`;
const finalText = ({ lists }: Question): string => `So the answer is ${written(lists.at(-1) ?? [])}.`;

interface Config {
  /** Numbers in the list to start with. */
  readonly length: { readonly from: number; readonly to: number };
  /** Functions per problem, one cell each. */
  readonly seen: readonly number[];
  readonly unseen: readonly number[];
}

const standard: Config = { length: { from: 3, to: 5 }, seen: [1, 2, 3], unseen: [4, 5] };

const readConfig = (config: Json): Config => {
  const fields = fieldsOf(config, 'the configuration', ['length', 'seen', 'unseen']);
  const counts = (field: 'seen' | 'unseen'): readonly number[] =>
    fields[field] === undefined
      ? standard[field]
      : listAt(fields[field], field).map((count, i) => integerAt(count, `${field}[${i}]`, 1, 20));
  const length = fields['length'] === undefined ? standard.length : rangeAt(fields['length'], 'length', 2, 20);
  const read = { length, seen: counts('seen'), unseen: counts('unseen') };
  const shared = read.seen.find((count) => read.unseen.includes(count));
  if (shared !== undefined) throw new ConfigError(`${shared} functions cannot be both seen and unseen`);
  return read;
};

const cellOfCount = (count: number, seen: boolean): Cell => ({
  name: `${count} ${count === 1 ? 'function' : 'functions'}`,
  seen,
});

const generate = (config: Json, seed: number, cells: 'seen' | 'unseen', index: number): GeneratedProblem => {
  const read = readConfig(config);
  const count = read[cells][index % read[cells].length] ?? 1;
  const queue = new DrawQueue(draws(['list-functions', seed, cells, index]));
  let list: List = Array.from({ length: queue.between(read.length.from, read.length.to) }, () => queue.integer(16));
  const start = written(list);
  const sentences: string[] = [];
  let last: Operation | undefined;
  while (sentences.length < count) {
    const operation = queue.pick(operations.filter((each) => each !== last));
    const n = queue.between(...(operation.range ?? [0, 0]));
    const next = operation.apply(list, n);
    // A function that changes nothing, or leaves next to nothing to go on with, teaches nothing.
    if (isSame(next, list) || next.length < 2) continue;
    sentences.push(`${sentences.length === 0 ? 'First' : 'Then'}, ${wordsWith(operation, n)}.`);
    [list, last] = [next, operation];
  }
  return {
    question: `Start with ${start}. ${sentences.join(' ')} What is the list?`,
    options: null,
    answer: written(list),
    cell: cellOfCount(count, cells === 'seen'),
  };
};

const stepPhrase = /^([^:]+): ([^:]+)\.$/;

/** FBK: step i must be function i, applied to the list before it. Never throws. */
const feedback = (problem: Problem, attempt: string): Verdict => {
  const question = readQuestion(problem.question);
  if (!question) return unjudged('unreadable-question', 'the question is no list and functions');
  const { functions, lists } = question;
  const right = written(lists.at(-1) ?? []);
  if (right !== problem.answer) return unjudged('target-mismatch', `the answer is ${problem.answer}, not ${right}`);
  const split = splitAttempt(attempt);
  if (!split.ok) return unjudged(split.errorClass, split.reason);
  const nested = split.steps.find((step) => step.id.includes('.'));
  if (nested) return unjudged('nested-step', `step (${nested.id}) is nested`);
  const read = split.steps.map(({ text }) => {
    const [, words = '', stated = ''] = stepPhrase.exec(text) ?? [];
    const [operation, list] = [readOperation(words.slice(0, 1).toLowerCase() + words.slice(1)), readList(stated)];
    return operation && list ? { operation, list, stated } : undefined;
  });
  const unchecked = split.steps[read.indexOf(undefined)];
  if (unchecked) return unjudged('unchecked-line', `step (${unchecked.id}) is no function and list`);
  const stated = /^So the answer is (.+)\.$/.exec(split.final.text)?.[1];
  const given = stated === undefined ? undefined : readList(stated);
  if (stated === undefined || !given) return unjudged('unreadable-answer', 'the final response gives no list');

  const ids = split.steps.map(({ id }) => id);
  const report = (at: number, step: string, errorClass: string, reason: string, ...segments: string[]): Verdict => {
    const due =
      at < functions.length ? `(${at + 1}) ${stepText(question, at)}` : `(${finalResponse}) ${finalText(question)}`;
    return incorrect(ids.slice(0, at), { step, segment: narrowestSegment(segments, due), reason, errorClass });
  };
  for (const [at, step] of read.entries()) {
    const [line, due, list] = [split.steps[at], functions[at], lists[at]];
    if (!step || !line) continue;
    if (!due) return report(at, line.id, 'too-many-steps', 'there is no further function', line.text);
    if (step.operation.words !== due.words) {
      return report(
        at,
        line.id,
        'wrong-function',
        `the next function is to ${due.words}`,
        step.operation.words,
        line.text,
      );
    }
    if (!list || !isSame(step.list, list)) {
      const before = written(lists[at - 1] ?? question.start);
      const reason = `${before} becomes ${written(list ?? [])}`;
      return report(at, line.id, 'wrong-list', reason, step.stated, `: ${step.stated}`, line.text);
    }
  }
  if (read.length < functions.length) {
    const reason = `to ${functions[read.length]?.words ?? ''} was left out`;
    return report(read.length, finalResponse, 'unfinished', reason, split.final.text);
  }
  return isSame(given, lists.at(-1) ?? [])
    ? { verdict: 'correct', text: renderCorrect(ids) }
    : report(read.length, finalResponse, 'wrong-answer', `the last list is ${right}`, stated, split.final.text);
};

const continueFrom = (problem: Problem, prefix: readonly string[]): string | undefined => {
  const question = readQuestion(problem.question);
  if (!question) return undefined;
  const last = Number(readAttemptLine(prefix.at(-1) ?? '')?.id ?? 0);
  const due = question.functions.map((_, at) => stepText(question, at)).slice(prefix.length);
  const steps = due.map((text, i) => `(${last + 1 + i}) ${text}`);
  return [...prefix, ...steps, `(${finalResponse}) ${finalText(question)}`].join('\n');
};

const gold = (problem: Problem): string => {
  const text = continueFrom(problem, []);
  if (text === undefined) throw new Error(`list-functions: cannot work out "${problem.question}"`);
  return text;
};

const injections = (problem: Problem): readonly Injection[] => {
  const lines = gold(problem).split('\n');
  const final = lines.at(-1) ?? '';
  const steps = lines.slice(0, -1);
  const count = steps.length;
  const change = (line: string): string => line.replace(/: .*\.$/, (stated) => `${stated.slice(0, -1)} 999.`);
  const of = (errorClass: string, step: string, changed: readonly string[]): Injection => ({
    errorClass,
    step,
    attempt: changed.join('\n'),
  });
  return [
    of('wrong-list', String(count), [...steps.slice(0, -1), change(steps.at(-1) ?? ''), final]),
    of('wrong-function', '1', [`(1) Put 9999 at the end: 1.`, ...lines.slice(1)]),
    of('unfinished', finalResponse, [...steps.slice(0, -1), final]),
    of('too-many-steps', String(count + 1), [...steps, `(${count + 1}) Reverse the list: 1 2.`, final]),
    of('wrong-answer', finalResponse, [...steps, final.replace(/ is .*\.$/, ' is 999.')]),
  ];
};

/** List functions: what a list of numbers is after a few functions, said in words. */
export const listFunctions: Task = {
  name: 'list-functions',
  hint: '',
  answerOf: (attempt) => {
    const list = readList(answerText(attempt) ?? '');
    return list && written(list);
  },
  isCorrect: (problem, answer) => answer === problem.answer,
  cellOf: (problem) => {
    const count = readQuestion(problem.question)?.functions.length;
    return count === undefined ? { name: 'other', seen: false } : cellOfCount(count, standard.seen.includes(count));
  },
  script: {
    configure: (config) => configured('list-functions', () => JSON.parse(JSON.stringify(readConfig(config)))),
    generate,
    gold,
    feedback,
    improve: improving(continueFrom),
    injections,
  },
};
