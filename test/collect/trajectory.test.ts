import * as E from 'fp-ts/Either';
import {
  answer,
  correct,
  saysCorrect,
  saysWrong,
  feedback,
  Telling,
  unreadable,
  update,
  wrong,
} from './trajectorySupport';

const right = answer(['We add.', '2 + 3 = 5.'], '5');
const off = (sum: number): string => answer(['We add.', `2 + 3 = ${sum}.`], String(sum));
const offAt = (sum: number): ReturnType<typeof wrong> => wrong('2', `2 + 3 = ${sum}`);
const saysOff = (sum: number): string => saysWrong('2', `2 + 3 = ${sum}`);

describe('a right first answer', () => {
  it('keeps the closing feedback that the student wrote', () => {
    const told = new Telling([`\n${right}${saysCorrect}`]).judge(correct);
    expect(told.story).toEqual([
      'attempt',
      'verified 0: correct',
      'feedback 0 by student: correct',
      'solved: right-first-time after 0',
    ]);
    expect(told.text).toBe(`\n${right}${saysCorrect}`);
    expect(told.need).toEqual({ need: 'nothing' });
  });

  it('gets FBK closing feedback where the student stopped', () => {
    const told = new Telling([`\n${right}`]).judge(correct);
    expect(told.story).toEqual([
      'attempt',
      'verified 0: correct',
      'feedback 0 by script: correct',
      'solved: right-first-time after 0',
    ]);
    expect(told.text).toBe(`\n${right}\nFeedback: ${correct.text}`);
  });

  it.each([
    ['edit', ['feedback 0 by script: correct', 'solved: right-first-time after 0']],
    ['discard', ['discarded: over-correction after 0']],
  ] as const)('that the student calls wrong is an over-correction: %s', (overCorrection, ending) => {
    const told = new Telling([`\n${right}${saysOff(5)}${update(off(6))}`], { overCorrection }).judge(correct);
    expect(told.story).toEqual([
      'attempt',
      'verified 0: correct',
      'refused feedback by student: disagrees-with-fbk',
      ...ending,
    ]);
    const refused = told.facts.find((fact) => fact.type === 'TurnRefused')?.data;
    expect(refused).toMatchObject({ text: saysOff(5), expected: 'correct', got: 'step 2 is wrong' });
  });

  it('ends there: what the student wrote behind its closing feedback is refused', () => {
    const told = new Telling([`\n${right}${saysCorrect}${update(off(6))}`]).judge(correct);
    expect(told.story.slice(2)).toEqual([
      'feedback 0 by student: correct',
      'refused improvement by student: after-closing',
      'solved: right-first-time after 0',
    ]);
    const noise = new Telling([`\n${right}${saysCorrect}\nand so on`]).judge(correct);
    expect(noise.story.slice(2)).toEqual([
      'feedback 0 by student: correct',
      'refused improvement by student: unreadable',
      'solved: right-first-time after 0',
    ]);
  });
});

