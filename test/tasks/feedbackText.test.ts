import * as fc from 'fast-check';
import {
  hasSegment,
  incorrect,
  legalUpdate,
  madeProgress,
  narrowestSegment,
  parseFeedback,
  renderCorrect,
  renderIncorrect,
  sameFinding,
  unjudged,
} from '../../src/tasks/feedbackText';

test.each([
  [[], 'The final response is also correct.'],
  [['1'], 'Step (1) is correct, and the final response is also correct.'],
  [['1', '2'], 'Step (1) to (2) are correct, and the final response is also correct.'],
  [['1', '3', '3.1', '3.2', '4'], 'Step (1) to (4) are correct, and the final response is also correct.'],
])('after steps %j all is correct', (steps, text) => {
  expect(renderCorrect(steps)).toBe(text);
  expect(parseFeedback(text)).toEqual({ kind: 'correct', lastStep: steps.at(-1) });
});

test.each([
  [[], '1', 'In step (1) the part "2 + 2 = 5" is incorrect. This is because it is 4.'],
  [['1'], '2', 'Step (1) is correct. In step (2) the part "2 + 2 = 5" is incorrect. This is because it is 4.'],
  [
    ['1', '2', '2.1'],
    'Final response',
    'Step (1) to (2.1) are correct. In step (Final response) the part "2 + 2 = 5" is incorrect. This is because it is 4.',
  ],
])('after steps %j step %s is wrong', (before, step, text) => {
  expect(renderIncorrect(before, { step, segment: ' 2 + 2 = 5 ' }, 'it is 4.')).toBe(text);
  expect(parseFeedback(text)).toEqual({ kind: 'incorrect', step, segment: '2 + 2 = 5', reason: 'it is 4' });
});

test.each([
  ['Step (1) to step (13) are correct, and the final response is also correct.', { kind: 'correct', lastStep: '13' }],
  ['Step (1) is correct, and the final response is also correct.', { kind: 'correct', lastStep: '1' }],
  ['Step (1) is correct. The final response is also correct.', { kind: 'correct' }],
  ['STEP (1) TO (3) ARE CORRECT, AND THE FINAL RESPONSE IS ALSO CORRECT.', { kind: 'correct', lastStep: '3' }],
  [
    'Step (1) to step (2) are correct. In step (3) the part " x " is incorrect. This is because y.',
    { kind: 'incorrect', step: '3', segment: 'x', reason: 'y' },
  ],
  [
    'In step (2) the part ""birch"="b" (3)" is incorrect. This is because "b" is (2).',
    { kind: 'incorrect', step: '2', segment: '"birch"="b" (3)', reason: '"b" is (2)' },
  ],
  [
    'In step (final response) the part "x" is incorrect. This is because y.',
    { kind: 'incorrect', step: 'Final response' },
  ],
])('the historical form %j is read', (text, expected) => {
  expect(parseFeedback(text)).toMatchObject(expected);
});

test.each([
  '',
  'Step (1) is correct.',
  'In step (2) the part "x" is incorrect.',
  'In step (2) the part "" is incorrect. This is because y.',
  'In step two the part "x" is incorrect. This is because y.',
  'Looks good.',
  '[ERROR] the final response is also correct.',
  'Step (1) is correct, and the final response\nis also correct.',
])('%j is not in the grammar', (text) => {
  expect(parseFeedback(text).kind).toBe('unreadable');
});

test('feedback reads back as what was written', () => {
  const id = fc.constantFrom('1', '2', '10', '3.4', '3.2.1', 'Final response');
  const text = fc
    .string({ minLength: 1 })
    .map((raw) => raw.trim())
    .filter((raw) => raw !== '' && !raw.includes('"'));
  fc.assert(
    fc.property(id, text, text, (step, segment, because) => {
      const reason = because.replace(/\.$/, '');
      fc.pre(reason.trim() !== '');
      const feedback = renderIncorrect(['1', '2'], { step, segment }, reason);
      expect(parseFeedback(feedback)).toEqual({ kind: 'incorrect', step, segment, reason: reason.trim() });
    }),
  );
});

test('parsing never throws', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(['correct', 'incorrect', 'unreadable']).toContain(parseFeedback(text).kind);
    }),
  );
});

test('findings are the same at one step with one segment in the other', () => {
  expect(sameFinding({ step: '2', segment: ' 2 + 3 = 6 ' }, { step: '2', segment: '= 6.' })).toBe(true);
  expect(sameFinding({ step: '2', segment: '2 + 3 = 6' }, { step: '3', segment: '2 + 3 = 6' })).toBe(false);
  expect(sameFinding({ step: '2', segment: '2 + 3 = 6' }, { step: '2', segment: '2 + 4' })).toBe(false);
});

