import * as fc from 'fast-check';
import type { Json } from '../../events/digest';
import { linesBefore, linesOf } from '../../src/tasks/attemptText';
import { incorrect, legalUpdate, parseFeedback } from '../../src/tasks/feedbackText';
import { tasks } from '../../src/tasks/index';
import { poseProblems } from '../../src/tasks/pose';
import type { Script, Task } from '../../src/tasks/task';
import { parseTurns, renderPrompt, renderTurn } from '../../src/tasks/trajectoryText';

/** Small and odd configurations beside the paper's. */
const configs: Readonly<Record<string, readonly Json[]>> = {
  'multistep-arithmetic': [
    {},
    { operands: { from: 0, to: 9 }, seen: [{ depth: [2], length: 1 }], unseen: [{ depth: [3], length: 2 }] },
    { operands: { from: 0, to: 1 }, operators: ['*'], seen: [{ depth: [2, 3], length: 2 }] },
  ],
  'word-sorting': [
    {},
    { alphabet: 'ab', wordLength: { from: 5, to: 5 }, seen: [1, 2, 6], unseen: [9] },
    { alphabet: 'abcdefghijklmnopqrstuvwxyz', wordLength: { from: 1, to: 3 }, seen: [4], unseen: [7] },
  ],
  'date-understanding': [
    {},
    { years: { from: 1000, to: 2400 }, seen: [1], unseen: [2, 9] },
    { years: { from: 2000, to: 2000 }, seen: [2, 3], unseen: [1] },
  ],
  'logical-deduction': [{}, { seen: [3], unseen: [4] }, { seen: [5], unseen: [3, 6] }],
  'list-functions': [
    {},
    { length: { from: 2, to: 2 }, seen: [1], unseen: [2] },
    { length: { from: 8, to: 12 }, seen: [4], unseen: [9] },
  ],
};

/** What FBK can find. */
const errorClasses: Readonly<Record<string, readonly string[]>> = {
  'multistep-arithmetic': [
    'defined-twice',
    'invalid-expression',
    'no-final-equation',
    'not-calculated',
    'not-the-definition',
    'not-the-question',
    'not-the-same-expression',
    'other-expression',
    'rewritten-twice',
    'too-large',
    'unbalanced-brackets',
    'undefined-name',
    'unequal-neighbours',
    'unfinished-line',
    'wrong-answer',
    'wrong-substitution',
  ],
  'word-sorting': [
    'concluded-early',
    'contradicts',
    'duplicate-word',
    'foreign-word',
    'missing-group',
    'missing-word',
    'no-conclusion',
    'no-such-rank',
    'out-of-place',
    'singleton-group',
    'undecided',
    'unknown-subpart',
    'wrong-answer',
    'wrong-group',
    'wrong-letter',
    'wrong-order',
    'wrong-position',
    'wrong-rank',
    'wrong-sign',
  ],
  'date-understanding': [
    'dates-differ',
    'foreign-premise',
    'no-conclusion',
    'no-such-date',
    'no-such-option',
    'not-worked-out',
    'unknown-day',
    'wrong-answer',
    'wrong-date',
    'wrong-premise',
    'wrong-weekday',
  ],
  'logical-deduction': [
    'contradicts',
    'does-not-follow',
    'missing-object',
    'no-conclusion',
    'no-such-option',
    'not-a-statement',
    'not-decided',
    'repeated-object',
    'unknown-object',
    'unknown-step',
    'wrong-answer',
    'wrong-count',
    'wrong-ends',
    'wrong-length',
    'wrong-pattern',
    'wrong-reading',
    'wrong-sentence',
  ],
  'list-functions': ['too-many-steps', 'unfinished', 'wrong-answer', 'wrong-function', 'wrong-list'],
};

const scripted: readonly (readonly [string, Task, Script])[] = [...tasks.values()].flatMap((task) =>
  task.script ? [[task.name, task, task.script] as const] : [],
);

const problemsOf = (task: Task, script: Script) =>
  fc
    .record({
      config: fc.constantFrom(...(configs[task.name] ?? [{}])),
      seed: fc.nat(),
      cells: fc.constantFrom('seen' as const, 'unseen' as const),
      index: fc.nat({ max: 500 }),
    })
    .map(({ config, seed, cells, index }) => script.generate(config, seed, cells, index));