describe('a wrong first answer', () => {
  it('goes through FBK and IMP to a right one', () => {
    const told = new Telling([`\n${off(6)}`]).judge(offAt(6));
    expect(told.need).toEqual({ need: 'improve', body: off(6), verdict: offAt(6) });
    told.improve(right);
    expect(told.need).toEqual({ need: 'judge', body: right });
    told.judge(correct);
    expect(told.story).toEqual([
      'attempt',
      'verified 0: incorrect',
      'feedback 0 by script: 2',
      'update 1 by script',
      'verified 1: correct',
      'feedback 1 by script: correct',
      'solved: improved after 1',
    ]);
    expect(told.text).toBe(`\n${off(6)}${saysOff(6)}${update(right)}\nFeedback: ${correct.text}`);
  });

  it('keeps own feedback that names the same place in other words', () => {
    const own = feedback('In step (2) the part " = 6 " is incorrect. This is because I feel it.');
    const told = new Telling([`\n${off(6)}${own}`]).judge(offAt(6)).improve(right).judge(correct);
    expect(told.story[2]).toBe('feedback 0 by student: 2');
    expect(told.story.at(-1)).toBe('solved: improved after 1');
    const given = told.facts.find((fact) => fact.type === 'FeedbackGiven')?.data;
    expect(given).toMatchObject({ text: own, segment: '= 6', reason: 'I feel it', generationId: 'generation 0' });
  });

  it.each([
    ['all correct', saysCorrect, 'all correct'],
    ['another step', saysWrong('1', 'We add'), 'step 1, "We add"'],
    ['another part of the step', saysWrong('2', '2 + 4'), 'step 2, "2 + 4"'],
    ['no feedback at all', feedback('I like it.'), expect.stringMatching(/^unreadable: /)],
  ])('has own feedback struck out that says %s', (_, own, got) => {
    const told = new Telling([`\n${off(6)}${own}${update(off(7))}`]).judge(offAt(6));
    expect(told.story).toEqual([
      'attempt',
      'verified 0: incorrect',
      'refused feedback by student: disagrees-with-fbk',
      'feedback 0 by script: 2',
    ]);
    expect(told.facts[2]?.data).toMatchObject({ text: own, got, expected: 'step 2, "2 + 3 = 6"' });
    // The student's update built on it, so IMP speaks next.
    expect(told.need.need).toBe('improve');
  });

  it('keeps a legal update of the student, judged by FBK alone where the student did not', () => {
    const told = new Telling([`\n${off(6)}${saysOff(6)}${update(right)}`]).judge(offAt(6));
    expect(told.need).toEqual({ need: 'judge', body: right });
    told.judge(correct);
    expect(told.story.slice(2)).toEqual([
      'feedback 0 by student: 2',
      'update 1 by student',
      'verified 1: correct',
      'feedback 1 by script: correct',
      'solved: improved after 1',
    ]);
    expect(told.text).toBe(`\n${off(6)}${saysOff(6)}${update(right)}\nFeedback: ${correct.text}`);
  });

  it('keeps a whole self-correction over two calls', () => {
    const told = new Telling([`\n${off(6)}${saysOff(6)}${update(right)}`, saysCorrect]).judge(offAt(6)).judge(correct);
    expect(told.story).not.toContainEqual(expect.stringContaining('script'));
    expect(told.story.at(-1)).toBe('solved: improved after 1');
    const closing = told.facts.filter((fact) => fact.type === 'FeedbackGiven')[1]?.data;
    expect(closing).toMatchObject({ generationId: 'generation 1', start: 0, end: saysCorrect.length });
  });

  it.each([
    ['changes a line before the wrong step', answer(['We multiply.', '2 + 3 = 5.'], '5'), /line 1/],
    ['leaves the wrong line as it is', answer(['We add.', '2 + 3 = 6.'], '5'), /unchanged/],
    ['keeps the wrong part', answer(['We add.', 'So 2 + 3 = 6.'], '5'), /still there/],
  ])('refuses an own update that %s, and IMP takes over', (_, own, reason) => {
    const told = new Telling([`\n${off(6)}${saysOff(6)}${update(own)}`]).judge(offAt(6)).judge(correct);
    expect(told.story.slice(3)).toEqual(['refused improvement by student: illegal-update']);
    expect(told.facts.at(-1)?.data).toMatchObject({ text: update(own), got: expect.stringMatching(reason) });
    told.improve(right).judge(correct);
    expect(told.story.slice(4)).toEqual([
      'update 1 by script',
      'verified 1: correct',
      'feedback 1 by script: correct',
      'solved: improved after 1',
    ]);
  });

  it('refuses an own update that FBK cannot read, and IMP takes over', () => {
    const told = new Telling([`\n${off(6)}${saysOff(6)}${update(right)}`]).judge(offAt(6)).judge(unreadable);
    expect(told.story.slice(3)).toEqual(['refused improvement by student: unjudged']);
    expect(told.need.need).toBe('improve');
    expect(told.improve(right).judge(correct).story.at(-1)).toBe('solved: improved after 1');
  });
});

describe('a chain that does not end well', () => {
  it('is discarded when FBK cannot read the attempt', () => {
    expect(new Telling([`\n${right}${saysCorrect}`]).judge(unreadable).story).toEqual([
      'attempt',
      'verified 0: error',
      'discarded: unjudged after 0',
    ]);
  });

  it('is discarded when FBK cannot read an update of IMP', () => {
    const told = new Telling([`\n${off(6)}`]).judge(offAt(6)).improve(right).judge(unreadable);
    expect(told.story.slice(3)).toEqual(['update 1 by script', 'verified 1: error', 'discarded: unjudged after 1']);
  });

  it('is discarded without update, and with an illegal one', () => {
    expect(new Telling([`\n${off(6)}`]).judge(offAt(6)).improve(undefined).story.slice(3)).toEqual([
      'discarded: no-update after 0',
    ]);
    expect(new Telling([`\n${off(6)}`]).judge(offAt(6)).improve(off(6)).story.slice(3)).toEqual([
      'refused improvement by script: illegal-update',
      'discarded: illegal-update after 0',
    ]);
  });

  it.each([0, 1, 5])('is discarded when the answer is wrong after %i updates', (maxUpdates) => {
    const told = new Telling([`\n${off(10)}`], { maxUpdates }).judge(offAt(10));
    for (let i = 1; i <= maxUpdates; i++) told.improve(off(10 + i)).judge(offAt(10 + i));
    expect(told.story.at(-1)).toBe(`discarded: max-updates after ${maxUpdates}`);
    expect(told.story.filter((line) => line.startsWith('update'))).toHaveLength(maxUpdates);
    expect(told.need).toEqual({ need: 'nothing' });
  });

  it('counts own updates too, and says which one was over the limit', () => {
    const own = [`\n${off(6)}${saysOff(6)}${update(off(7))}`, `${saysOff(7)}${update(right)}`];
    const told = new Telling(own, { maxUpdates: 1 }).judge(offAt(6)).judge(offAt(7));
    expect(told.story.slice(3)).toEqual([
      'update 1 by student',
      'verified 1: incorrect',
      'feedback 1 by student: 2',
      'refused improvement by student: max-updates',
      'discarded: max-updates after 1',
    ]);
  });

  it.each([
    ['back to an earlier step', wrong('1', 'We add'), answer(['We really sum.', '2 + 3 = 5.'], '5')],
    ['nowhere: the same part again', offAt(6), right],
  ])('goes %s: only its first feedback is of use', (_, second, mended) => {
    const ending = (noProgress: 'truncate' | 'keep'): string | undefined =>
      new Telling([`\n${off(6)}`], { noProgress })
        .judge(offAt(6))
        .improve(off(7))
        .judge(second)
        .improve(mended)
        .judge(correct)
        .story.at(-1);
    expect(ending('truncate')).toBe('feedback-only: no-progress after 2');
    expect(ending('keep')).toBe('solved: improved after 2');
  });

  it('moves on from step 2 to step 10 by number, and back by text as the original has it', () => {
    const steps = (second: string, tenth: string): string =>
      answer(['a', second, ...Array.from({ length: 7 }, (_, i) => `s${i}`), tenth], '5');
    const ending = (stepOrder: 'numeric' | 'text'): string | undefined =>
      new Telling([`\n${steps('bad', 'bad')}`], { stepOrder })
        .judge(wrong('2', 'bad'))
        .improve(steps('good', 'bad'))
        .judge(wrong('10', 'bad'))
        .improve(steps('good', 'good'))
        .judge(correct)
        .story.at(-1);
    expect(ending('numeric')).toBe('solved: improved after 2');
    expect(ending('text')).toBe('feedback-only: no-progress after 2');
  });
});

