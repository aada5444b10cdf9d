import type { Problem, Verdict } from '../../src/tasks/task';
import { wordSorting } from '../../src/tasks/wordSorting/wordSorting';

const { script } = wordSorting;
if (!script) throw new Error('word sorting has a script');

const listOf = (words: string): Problem => ({
  question: 'Sort the following words alphabetically:',
  options: `List: ${words}`,
  answer: words.split(' ').sort().join(' '),
});
const problem = listOf('maple cedar mango birch cello');

const goldLines = [
  '(1) The first letter: "maple"="m" (13), "cedar"="c" (3), "mango"="m" (13), "birch"="b" (2), "cello"="c" (3).',
  '(2) We now have: (2) "birch" < (3) ["cedar" ? "cello"] < (13) ["maple" ? "mango"].',
  '(3) Now sort this subpart ["cedar" ? "cello"] by looking at their second letters: "cedar"="e" (5), "cello"="e" (5).',
  '(3.1) We now have: (5) ["cedar" ? "cello"].',
  '(3.2) Now sort this subpart ["cedar" ? "cello"] by looking at their third letters: "cedar"="d" (4), "cello"="l" (12).',
  '(3.3) We now have: (4) "cedar" < (12) "cello".',
  '(3.4) Hence, we have "cedar" < "cello".',
  '(4) Now sort this subpart ["maple" ? "mango"] by looking at their second letters: "maple"="a" (1), "mango"="a" (1).',
  '(4.1) We now have: (1) ["maple" ? "mango"].',
  '(4.2) Now sort this subpart ["maple" ? "mango"] by looking at their third letters: "maple"="p" (16), "mango"="n" (14).',
  '(4.3) We now have: (14) "mango" < (16) "maple".',
  '(4.4) Hence, we have "mango" < "maple".',
  '(5) Hence, we have "birch" < "cedar" < "cello" < "mango" < "maple".',
  '(Final response) So the answer is: birch cedar cello mango maple.',
];
const gold = goldLines.join('\n');

const judge = (attempt: string, of: Problem = problem): Verdict => script.feedback(of, attempt);

/** The gold with one step's text replaced; null drops the line. */
const withStep = (id: string, text: string | null): string =>
  goldLines
    .flatMap((line) => (line.startsWith(`(${id}) `) ? (text === null ? [] : [`(${id}) ${text}`]) : [line]))
    .join('\n');

test('W1: the gold rationale is written in the dataset format, and all of it is correct with N = 5', () => {
  expect(script.gold(problem)).toBe(gold);
  expect(judge(gold)).toEqual({
    verdict: 'correct',
    text: 'Step (1) to (5) are correct, and the final response is also correct.',
  });
});

const letters = (entries: string): string => `The first letter: ${entries}.`;
const noCello = '"maple"="m" (13), "cedar"="c" (3), "mango"="m" (13), "birch"="b" (2)';
const twice = '"maple"="m" (13), "cedar"="c" (3), "cedar"="c" (3), "mango"="m" (13), "birch"="b" (2), "cello"="c" (3)';
const jump = 'Now sort this subpart ["cedar" ? "cello"] by looking at their third letters';

