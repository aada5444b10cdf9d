import { importBigBench, type BigBenchRead } from '../../src/tasks/importBigBench';
import { findTask } from '../../src/tasks/index';
import type { Task } from '../../src/tasks/task';

const taskOf = (name: string): Task => {
  const found = findTask(name);
  if (!found.ok) throw new Error(found.message);
  return found.task;
};
const read = (name: string, examples: unknown, more: object = {}): BigBenchRead =>
  importBigBench(JSON.stringify({ name, examples, ...more }), taskOf(name));
const problems = (result: BigBenchRead) => {
  if (!result.ok) throw new Error(result.messages.join('; '));
  return result.problems;
};
const messages = (result: BigBenchRead): readonly string[] => (result.ok ? [] : result.messages);

describe('word-sorting', () => {
  const sorted = {
    question: 'Sort the following words alphabetically:',
    options: 'List: pear fig apple',
    answer: 'apple fig pear',
  };

  it.each([
    ['a bare list', { input: 'pear fig apple', target: 'apple fig pear' }, {}],
    ['a target in a list', { input: 'pear fig apple', target: ['apple fig pear'] }, {}],
    [
      'with the prefix of the task',
      { input: 'pear fig apple', target: 'apple fig pear' },
      { task_prefix: 'Sort the following words alphabetically:' },
    ],
    [
      'BIG-Bench Hard',
      { input: 'Sort the following words alphabetically: List: pear fig apple', target: 'apple fig pear' },
      {},
    ],
  ])('%s', (_, example, more) => {
    expect(problems(read('word-sorting', [example], more))).toMatchObject([
      { problem: sorted, cell: { name: '3 words' }, example: 1 },
    ]);
  });

  it('is judged by the task as a posed problem is', () => {
    const [first] = problems(read('word-sorting', [{ input: 'pear fig apple', target: 'apple fig pear' }]));
    const { script } = taskOf('word-sorting');
    if (first === undefined || script === undefined) throw new Error('one problem, and a script');
    expect(script.feedback(first.problem, script.gold(first.problem)).verdict).toBe('correct');
  });

  it('refuses a target of other words', () => {
    const result = read('word-sorting', [
      { input: 'a b', target: 'a b' },
      { input: 'a b', target: 'a c' },
    ]);
    expect(messages(result)).toEqual(['example 2: target has other words than input']);
  });
});

describe('multistep-arithmetic', () => {
  it('reads BIG-Bench Hard', () => {
    const input = '((-1 + 2 + 9 * 5) - (-2 + -4 + -4 * -7)) =';
    const [first] = problems(read('multistep-arithmetic', [{ input, target: '24' }]));
    expect(first).toMatchObject({ problem: { question: input, options: null, answer: '24' } });
    const { script } = taskOf('multistep-arithmetic');
    if (first === undefined || script === undefined) throw new Error('one problem, and a script');
    expect(taskOf('multistep-arithmetic').answerOf(script.gold(first.problem))).toBe('24');
  });

  it.each([
    [{ input: 'one + one', target: '2' }, 'example 1: input is no arithmetic expression'],
    [{ input: '1 + 1', target: 'two' }, 'example 1: target is no whole number'],
  ])('%j', (example, message) => {
    expect(messages(read('multistep-arithmetic', [example]))).toEqual([message]);
  });
});

describe('the choice tasks', () => {
  const date = 'Yesterday was April 30, 2021. What is the date today in MM/DD/YYYY?';

  it('read target_scores, choices in the order of the file', () => {
    const scores = { '05/01/2021': 1, '02/23/2021': 0, '03/11/2021': 0 };
    expect(problems(read('date-understanding', [{ input: date, target_scores: scores }]))).toMatchObject([
      {
        problem: { question: date, options: 'Options:\n(A) 05/01/2021\n(B) 02/23/2021\n(C) 03/11/2021', answer: 'A' },
      },
    ]);
  });

  it('read BIG-Bench Hard', () => {
    const input = `${date}\nOptions:\n(A) 02/23/2021\n(B) 05/01/2021`;
    expect(problems(read('date-understanding', [{ input, target: '(B)' }]))).toMatchObject([
      { problem: { question: date, options: 'Options:\n(A) 02/23/2021\n(B) 05/01/2021', answer: 'B' } },
    ]);
  });

  it('put the prefix of the task in front, once', () => {
    const prefix = 'The following paragraphs each describe a set of three objects.';
    const target_scores = { 'The red book is leftmost.': 0, 'The blue book is leftmost.': 1, 'The green one is.': 0 };
    const examples = [
      { input: 'On a shelf, there are three books.', target_scores },
      { input: `${prefix} On a branch, there are three birds.`, target_scores },
    ];
    const found = problems(read('logical-deduction', examples, { task_prefix: `${prefix}\n` }));
    expect(found.map(({ problem }) => problem.question)).toEqual([
      `${prefix} On a shelf, there are three books.`,
      `${prefix} On a branch, there are three birds.`,
    ]);
    expect(found.map(({ problem, cell }) => [problem.answer, cell.name])).toEqual([
      ['B', '3 objects'],
      ['B', '3 objects'],
    ]);
  });

  it.each([
    [{ input: 'x', target_scores: { a: 1, b: 1 } }, 'target_scores has 2 choices with score 1, expected one'],
    [{ input: 'x', target_scores: { a: 0 } }, 'target_scores has 0 choices with score 1, expected one'],
    [{ input: 'x', target_scores: [1] }, 'target_scores is no object'],
    [
      { input: 'x', target_scores: { 2: 1, 1: 0 } },
      'target_scores has whole numbers as choices: JSON keeps no order of them',
    ],
    [{ input: 'x', target: '(A)' }, 'there are neither target_scores nor "Options:" in input'],
    [{ input: 'x\nOptions:\n(A) y', target: 'A' }, 'target is no letter such as (A)'],
    [{ input: 'x\nOptions:\n(A) y', target: '(B)' }, 'there is no choice (B)'],
    [{ target_scores: {} }, 'input is missing or no text'],
    ['x', 'input is missing or no text'],
  ])('refuse %j', (example, message) => {
    expect(messages(read('date-understanding', [example]))).toEqual([`example 1: ${message}`]);
  });
});

describe('a file that is none', () => {
  it.each([
    ['{\n"examples": [\n{]', 'line 3: it is no JSON'],
    ['{\n"examples": [', 'line 2: it is no JSON'],
    ['[]', 'line 1: expected an object with a list of examples'],
    ['{"examples": {}}', 'line 1: expected an object with a list of examples'],
  ])('%j', (text, message) => {
    expect(messages(importBigBench(text, taskOf('word-sorting')))).toEqual([message]);
  });
});