describe('text that cannot be read', () => {
  it.each([
    ['nothing', '', 'the text is empty'],
    ['noise', '\nI do not know.', 'the line is in no known form'],
    ['feedback first', saysCorrect, 'feedback comes before any attempt'],
    ['an attempt without end', '\n(1) We add.', 'the attempt is not finished'],
  ])('as an attempt discards the trajectory: %s', (_, text, reason) => {
    const told = new Telling([text]);
    expect(told.need).toEqual({ need: 'judge', body: '' });
    told.judge(unreadable);
    expect(told.story).toEqual(['refused attempt by student: unreadable', 'discarded: unreadable-attempt after 0']);
    expect(told.facts.map((fact) => fact.data)).toMatchObject([{ got: reason }, { detail: reason }]);
  });

  it('may be a text that ran out of tokens', () => {
    const cut = { text: `\n${off(6)}\nFeedback: In step (2) the pa`, finish: 'length' as const };
    const told = new Telling([cut]).judge(offAt(6));
    expect(told.story.slice(2)).toEqual(['refused feedback by student: unreadable', 'feedback 0 by script: 2']);
  });

  it('where own feedback would stand is refused, and FBK gives it', () => {
    const told = new Telling([`\n${off(6)}\nHm.${saysOff(6)}`]).judge(offAt(6));
    expect(told.story.slice(2)).toEqual(['refused feedback by student: unreadable', 'feedback 0 by script: 2']);
    expect(told.facts[2]?.data).toMatchObject({ text: 'Hm.', generationId: 'generation 0' });
  });

  it('where an own update would stand is refused, and IMP makes it', () => {
    const told = new Telling([`\n${off(6)}${saysOff(6)}${update('(1) We add.')}`]).judge(offAt(6));
    expect(told.need.need).toBe('improve');
    told.improve(right).judge(correct);
    expect(told.story.slice(2, 5)).toEqual([
      'feedback 0 by student: 2',
      'refused improvement by student: unreadable',
      'update 1 by script',
    ]);
  });

  it('in a later call leaves the earlier calls standing', () => {
    const told = new Telling([`\n${off(6)}${saysOff(6)}${update(right)}`, '\nHm.']).judge(offAt(6)).judge(correct);
    expect(told.story.slice(3)).toEqual([
      'update 1 by student',
      'verified 1: correct',
      'refused feedback by student: unreadable',
      'feedback 1 by script: correct',
      'solved: improved after 1',
    ]);
    expect(told.facts[5]?.data).toMatchObject({ generationId: 'generation 1' });
  });
});

describe('a command out of turn', () => {
  const improve = { type: 'Improve', body: right, author: 'script' } as const;
  const judge = { type: 'Judge', verdict: correct, answer: '5', answerCorrect: true, author: 'script' } as const;

  it('is refused and changes nothing', () => {
    const told = new Telling([`\n${off(6)}`]);
    expect(told.tell(improve)).toEqual(E.left({ tag: 'OutOfTurn', command: 'Improve', need: 'judge' }));
    told.judge(offAt(6));
    expect(told.tell(judge)).toEqual(E.left({ tag: 'OutOfTurn', command: 'Judge', need: 'improve' }));
    told.improve(right).judge(correct);
    expect(told.tell(judge)).toEqual(E.left({ tag: 'OutOfTurn', command: 'Judge', need: 'nothing' }));
    expect(told.tell(improve)).toEqual(E.left({ tag: 'OutOfTurn', command: 'Improve', need: 'nothing' }));
    expect(told.story).toHaveLength(7);
  });
});
