import * as fc from 'fast-check';
import { improvementHeader, parseTurns, renderPrompt, renderTurn } from '../../src/tasks/trajectoryText';

const hint = ' Mind the brackets.';
const attempt = '\n(1) one.\n(Final response) So the answer is 4.';
const wrong = '\nFeedback: In step (1) the part "one" is incorrect. This is because it is two.';
const update = `\nUpdated Answer: Let's think step by step.${hint}\n(1) two.\n(Final response) So the answer is 5.`;
const closing = '\nFeedback: Step (1) is correct, and the final response is also correct.';
const whole = attempt + wrong + update + closing;

test('a prompt holds the question, the options and the hint', () => {
  expect(renderPrompt({ question: '(1 + 2) =', options: null, answer: '3' }, { hint })).toBe(
    "Q: (1 + 2) =\nAnswer: Let's think step by step. Mind the brackets.",
  );
  expect(renderPrompt({ question: 'Sort:', options: 'List: b a', answer: 'a b' }, { hint: '' })).toBe(
    "Q: Sort:\nList: b a\nAnswer: Let's think step by step.",
  );
});

test('a trajectory splits in turns whose texts are exact', () => {
  const { turns, trailing, leftOver } = parseTurns(whole, { startsWith: 'attempt' });
  expect(turns.map(({ kind, text }) => [kind, text])).toEqual([
    ['attempt', attempt],
    ['feedback', wrong],
    ['improvement', update],
    ['feedback', closing],
  ]);
  expect(turns.map(({ body }) => body)).toEqual([
    attempt.slice(1),
    wrong.slice('\nFeedback: '.length),
    update.slice(improvementHeader(hint).length),
    closing.slice('\nFeedback: '.length),
  ]);
  expect(turns.map(({ start, end }) => whole.slice(start, end)).join('')).toBe(whole);
  expect({ trailing, leftOver }).toEqual({ trailing: '', leftOver: null });
  expect(turns.map(({ kind, body }) => renderTurn(kind, body, hint)).join('')).toBe(whole);
});

test('a completion may begin with feedback', () => {
  const { turns, leftOver } = parseTurns(wrong + update, { startsWith: 'feedback' });
  expect(turns.map(({ kind }) => kind)).toEqual(['feedback', 'improvement']);
  expect(leftOver).toBeNull();
});

test('blank characters at the end belong to no turn', () => {
  expect(parseTurns(`${attempt}\n \n`, { startsWith: 'attempt' })).toMatchObject({
    turns: [{ text: attempt }],
    trailing: '\n \n',
    leftOver: null,
  });
});

test.each([
  ['an unknown line after a turn', `${attempt}\nWell.`, 1, attempt.length, 'the line is in no known form', 'Well.'],
  ['an unknown line in a turn', '\n(1) one.\nWell.', 0, 9, 'the line is in no known form', 'Well.'],
  ['a blank line', `${attempt}\n${wrong}`, 1, attempt.length, 'the line is in no known form', ''],
  ['a second question', `${attempt}\nQ: 1 + 1 =`, 1, attempt.length, 'a second question begins', 'Q: 1 + 1 ='],
  [
    'feedback twice',
    `${attempt}${wrong}${wrong}`,
    2,
    attempt.length + wrong.length,
    'the header "Feedback:" is repeated',
    wrong.slice(1),
  ],
  [
    'a header of an update twice',
    `${attempt}${wrong}\nUpdated Answer: Let's think step by step.\nUpdated Answer: Let's think step by step.`,
    2,
    attempt.length + wrong.length + 42,
    'the header "Updated Answer:" is repeated',
    "Updated Answer: Let's think step by step.",
  ],
  [
    'an update without feedback',
    attempt + update,
    1,
    attempt.length,
    'an updated answer comes without feedback',
    update.split('\n')[1],
  ],
  ['feedback first', wrong, 0, 0, 'feedback comes before any attempt', wrong.slice(1)],
  [
    'a step after feedback',
    `${attempt}${wrong}\n(1) two.`,
    2,
    attempt.length + wrong.length,
    'a step stands outside an answer',
    '(1) two.',
  ],
  [
    'a step after the final response',
    `${attempt}\n(2) two.`,
    1,
    attempt.length,
    'a step follows the final response',
    '(2) two.',
  ],
  ['an unfinished attempt', '\n(1) one.', 0, 0, 'the attempt is not finished', '(1) one.'],
  ['an attempt cut by feedback', `\n(1) one.${wrong}`, 0, 0, 'the attempt is not finished', '(1) one.'],
  [
    'unfinished feedback',
    `${attempt}\nFeedback: Step (1)`,
    1,
    attempt.length,
    'the feedback is not finished',
    'Feedback: Step (1)',
  ],
  ['an empty header', `${attempt}\nFeedback:`, 1, attempt.length, 'the feedback is not finished', 'Feedback:'],
  [
    'an unfinished update',
    `${attempt}${wrong}\nUpdated Answer: Let's think`,
    2,
    attempt.length + wrong.length,
    'the improvement is not finished',
    "Updated Answer: Let's think",
  ],
  ['no text', '', 0, 0, 'the text is empty', ''],
  ['no leading newline', '(1) one.', 0, 0, 'the text does not begin on a new line', '(1) one.'],
])('%s is left over', (_, text, turns, at, reason, line) => {
  const parsed = parseTurns(text, { startsWith: 'attempt' });
  expect(parsed.turns).toHaveLength(turns);
  expect(parsed.leftOver).toEqual({ at, reason, line });
});

test('whatever the text, turns are consecutive from its start and nothing is lost', () => {
  const piece = fc.constantFrom(
    attempt,
    wrong,
    update,
    closing,
    '\n',
    ' ',
    '\nFeedback: ',
    '\n(1) one.',
    '\nQ: x',
    'x',
    "\nUpdated Answer: Let's think step by step.",
    '\n(Final response) So the answer is 4.',
  );
  fc.assert(
    fc.property(fc.array(piece), fc.constantFrom('attempt' as const, 'feedback' as const), (pieces, startsWith) => {
      const text = pieces.join('');
      const { turns, trailing, leftOver } = parseTurns(text, { startsWith });
      const end = turns.at(-1)?.end ?? 0;
      expect(turns.map((turn) => turn.text).join('')).toBe(text.slice(0, end));
      expect(
        turns.every((turn) => turn.text === text.slice(turn.start, turn.end) && turn.text.endsWith(turn.body)),
      ).toBe(true);
      expect(leftOver === null ? trailing : text.slice(end)).toBe(text.slice(end));
      expect((leftOver?.at ?? end) >= end).toBe(true);
    }),
    { numRuns: 500 },
  );
});
