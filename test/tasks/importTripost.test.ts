import { dateUnderstanding } from '../../src/tasks/dateUnderstanding/dateUnderstanding';
import { cellBySteps } from '../../src/tasks/dateUnderstanding/generate';
import { importTripost } from '../../src/tasks/importTripost';
import { logicalDeduction } from '../../src/tasks/logicalDeduction/logicalDeduction';
import { multistepArithmetic } from '../../src/tasks/multistepArithmetic/multistepArithmetic';
import { wordSorting } from '../../src/tasks/wordSorting/wordSorting';

const text = (hint: string): string => `Q: …\nAnswer: Let's think step by step.${hint}\n(1) …`;

test('an arithmetic row', () => {
  const meta_data = {
    question: '((1) + (2)) =',
    answer: '3',
    rationale: '(1) a.\n(Final response) So the answer is 3.',
  };
  const row = JSON.stringify({ text: text(' Mind (1) brackets.'), text_att_start_text: '\nAnswer:', meta_data });
  expect(importTripost(row, 1, multistepArithmetic)).toEqual({
    ok: true,
    value: {
      problem: { question: '((1) + (2)) =', options: null, answer: '3' },
      rationale: meta_data.rationale,
      hint: ' Mind (1) brackets.',
      cell: { name: '1-[2]', seen: false },
    },
  });
});

test('a word row has its list apart and its answer in one text', () => {
  const meta_data = { question: 'Sort:\nList: b a', answer: ['a', 'b'], rationale: '(1) x.' };
  expect(importTripost(JSON.stringify({ text: text(''), meta_data }), 1, wordSorting)).toMatchObject({
    value: {
      problem: { question: 'Sort:', options: 'List: b a', answer: 'a b' },
      cell: { name: '2 words', seen: true },
    },
  });
});

const choices = {
  question: 'Which?',
  formatted_choices: '(A) x\n(B) y\n(C) z',
  answer: 'B',
  rationale: '(1) a.\n(2) b.',
};

test('rows with choices', () => {
  const row = JSON.stringify({ text: text(''), meta_data: choices });
  const problem = { question: 'Which?', options: 'Options:\n(A) x\n(B) y\n(C) z', answer: 'B' };
  expect(importTripost(row, 1, dateUnderstanding)).toMatchObject({
    value: { problem, cell: { name: '1-2 steps', seen: true } },
  });
  expect(importTripost(row, 1, logicalDeduction)).toMatchObject({
    value: { problem, cell: { name: '3 objects', seen: true } },
  });
});

test.each([
  ['{', 'line 7: it is no JSON'],
  ['[]', 'line 7: it is no JSON object'],
  ['{"text": ""}', 'line 7: meta_data is missing or no object'],
  [JSON.stringify({ meta_data: choices }), 'line 7: text is missing or no string'],
  [
    JSON.stringify({ text: '', meta_data: { ...choices, question: 3 } }),
    'line 7: meta_data.question is missing or no string',
  ],
  [
    JSON.stringify({ text: '', meta_data: { ...choices, rationale: null } }),
    'line 7: meta_data.rationale is missing or no string',
  ],
  [
    JSON.stringify({ text: '', meta_data: { ...choices, answer: [1] } }),
    'line 7: meta_data.answer is neither a string nor a list of words',
  ],
  [
    JSON.stringify({ text: '', meta_data: { ...choices, formatted_choices: [] } }),
    'line 7: meta_data.formatted_choices is no string',
  ],
  [
    JSON.stringify({ text: '', meta_data: { ...choices, formatted_choices: undefined } }),
    'line 7: meta_data.formatted_choices is missing, which date-understanding needs',
  ],
  [JSON.stringify({ text: 'Q', meta_data: choices }), 'line 7: text has no "Answer: Let\'s think step by step." line'],
])('the row %s is refused', (row, message) => {
  expect(importTripost(row, 7, dateUnderstanding)).toEqual({ ok: false, message });
});

test('a row of another task is refused', () => {
  const row = JSON.stringify({ text: text(''), meta_data: choices });
  expect(importTripost(row, 2, wordSorting)).toEqual({
    ok: false,
    message: 'line 2: meta_data.question has no "List: " line',
  });
  expect(importTripost(row, 2, multistepArithmetic)).toEqual({
    ok: false,
    message: 'line 2: meta_data.question is no arithmetic expression',
  });
});

test('choices are compared by letter', () => {
  const problem = { question: 'Which?', options: 'Options:\n(A) x', answer: 'A' };
  expect(dateUnderstanding.answerOf('(Final response) So the answer is (A).')).toBe('A');
  expect(logicalDeduction.answerOf('(Final response) The x is first. So The answer is (A).')).toBe('A');
  expect(dateUnderstanding.answerOf('(Final response) So the answer is A.')).toBeUndefined();
  expect(dateUnderstanding.isCorrect(problem, 'A')).toBe(true);
  expect(logicalDeduction.isCorrect(problem, 'B')).toBe(false);
});

test('2 date steps and 5 objects are seen, 3 steps and 7 objects are not', () => {
  const objects = (n: number) => ({
    question: '',
    options: `Options:\n${'ABCDEFG'.slice(0, n).replace(/./g, '($&) x\n')}`,
    answer: 'A',
  });
  expect([cellBySteps(2).seen, cellBySteps(3).seen]).toEqual([true, false]);
  expect(logicalDeduction.cellOf(objects(5))).toEqual({ name: '5 objects', seen: true });
  expect(logicalDeduction.cellOf(objects(7))).toEqual({ name: '7 objects', seen: false });
});
