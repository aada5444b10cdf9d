import { multistepArithmetic } from '../../src/tasks/multistepArithmetic/multistepArithmetic';
import type { Problem, Verdict } from '../../src/tasks/task';

const { script } = multistepArithmetic;
if (!script) throw new Error('multistep arithmetic has a script');

const problem: Problem = { question: '((2 + 3 * 4) - (5 - 8)) =', options: null, answer: '17' };

const goldLines = [
  '(1) This equation can be written as "(A - B)", where A = (2 + 3 * 4) and B = (5 - 8).',
  "(2) Let's calculate A = (2 + 3 * 4) = (2 + (3 * 4)) = (2 + 12) = 14.",
  "(3) Let's calculate B = (5 - 8) = -3.",
  '(4) Then, the final equation is (A - B) = (14 - -3) = 17.',
  '(Final response) So the answer is 17.',
];
const gold = goldLines.join('\n');

/** The gold lines with some replaced; null drops a line. */
const withLines = (changes: Readonly<Record<number, string | null>>): string =>
  goldLines.flatMap((line, i) => changes[i + 1] ?? (changes[i + 1] === null ? [] : [line])).join('\n');

const judge = (attempt: string, of: Problem = problem): Verdict => script.feedback(of, attempt);

test('the gold rationale is written in the dataset format', () => {
  expect(script.gold(problem)).toBe(gold);
});

test('identical leaves have a letter each', () => {
  const twins = { question: '((1 + 2) * (1 + 2)) =', options: null, answer: '9' };
  expect(script.gold(twins).split('\n')[0]).toBe(
    '(1) This equation can be written as "(A * B)", where A = (1 + 2) and B = (1 + 2).',
  );
  expect(judge(script.gold(twins), twins).verdict).toBe('correct');
});

test.each([
  [[2], 2, 4],
  [[2, 2], 4, 6],
  [[2, 2, 2], 8, 10],
])('depth %j has %i leaves and %i steps', (depth, leaves, steps) => {
  const posed = script.generate({ seen: [{ depth, length: 3 }] }, 1, 'seen', 0);
  expect(posed.question.match(/\([^()]*\)/g)).toHaveLength(leaves);
  expect(script.gold(posed).split('\n')).toHaveLength(steps + 1);
});

test('M1: all correct, N = 4', () => {
  expect(judge(gold)).toEqual({
    verdict: 'correct',
    text: 'Step (1) to (4) are correct, and the final response is also correct.',
  });
});

test('M2: a wrong value in the middle of a chain', () => {
  const attempt = withLines({ 2: "(2) Let's calculate A = (2 + 3 * 4) = (2 + (3 * 4)) = (2 + 14) = 16." });
  expect(judge(attempt)).toEqual({
    verdict: 'incorrect',
    step: '2',
    segment: '(2 + (3 * 4)) = (2 + 14)',
    reason: '"(2 + (3 * 4))" is not equal to "(2 + 14)"',
    errorClass: 'unequal-neighbours',
    text:
      'Step (1) is correct. In step (2) the part "(2 + (3 * 4)) = (2 + 14)" is incorrect. ' +
      'This is because "(2 + (3 * 4))" is not equal to "(2 + 14)".',
  });
});

test('M4: a wrong order of operations', () => {
  const attempt = withLines({ 2: "(2) Let's calculate A = (2 + 3 * 4) = ((2 + 3) * 4) = (5 * 4) = 20." });
  expect(judge(attempt)).toMatchObject({
    step: '2',
    segment: '(2 + 3 * 4) = ((2 + 3) * 4)',
    errorClass: 'unequal-neighbours',
    reason: '"((2 + 3) * 4)" changes the order of operations of "(2 + 3 * 4)"',
  });
});

test('M6: a wrong rewriting is the first error, and later ones are not reported', () => {
  const line = 'This equation can be written as "(A - B)", where A = (2 + 3 * 4) and B = (8 - 5).';
  const verdict = judge(withLines({ 1: `(1) ${line}`, 5: '(Final response) So the answer is 18.' }));
  expect(verdict).toMatchObject({ step: '1', segment: line, errorClass: 'not-the-question' });
  expect(verdict.text).toMatch(/^In step \(1\)/);
});