/** A few small changes of a text: characters or lines dropped, doubled or replaced. */
const damage = fc.array(
  fc.record({
    place: fc.nat(),
    how: fc.constantFrom('drop', 'double', 'replace', 'digit', 'drop line', 'double line', 'swap lines' as const),
    by: fc.constantFrom(
      '0',
      '1',
      '7',
      'a',
      '"',
      '(',
      ')',
      ' ',
      '=',
      '<',
      '?',
      '>',
      '.',
      '-',
      '\n',
      'Q:',
      '[',
      ']',
      ',',
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

const damaged = (text: string, changes: readonly { place: number; how: string; by: string }[]): string =>
  changes.reduce((now, { place, how, by }) => {
    const at = now.length === 0 ? 0 : place % now.length;
    const lines = now.split('\n');
    const line = place % lines.length;
    switch (how) {
      case 'drop':
        return now.slice(0, at) + now.slice(at + 1);
      case 'double':
        return now.slice(0, at) + now.slice(at, at + 1) + now.slice(at);
      case 'digit': {
        const digits = [...now.matchAll(/\d/g)].map((found) => found.index);
        const digit = digits[place % Math.max(digits.length, 1)] ?? 0;
        return `${now.slice(0, digit)}${place % 10}${now.slice(digit + 1)}`;
      }
      case 'drop line':
        return lines.filter((_, i) => i !== line).join('\n');
      case 'double line':
        return [...lines.slice(0, line + 1), ...lines.slice(line)].join('\n');
      case 'swap lines':
        return [...lines.slice(0, line), ...lines.slice(line).reverse()].join('\n');
      default:
        return now.slice(0, at) + by + now.slice(at + 1);
    }
  }, text);

describe.each(scripted)('%s', (_name, task, script) => {
  const problems = problemsOf(task, script);

  test('its gold rationale is all correct and gives the answer', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const gold = script.gold(problem);
        expect(script.feedback(problem, gold).verdict).toBe('correct');
        expect(task.isCorrect(problem, task.answerOf(gold) ?? '')).toBe(true);
      }),
    );
  });

  test('every injected error is found at its step with its class, and its update is legal and correct', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        for (const { errorClass, step, attempt } of script.injections(problem)) {
          const verdict = script.feedback(problem, attempt);
          expect({ attempt, verdict }).toMatchObject({ verdict: { verdict: 'incorrect', step, errorClass } });
          const update = script.improve(problem, attempt, verdict);
          expect(update).toBeDefined();
          expect({ attempt, verdict, update, ...legalUpdate(attempt, verdict, update ?? '') }).toMatchObject({
            legal: true,
          });
          expect(script.feedback(problem, update ?? '')).toMatchObject({ verdict: 'correct' });
        }
      }),
      { numRuns: 40 },
    );
  });

  test('each error class is injected for some problem', () => {
    const classes = new Set(
      Array.from({ length: 30 }, (_, i) =>
        script.injections(script.generate({}, 4, i % 2 === 0 ? 'seen' : 'unseen', i)),
      ).flatMap((list) => list.map(({ errorClass }) => errorClass)),
    );
    expect([...classes].sort()).toEqual(errorClasses[task.name]);
  });

  const attempts = fc
    .tuple(problems, damage)
    .map(([problem, changes]) => ({ problem, attempt: damaged(script.gold(problem), changes) }));

  test('damaged gold that is all correct still gives the answer', () => {
    fc.assert(
      fc.property(attempts, ({ problem, attempt }) => {
        fc.pre(script.feedback(problem, attempt).verdict === 'correct');
        expect(task.isCorrect(problem, task.answerOf(attempt) ?? '')).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('an update of whatever feedback finds in damaged gold is legal and correct', () => {
    fc.assert(
      fc.property(attempts, ({ problem, attempt }) => {
        const verdict = script.feedback(problem, attempt);
        fc.pre(verdict.verdict === 'incorrect');
        const update = script.improve(problem, attempt, verdict) ?? '';
        expect({ attempt, verdict, update, ...legalUpdate(attempt, verdict, update) }).toMatchObject({ legal: true });
        expect({ update, verdict: script.feedback(problem, update) }).toMatchObject({
          verdict: { verdict: 'correct' },
        });
      }),
      { numRuns: 150 },
    );
  });

  test('an update never throws, whatever step a verdict names', () => {
    const step = fc.constantFrom('1', '2', '3', '3.1', '4', '7', 'Final response');
    fc.assert(
      fc.property(attempts, step, ({ problem, attempt }, named) => {
        const verdict = incorrect([], { step: named, segment: 'x', reason: 'y', errorClass: 'z' });
        const update = script.improve(problem, attempt, verdict) ?? attempt;
        const before = linesBefore(attempt, named) ?? [];
        expect(linesOf(update).slice(0, before.length)).toEqual(before);
      }),
    );
  });

  test('feedback never throws on any text', () => {
    const line = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^\([1-9]\) [A-Z=+()"<? 0-9]*\.$/),
    );
    fc.assert(
      fc.property(problems, fc.array(line), (problem, lines) => {
        const { verdict, text } = script.feedback(problem, lines.join('\n'));
        expect(verdict).toBe('error');
        expect(text).toMatch(/^\[ERROR\] .*\.$/);
      }),
    );
  });

  test('feedback text reads back as its finding', () => {
    fc.assert(
      fc.property(attempts, ({ problem, attempt }) => {
        const verdict = script.feedback(problem, attempt);
        const { kind, ...read } = parseFeedback(verdict.text);
        expect(kind).toBe(verdict.verdict === 'error' ? 'unreadable' : verdict.verdict);
        fc.pre(verdict.verdict === 'incorrect');
        expect(verdict).toMatchObject(read);
      }),
      { numRuns: 150 },
    );
  });

  test('a whole trajectory reads back as its turns', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const wrong = script.injections(problem)[0];
        if (!wrong) return;
        const verdict = script.feedback(problem, wrong.attempt);
        const update = script.improve(problem, wrong.attempt, verdict) ?? '';
        const bodies = [wrong.attempt, verdict.text, update, script.feedback(problem, update).text];
        const kinds = ['attempt', 'feedback', 'improvement', 'feedback'] as const;
        const text = bodies.map((body, i) => renderTurn(kinds[i] ?? 'attempt', body, task.hint)).join('');
        const parsed = parseTurns(text, { startsWith: 'attempt' });
        expect(parsed.leftOver).toBeNull();
        expect(parsed.turns.map(({ kind }) => kind)).toEqual(kinds);
        expect(parsed.turns.map(({ body }) => body)).toEqual(bodies);
        expect(renderPrompt(problem, task) + parsed.turns.map((turn) => turn.text).join('')).toBe(
          renderPrompt(problem, task) + text,
        );
      }),
      { numRuns: 30 },
    );
  });

  test('posed splits share no question, and the same seed poses the same problems', () => {
    const config = configs[task.name]?.[0] ?? {};
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const counts = { train: 60, testSeen: 25, testUnseen: 25 };
        const posed = poseProblems(task, config, { seed, counts });
        if (!posed.ok) throw new Error(posed.message);
        const { train, testSeen, testUnseen } = posed.problems;
        expect([train.length, testSeen.length, testUnseen.length]).toEqual([60, 25, 25]);
        const all = [...train, ...testSeen, ...testUnseen].map(({ question, options }) => `${question}\n${options}`);
        expect(new Set(all).size).toBe(all.length);
        expect(train.every(({ cell }) => cell.seen) && testUnseen.every(({ cell }) => !cell.seen)).toBe(true);
        expect(poseProblems(task, config, { seed, counts })).toEqual(posed);
      }),
      { numRuns: 5 },
    );
  });

  test('the paper grid names cells as the generator does', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('seen' as const, 'unseen' as const), fc.nat(50), (seed, cells, index) => {
        const problem = script.generate({}, seed, cells, index);
        expect(task.cellOf(problem)).toEqual(problem.cell);
      }),
    );
  });
});
