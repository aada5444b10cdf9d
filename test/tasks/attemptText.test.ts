import { answerText, compareStepIds, countSteps, linesBefore, splitAttempt } from '../../src/tasks/attemptText';

const attempt = '(1) one.\n(2) two.\n(2.1) two one.\n(Final response) So the answer is 4.';

test('an attempt splits in steps and the final response', () => {
  expect(splitAttempt(attempt)).toEqual({
    ok: true,
    steps: [
      { id: '1', text: 'one.', line: '(1) one.' },
      { id: '2', text: 'two.', line: '(2) two.' },
      { id: '2.1', text: 'two one.', line: '(2.1) two one.' },
    ],
    final: { id: 'Final response', text: 'So the answer is 4.', line: '(Final response) So the answer is 4.' },
  });
  expect(splitAttempt(`\n${attempt}\n`)).toEqual(splitAttempt(attempt));
  expect(countSteps(attempt)).toBe(3);
});

test.each([
  ['(1) one.', 'no-final-response'],
  ['(1) one.\ntwo\n(Final response) So.', 'unknown-line'],
  ['(01) one.\n(Final response) So.', 'unknown-line'],
  ['(1) one.\n(1) one.\n(Final response) So.', 'step-order'],
  ['(10) ten.\n(9) nine.\n(Final response) So.', 'step-order'],
  ['(Final response) So.\n(1) one.', 'line-after-final'],
  ['(Final response) So.\n(Final response) So.', 'line-after-final'],
])('%j does not split', (text, errorClass) => {
  expect(splitAttempt(text)).toMatchObject({ ok: false, errorClass });
});

test.each([
  ['1', []],
  ['2.1', ['(1) one.', '(2) two.']],
  ['Final response', ['(1) one.', '(2) two.', '(2.1) two one.']],
  ['3', undefined],
])('the lines before step %s', (step, lines) => {
  expect(linesBefore(attempt, step)).toEqual(lines);
});

test('ids are ordered as numbers, the final response last', () => {
  const ids = ['Final response', '10', '3.10', '3', '2', '3.2', '3.2.1'];
  expect(ids.toSorted(compareStepIds)).toEqual(['2', '3', '3.2', '3.2.1', '3.10', '10', 'Final response']);
  expect(compareStepIds('3.4', '3.4')).toBe(0);
});

test.each([
  ['(Final response) So the answer is 4.', '4'],
  ['(Final response) The cat. So The answer is (A).', '(A)'],
  ['(Final response) So the answer is: a b.\n', 'a b'],
  ['(1) the answer is 3.\n(Final response) It is 4.', undefined],
])('the answer text of %j', (text, answer) => {
  expect(answerText(text)).toBe(answer);
});