describe('progress since an error at step 2', () => {
  const previous = { step: '2', segment: '2 + 3 = 6' };
  const at = (step: string, segment = 'x') => ({ verdict: 'incorrect' as const, step, segment });
  test.each([
    ['the same step and segment', at('2', '2 + 3 = 6'), false],
    ['the same step, another segment', at('2', '4 = 5'), true],
    ['step 1', at('1'), false],
    ['step 3', at('3'), true],
    ['step 2.1', at('2.1'), true],
    ['step 10', at('10'), true],
    ['the final response', at('Final response'), true],
    ['all correct', { verdict: 'correct' as const }, true],
    ['not judged', { verdict: 'error' as const }, false],
  ])('%s', (_, next, progress) => {
    expect(madeProgress(previous, next)).toBe(progress);
  });

  test.each([
    ['2', '10', true, false],
    ['3.2', '3.10', true, false],
    ['3.4', '5', true, true],
    ['5', 'Final response', true, true],
    ['Final response', '5', false, false],
  ])('from %s to %s: numeric %s, by text %s', (from, to, numeric, text) => {
    expect(madeProgress({ step: from, segment: 'a' }, at(to))).toBe(numeric);
    expect(madeProgress({ step: from, segment: 'a' }, at(to), { order: 'text' })).toBe(text);
  });
});

test.each([
  ['(4) It is (14 - -3) = 11.', ' (14 - -3) = 11 ', true],
  ['(4) It is (14 - -3) = 17.', '(14 - -3) = 1', false],
  ['(2) A = (2 + 12) = 14.', '(2 + 12).', false],
  ['(2) A = (2 + 12).', '(2 + 12).', true],
  ['(2) A = (2 + 12)', '(2 + 12).', true],
  ['(2) birch cedar.', 'birch', true],
  ['(2) birches cedar.', 'birch', false],
  ['(2) one.', '', false],
])('%j still has %j: %s', (line, segment, has) => {
  expect(hasSegment(line, segment)).toBe(has);
});

test('the narrowest segment that the corrected line does not hold is chosen', () => {
  expect(narrowestSegment(['', '(2', '(2 = 3', 'all'], 'A = (2 + 1) = 3.')).toBe('(2 = 3');
  expect(narrowestSegment(['(2'], 'A = (2 + 1)')).toBe('(2');
});

describe('an update of an attempt wrong at step 2', () => {
  const attempt = '(1) one.\n(2) A = (2 + 3) = 6.\n(Final response) So the answer is 6.';
  const verdict = incorrect(['1'], { step: '2', segment: '(2 + 3) = 6', reason: 'it is 5', errorClass: 'unequal' });
  const right = '(1) one.\n(2) A = (2 + 3) = 5.\n(Final response) So the answer is 5.';

  test('is legal where only that line and later ones change', () => {
    expect(legalUpdate(attempt, verdict, right)).toEqual({ legal: true });
    expect(legalUpdate(attempt, verdict, `\n${right}\n`)).toEqual({ legal: true });
  });

  test.each([
    ['unchanged', attempt, 'step (2) is unchanged'],
    ['an earlier line altered', right.replace('one', 'One'), 'line 1, before the wrong step, is altered'],
    ['the segment still there', right.replace('5.\n', '6. So.\n'), 'the part "(2 + 3) = 6" is still there'],
    [
      'the segment now at the end',
      right.replace('= 5.', '= 5 = (2 + 3) = 6.'),
      'the part "(2 + 3) = 6" is still there',
    ],
    ['no final response', right.split('\n').slice(0, 2).join('\n'), 'the last line is not the final response'],
    ['no answer', right.replace('the answer is', 'it is'), 'the final response does not say "the answer is"'],
    ['another question', right.replace('(2 + 3) = 5', 'Q: 5'), 'the update asks another question'],
  ])('is not legal: %s', (_, update, reason) => {
    expect(legalUpdate(attempt, verdict, update)).toEqual({ legal: false, reason });
  });

  test('is not legal where the verdict names nothing to update', () => {
    expect(legalUpdate(attempt, { verdict: 'correct', text: renderCorrect(['1']) }, right).legal).toBe(false);
    expect(legalUpdate(attempt, unjudged('unknown-line', 'a line is unknown'), right).legal).toBe(false);
    expect(legalUpdate('(1) one.', verdict, right)).toEqual({ legal: false, reason: 'the attempt has no step (2)' });
  });
});