test.each([
  [
    'W2 a wrong rank',
    '1',
    letters(`${noCello.replace('b" (2)', 'b" (3)')}, "cello"="c" (3)`),
    '"birch"="b" (3)',
    'wrong-rank',
    'should be (2)',
  ],
  ['W4 a word left out', '1', letters(noCello), letters(noCello), 'missing-word', '"cello" from the list is missing'],
  [
    'W6 a word twice',
    '1',
    letters(twice),
    '"cedar"="c" (3), "cedar"="c" (3)',
    'duplicate-word',
    '"cedar" appears twice',
  ],
  [
    'W8 a group too small',
    '2',
    'We now have: (2) "birch" < (3) "cedar" < (13) ["maple" ? "mango"].',
    '(2) "birch" < (3) "cedar" < (13) ["maple" ? "mango"]',
    'wrong-group',
    'the group (3) should be "cedar", "cello"',
  ],
  [
    'W10 a group left out',
    '2',
    'We now have: (2) "birch" < (3) ["cedar" ? "cello"].',
    'We now have: (2) "birch" < (3) ["cedar" ? "cello"].',
    'missing-group',
    'the group (13) is missing',
  ],
  [
    'W10 a group that does not exist',
    '2',
    'We now have: (2) "birch" < (3) ["cedar" ? "cello"] < (12) "mango" < (13) "maple".',
    '(2) "birch" < (3) ["cedar" ? "cello"] < (12) "mango" < (13) "maple"',
    'no-such-rank',
    'does not exist',
  ],
  [
    'W12 a letter skipped',
    '3',
    `${jump}: "cedar"="d" (4), "cello"="l" (12).`,
    jump,
    'wrong-position',
    'second letters are next',
  ],
  [
    'W14 a wrong conclusion',
    '3.4',
    'Hence, we have "cello" < "cedar".',
    '"cello" < "cedar"',
    'contradicts',
    '"cedar" < "cello" in step (3.3)',
  ],
  [
    'W17 a word dropped',
    '5',
    'Hence, we have "birch" < "cedar" < "cello" < "maple".',
    '"birch" < "cedar" < "cello" < "maple"',
    'missing-word',
    '"mango" was already ordered in step (2)',
  ],
  [
    'W19 a wrong final list',
    'Final response',
    'So the answer is: birch cedar cello maple mango.',
    'birch cedar cello maple mango',
    'wrong-answer',
    'in step (5)',
  ],
])('%s', (_, step, text, segment, errorClass, reason) => {
  const attempt = withStep(step, text);
  const verdict = judge(attempt);
  expect(verdict).toMatchObject({ verdict: 'incorrect', step, segment, errorClass });
  expect(verdict.text).toContain(reason);
  expect(script.improve(problem, attempt, verdict)).toBe(gold);
});

test.each([
  ['a capital letter', withStep('1', letters(`${noCello}, "Cello"="c" (3)`)), 'unknown-line'],
  ['no final line', withStep('Final response', null), 'no-final-response'],
  ['a line of no known form', withStep('3.1', 'They are tied.'), 'unknown-line'],
  ['ids that go back', withStep('3.4', null).replace('(3.3)', '(3.1)'), 'step-order'],
])('W21: %s cannot be judged', (_, attempt, errorClass) => {
  expect(judge(attempt)).toMatchObject({ verdict: 'error', errorClass });
});

test('W21: an answer that is not sorted cannot be judged', () => {
  const unsorted = { ...problem, answer: 'maple cedar mango birch cello' };
  expect(judge(gold, unsorted)).toMatchObject({ verdict: 'error', errorClass: 'target-mismatch' });
});

test('a right answer by a short cut is not all correct', () => {
  const attempt = [goldLines[0], goldLines[1], goldLines[12], goldLines[13]].join('\n');
  expect(judge(attempt)).toMatchObject({ step: '5', errorClass: 'concluded-early' });
});

test('subparts may be sorted in another order, and words of a tie written in another order', () => {
  const attempt = [
    '(1) The first letter: "birch"="b" (2), "maple"="m" (13), "cedar"="c" (3), "mango"="m" (13), "cello"="c" (3).',
    '(2) We now have: (2) "birch" < (3) ["cello" ? "cedar"] < (13) ["maple" ? "mango"].',
    '(3) Now sort this subpart ["mango" ? "maple"] by looking at their second letters: "mango"="a" (1), "maple"="a" (1).',
    '(3.1) We now have: (1) ["maple" ? "mango"].',
    '(3.2) Now sort this subpart ["mango" ? "maple"] by looking at their third letters: "mango"="n" (14), "maple"="p" (16).',
    '(3.3) We now have: (14) "mango" < (16) "maple".',
    '(3.4) Hence, we have "mango" < "maple".',
    '(4) Hence, we have "birch" < "cello" < "cedar" < "mango" < "maple".',
    '(Final response) So the answer is: birch cello cedar mango maple.',
  ].join('\n');
  const verdict = judge(attempt);
  expect(verdict).toMatchObject({ step: '4', errorClass: 'concluded-early' });
  const update = script.improve(problem, attempt, verdict) ?? '';
  expect(update.split('\n')[7]).toMatch(/^\(4\) Now sort this subpart \["cello" \? "cedar"\]/);
  expect(judge(update).verdict).toBe('correct');
});

