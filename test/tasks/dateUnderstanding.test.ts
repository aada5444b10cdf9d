import { dateUnderstanding } from '../../src/tasks/dateUnderstanding/dateUnderstanding';
import { readDates, slashed } from '../../src/tasks/dateUnderstanding/dateText';
import { readQuestion } from '../../src/tasks/dateUnderstanding/question';
import { writeChoices } from '../../src/tasks/choices';
import type { Problem, Script } from '../../src/tasks/task';

const script = (): Script => {
  if (!dateUnderstanding.script) throw new Error('no script');
  return dateUnderstanding.script;
};

const problem = (facts: string, asked: string, right: string): Problem => ({
  question: `${facts} What is the date ${asked} in MM/DD/YYYY?`,
  options: writeChoices(['01/01/1800', right, '12/31/2199']),
  answer: 'B',
});

const judge = (one: Problem, ...lines: readonly string[]) =>
  script().feedback(
    one,
    [...lines.map((line, i) => `(${i + 1}) ${line}`), '(Final response) So the answer is (B).'].join('\n'),
  );

describe('dates in words', () => {
  test.each([
    ['3/7/2011', '03/07/2011'],
    ['Sept. 1st, 2021', '09/01/2021'],
    ['May 9th, 2017', '05/09/2017'],
    ['the last day of February 2012', '02/29/2012'],
    ['the 60th day of 2011', '03/01/2011'],
    ['the last day of the first quarter of 2008', '03/31/2008'],
    ['the second day of the third month of 1966', '03/02/1966'],
    ['the first Monday of 2019', '01/07/2019'],
    ['the last Friday of May 2024', '05/31/2024'],
    ['Christmas Eve of 1937', '12/24/1937'],
    ['the US Thanksgiving of 2002', '11/28/2002'],
    ['the palindrome day of 2020', '02/02/2020'],
  ])('%s is %s', (text, expected) => {
    const [date, ...more] = readDates(`It was ${text}.`);
    expect(more).toEqual([]);
    expect(date).toMatchObject({ text, exists: true });
    expect(slashed(readQuestion(`Today is ${text}. What is the date today in MM/DD/YYYY?`)?.today ?? 0)).toBe(expected);
  });

  test.each(['02/29/2011', 'February 30, 2000', 'the fifth Friday of February 2011', 'the palindrome day of 2019'])(
    '%s does not exist',
    (text) => {
      expect(readDates(text)).toMatchObject([{ text, exists: false }]);
    },
  );
});

describe('what a question fixes', () => {
  test.each([
    ['Tomorrow is 11/12/2019.', '11/11/2019'],
    ['The day before yesterday was 1/1/2000.', '01/03/2000'],
    ['It was May 3, 2020 two weeks ago.', '05/17/2020'],
    ['Ada and Bo married on Feb 29, 2000. Today is their silver wedding anniversary.', '02/28/2025'],
    ['Ada thinks today is 1/2/2003, but Bo thinks today is 1/3/2003. Bo is correct.', '01/03/2003'],
    [
      'The parade was on March 30, 2011. The trial was one month before the parade. Today is 2 days after the trial.',
      '03/02/2011',
    ],
    ['The parade was on the last day of May 2011. Today is 10 days before the parade.', '05/21/2011'],
  ])('%s', (facts, today) => {
    const read = readQuestion(`${facts} What is the date today in MM/DD/YYYY?`);
    expect(slashed(read?.today ?? 0)).toBe(today);
  });

  test.each(['Nobody knows the day.', 'Today is 02/30/2001.', 'Today is 3 days after the parade.'])(
    '%s: nothing',
    (facts) => {
      expect(readQuestion(`${facts} What is the date today in MM/DD/YYYY?`)).toBeUndefined();
    },
  );
});

describe('feedback', () => {
  const wedding = problem(
    'Ada and Bo married on Jan 2, 1958. It is their 5-year anniversary today.',
    '10 days ago',
    '12/23/1962',
  );
  const premise = 'If Ada and Bo married on Jan 2, 1958 and today is their 5-year anniversary';

  test('accepts other words for the same days', () => {
    for (const lines of [
      [
        `${premise}, then today's date is January 2, 1963.`,
        'The date 10 days ago is Dec 23, 1962, that is 12/23/1962.',
      ],
      [`${premise}, then today is 1/2/1963.`, '10 days before today is 12/23/1962.'],
      [`${premise}, today's date is Jan 2, 1963.`, '10 days before Jan 2, 1963 is Dec 23, 1962.'],
      ['Ten days ago, the date is Sunday, December 23, 1962.'],
    ]) {
      expect({ lines, verdict: judge(wedding, ...lines) }).toMatchObject({ verdict: { verdict: 'correct' } });
    }
  });

  test.each([
    ['wrong-date', '1', '1/2/1962', [`${premise}, then today is 1/2/1962.`]],
    ['foreign-premise', '1', 'Jan 3, 1958', ['If Ada and Bo married on Jan 3, 1958, then today is 1/2/1963.']],
    ['foreign-premise', '1', 'divorced', ['If Ada and Bo divorced, then today is 1/2/1963.']],
    ['dates-differ', '1', '12/24/1962', ['The date 10 days ago is Dec 23, 1962, that is 12/24/1962.']],
    ['wrong-weekday', '1', 'Mon, 12/23/1962', ['The date 10 days ago is Mon, 12/23/1962.']],
    ['no-such-date', '1', '13/23/1962', ['The date 10 days ago is 13/23/1962.']],
    ['no-conclusion', 'Final response', 'So the answer is (B).', [`${premise}, then today is 1/2/1963.`]],
  ] as const)('%s', (errorClass, step, segment, lines) => {
    expect(judge(wedding, ...lines)).toMatchObject({ verdict: 'incorrect', errorClass, step, segment });
  });

  test.each([
    ['unchecked-line', wedding, ['It is a happy day.', 'The date 10 days ago is 12/23/1962.']],
    ['target-mismatch', { ...wedding, answer: 'A' }, ['The date 10 days ago is 12/23/1962.']],
    ['unreadable-question', { ...wedding, question: 'When?' }, ['The date 10 days ago is 12/23/1962.']],
    ['unreadable-question', { ...wedding, options: null }, ['The date 10 days ago is 12/23/1962.']],
  ] as const)('%s is not judged', (errorClass, one, lines) => {
    expect(judge(one, ...lines)).toMatchObject({ verdict: 'error', errorClass });
  });

  test('in a chain of facts, a day is not used before it is worked out', () => {
    const chain = problem(
      'The fair was on 05/01/2001. The vote was one week after the fair. Today is one week after the vote.',
      'today',
      '05/15/2001',
    );
    const today = 'If today is one week after the vote, then today is 05/15/2001.';
    expect(
      judge(chain, 'If the vote was one week after the fair, then the vote was on 05/08/2001.', today),
    ).toMatchObject({ verdict: 'correct' });
    expect(judge(chain, today)).toMatchObject({ errorClass: 'not-worked-out', step: '1' });
    expect(judge(chain, 'The date today is 05/15/2001.')).toMatchObject({ errorClass: 'not-worked-out', step: '1' });
  });
});

test('a configuration with steps both seen and unseen is refused by name', () => {
  expect(script().configure({ seen: [1, 2], unseen: [2] })).toEqual({
    ok: false,
    message: 'date-understanding: 2 steps cannot be both seen and unseen',
  });
});