test('M8: a wrong sign', () => {
  const verdict = judge(withLines({ 3: "(3) Let's calculate B = (5 - 8) = 3." }));
  expect(verdict).toMatchObject({ step: '3', segment: '(5 - 8) = 3', errorClass: 'unequal-neighbours' });
  expect(verdict.text).toMatch(/^Step \(1\) to \(2\) are correct\. In step \(3\)/);
});

test('M10: a wrong result of the final equation', () => {
  const verdict = judge(withLines({ 4: '(4) Then, the final equation is (A - B) = (14 - -3) = 11.' }));
  expect(verdict).toMatchObject({ step: '4', segment: '(14 - -3) = 11', errorClass: 'unequal-neighbours' });
});

test('M12: a name that was never calculated', () => {
  const verdict = judge(withLines({ 3: null }));
  expect(verdict).toMatchObject({ step: '4', segment: '(A - B) = (14 - -3)', errorClass: 'not-calculated' });
  expect(verdict.text).toContain('B was never calculated');
  expect(script.improve(problem, withLines({ 3: null }), verdict)).toBe(gold);
});

test.each([
  ['no final line', withLines({ 5: null }), 'no-final-response'],
  ['a free-text line', withLines({ 3: 'B is minus three.' }), 'unknown-line'],
  ['a step of no known form', withLines({ 3: '(3) B is minus three.' }), 'unknown-line'],
  ['a nested id', withLines({ 3: "(2.1) Let's calculate B = (5 - 8) = -3." }), 'nested-step'],
  ['a final response without period', withLines({ 5: '(Final response) So the answer is 17' }), 'unreadable-answer'],
  ['an empty text', '', 'unknown-line'],
])('M16: %s cannot be judged', (_, attempt, errorClass) => {
  expect(judge(attempt)).toMatchObject({ verdict: 'error', errorClass, text: expect.stringMatching(/^\[ERROR\] /) });
});

test('M16: an answer that is not the value cannot be judged', () => {
  expect(judge(gold, { ...problem, answer: '16' })).toMatchObject({ verdict: 'error', errorClass: 'target-mismatch' });
});

test('a leaf rewritten as another expression of equal value is refused', () => {
  const attempt = withLines({
    1: '(1) This equation can be written as "(A - B)", where A = (3 * 4 + 2) and B = (5 - 8).',
    2: "(2) Let's calculate A = (3 * 4 + 2) = 14.",
  });
  expect(judge(attempt)).toMatchObject({ step: '1', errorClass: 'not-the-same-expression' });
});

test('other brackets around the same tree, a short cut by value and another naming are accepted', () => {
  const attempt = [
    '(1) This equation can be written as "(B - A)", where B = (2 + (3 * 4)) and A = 5 - 8.',
    "(2) Let's calculate A = -3.",
    "(3) Let's calculate B = (2 + 12) = 14.",
    '(4) Then, the final equation is (B - A) = 17.',
    '(Final response) So the answer is 17.',
  ].join('\n');
  expect(judge(attempt).verdict).toBe('correct');
});

test('an update goes on with the definitions and numbering of the prefix', () => {
  const attempt = [
    '(1) This equation can be written as "(Y - X)", where Y = (2 + 3 * 4) and X = (5 - 8).',
    "(3) Let's calculate X = (5 - 8) = -3.",
    "(7) Let's calculate Y = (2 + 3 * 4) = 20.",
    '(Final response) So the answer is 23.',
  ].join('\n');
  const verdict = judge(attempt);
  expect(script.improve(problem, attempt, verdict)).toBe(
    [
      '(1) This equation can be written as "(Y - X)", where Y = (2 + 3 * 4) and X = (5 - 8).',
      "(3) Let's calculate X = (5 - 8) = -3.",
      "(4) Let's calculate Y = (2 + 3 * 4) = (2 + (3 * 4)) = (2 + 12) = 14.",
      '(5) Then, the final equation is (Y - X) = (14 - -3) = 17.',
      '(Final response) So the answer is 17.',
    ].join('\n'),
  );
});

test('an update is refused where the verdict names no step of the attempt', () => {
  const verdict = judge(withLines({ 4: '(4) Then, the final equation is (A - B) = (14 - -3) = 11.' }));
  expect(script.improve(problem, goldLines[0] ?? '', verdict)).toBeUndefined();
  expect(script.improve(problem, gold, judge(gold))).toBeUndefined();
});