test('an update after unusual numbering goes on in increasing ids', () => {
  const attempt = [
    ...goldLines.slice(0, 3),
    '(4) We now have: (5) ["cedar" ? "cello"].',
    '(5) Hence, we have "cedar" < "cello".',
    '(Final response) So the answer is: cedar cello.',
  ].join('\n');
  const update = script.improve(problem, attempt, judge(attempt)) ?? '';
  expect(judge(update)).toMatchObject({ verdict: 'correct' });
});

test('a subpart within a subpart is numbered one level deeper', () => {
  const list = listOf('sentry seed silver');
  expect(script.gold(list).split('\n').slice(1)).toEqual([
    '(2) We now have: (19) ["sentry" ? "seed" ? "silver"].',
    '(3) Now sort this subpart ["sentry" ? "seed" ? "silver"] by looking at their second letters: "sentry"="e" (5), "seed"="e" (5), "silver"="i" (9).',
    '(3.1) We now have: (5) ["sentry" ? "seed"] < (9) "silver".',
    '(3.2) Now sort this subpart ["sentry" ? "seed"] by looking at their third letters: "sentry"="n" (14), "seed"="e" (5).',
    '(3.2.1) We now have: (5) "seed" < (14) "sentry".',
    '(3.2.2) Hence, we have "seed" < "sentry".',
    '(3.3) Hence, we have "seed" < "sentry" < "silver".',
    '(4) Hence, we have "seed" < "sentry" < "silver".',
    '(Final response) So the answer is: seed sentry silver.',
  ]);
});

test('a word that begins another one sorts before it', () => {
  const list = listOf('carpet car care');
  const text = script.gold(list);
  expect(text).toContain('"car"="" (-96)');
  expect(text).toMatch(/So the answer is: car care carpet\.$/);
  expect(judge(text, list).verdict).toBe('correct');
});

test.each(['a a b', 'Maple birch'])('the list %j cannot be judged, improved or solved', (words) => {
  const list = listOf(words);
  expect(judge(gold, list)).toMatchObject({ verdict: 'error', errorClass: 'unreadable-question' });
  expect(script.improve(list, gold, judge(withStep('1', letters(noCello))))).toBeUndefined();
  expect(() => script.gold(list)).toThrow('word-sorting: cannot sort');
});

test('answers are compared word by word', () => {
  expect(wordSorting.answerOf('(Final response) So the answer is:  birch   cedar.')).toBe('birch cedar');
  expect(wordSorting.answerOf('(Final response) birch cedar.')).toBeUndefined();
  expect(wordSorting.isCorrect(problem, problem.answer)).toBe(true);
  expect(wordSorting.isCorrect(problem, 'birch cedar cello maple mango')).toBe(false);
});

test('7 words are seen, 8 are not', () => {
  expect(wordSorting.cellOf(listOf('a b c d e f g'))).toEqual({ name: '7 words', seen: true });
  expect(wordSorting.cellOf(listOf('a b c d e f g h'))).toEqual({ name: '8 words', seen: false });
});

test('the paper grid is 2 to 7 and 8 to 20 words, and no word begins another of its list', () => {
  const counts = (cells: 'seen' | 'unseen'): Set<number> =>
    new Set(
      Array.from({ length: 60 }, (_, i) => {
        const words = (script.generate({}, 9, cells, i).options ?? '').split(' ').slice(1);
        for (const a of words) expect(words.filter((b) => b.startsWith(a))).toEqual([a]);
        return words.length;
      }),
    );
  expect([...counts('seen')].sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7]);
  expect([...counts('unseen')].sort((a, b) => a - b)).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
});

test('random words use the alphabet and lengths configured', () => {
  const config = { alphabet: 'abc', wordLength: { from: 2, to: 4 }, seen: [3] };
  for (let i = 0; i < 20; i++) {
    expect(script.generate(config, 2, 'seen', i).options).toMatch(/^List:( [abc]{2,4}){3}$/);
  }
});

test.each([
  [{ alphabet: 'aB' }, 'alphabet must be a text of letters from a to z, or null for the built-in words'],
  [{ alphabet: 'ab', wordLength: { from: 1, to: 2 } }, 'a list of 20 words needs more than the 4 words there are'],
  [{ seen: [0] }, 'seen[0] must be an integer from 1 to 100'],
  [{ word: 1 }, 'the configuration has no field "word"; its fields are alphabet, wordLength, seen, unseen'],
])('configuration %j is refused', (config, message) => {
  expect(script.configure(config)).toEqual({ ok: false, message: `word-sorting: ${message}` });
});