test('a truncated bracket is named with enough of its line to be seen', () => {
  const verdict = judge(withLines({ 2: "(2) Let's calculate A = (2 + 3 * 4) = (2 + (3 * 4) = (2 + 12) = 14." }));
  expect(verdict).toMatchObject({
    step: '2',
    errorClass: 'unbalanced-brackets',
    segment: '(2 + 3 * 4) = (2 + (3 * 4) = (2 + 12)',
  });
});

test.each([
  ['(Final response) So the answer is -7.', '-7'],
  ['(Final response) So the answer is: 007.0.', '7'],
  ['(Final response) So the answer is -0.', '0'],
  ['(Final response) So the answer is about 7.', undefined],
  ['(4) Then, the final equation is 7.', undefined],
  ['', undefined],
])('the answer of %j is %s', (attempt, answer) => {
  expect(multistepArithmetic.answerOf(attempt)).toBe(answer);
});

test('answers are compared as numbers', () => {
  expect(multistepArithmetic.isCorrect(problem, '17')).toBe(true);
  expect(multistepArithmetic.isCorrect(problem, '17.0')).toBe(true);
  expect(multistepArithmetic.isCorrect(problem, '-17')).toBe(false);
  expect(multistepArithmetic.isCorrect(problem, '')).toBe(false);
});

const leaf = (length: number): string => `(${Array.from({ length }, (_, i) => i).join(' + ')})`;

test.each([
  [`((${leaf(4)} - ${leaf(4)}) * (${leaf(4)} - ${leaf(4)})) =`, '4-[2,2]', true],
  [`(${leaf(5)} * ${leaf(5)}) =`, '5-[2]', false],
  [`(${leaf(3)} * ${leaf(3)}) =`, '3-[2]', true],
  [`(${leaf(3)} * ${leaf(4)}) =`, 'other', false],
  ['no expression', 'other', false],
])('%s is in cell %s', (question, name, seen) => {
  expect(multistepArithmetic.cellOf({ question, options: null, answer: '0' })).toEqual({ name, seen });
});

test('the paper grid has 4 seen and 8 unseen cells, drawn in turn', () => {
  const names = (cells: 'seen' | 'unseen'): Set<string> =>
    new Set(Array.from({ length: 40 }, (_, i) => script.generate({}, 5, cells, i).cell.name));
  expect([...names('seen')].sort()).toEqual(['3-[2,2]', '3-[2]', '4-[2,2]', '4-[2]']);
  expect(names('unseen').size).toBe(8);
});

test('operands and operators are those configured', () => {
  const config = { operands: { from: 0, to: 1 }, operators: ['+'], seen: [{ depth: [2], length: 1 }] };
  for (let i = 0; i < 20; i++) {
    expect(script.generate(config, 3, 'seen', i).question).toMatch(/^\(\([01]\) \+ \([01]\)\) =$/);
  }
});

test.each([
  [{ operands: { from: 3, to: 1 } }, 'operands.to must be an integer from 3 to 1000000'],
  [{ operators: ['/'] }, 'operators[0] must be "+", "-" or "*"'],
  [{ seen: [] }, 'seen must be a list with at least one item'],
  [{ unseen: [{ depth: [2, 20], length: 3 }] }, 'unseen[0].depth gives more than 26 leaves, one for each letter'],
  [{ depth: [2] }, 'the configuration has no field "depth"; its fields are operands, operators, seen, unseen'],
  [7, 'the configuration must be an object'],
])('configuration %j is refused', (config, message) => {
  expect(script.configure(config)).toEqual({ ok: false, message: `multistep-arithmetic: ${message}` });
});

test('a configured configuration configures to itself', () => {
  const first = script.configure({ seen: [{ depth: [2], length: 2 }] });
  if (!first.ok) throw new Error(first.message);
  expect(script.configure(first.config)).toEqual(first);
});

test('operands whose products are never exact are refused when drawn', () => {
  const config = { operands: { from: 900000, to: 1000000 }, operators: ['*'], seen: [{ depth: [2], length: 3 }] };
  expect(() => script.generate(config, 1, 'seen', 0)).toThrow('no safe integer value in 1000 draws of cell 3-[2]');
});
