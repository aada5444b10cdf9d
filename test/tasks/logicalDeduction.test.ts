import * as fc from 'fast-check';
import { logicalDeduction } from '../../src/tasks/logicalDeduction/logicalDeduction';
import {
  both,
  inOrder,
  isWithin,
  orderingsOf,
  setOfConstraint,
  setOfPattern,
  size,
  strongestPattern,
  wholePattern,
} from '../../src/tasks/logicalDeduction/orderings';
import { readProblem } from '../../src/tasks/logicalDeduction/paragraph';
import type { Problem, Script } from '../../src/tasks/task';

const script = (): Script => {
  if (!logicalDeduction.script) throw new Error('no script');
  return logicalDeduction.script;
};

const constraints = (k: number) => {
  const object = fc.nat({ max: k - 1 });
  return fc.oneof(
    fc
      .tuple(object, object)
      .filter(([a, b]) => a !== b)
      .map(([first, second]) => ({ kind: 'before' as const, first, second })),
    fc.tuple(object, object).map(([one, at]) => ({ kind: 'place' as const, object: one, at })),
  );
};

describe('patterns', () => {
  test('there are k! orderings, each in one whole pattern', () => {
    expect([1, 3, 5].map((k) => orderingsOf(k).length)).toEqual([1, 6, 120]);
    for (const positions of orderingsOf(4)) {
      const set = setOfPattern(4, wholePattern(inOrder(positions)));
      expect([size(set), orderingsOf(4)[set.indexOf(1)]]).toEqual([1, positions]);
    }
  });

  test('the strongest pattern of a set is implied by it, counted right, and exact for one statement', () => {
    const k = 5;
    fc.assert(
      fc.property(fc.array(constraints(k), { minLength: 1, maxLength: 4 }), (list) => {
        const set = list.map((each) => setOfConstraint(k, each)).reduce((a, b) => both(a, b));
        fc.pre(size(set) > 0);
        const { pattern, count, exact } = strongestPattern(k, set);
        const found = setOfPattern(k, pattern);
        expect(isWithin(set, found)).toBe(true);
        expect(size(found)).toBe(count);
        expect(exact).toBe(size(set) === count);
        expect(exact || (list.length > 1 && size(set) > 1)).toBe(true);
      }),
    );
  });
});

describe('the generator', () => {
  test('its statements leave one ordering, none of them redundant, and one option holds', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.constantFrom('seen' as const, 'unseen' as const),
        fc.nat({ max: 100 }),
        (seed, cells, index) => {
          const read = readProblem(script().generate({ seen: [3, 5], unseen: [6] }, seed, cells, index));
          if (!read.ok) throw new Error(read.reason);
          const { statements, things } = read.paragraph;
          for (const left of statements) {
            const others = statements.filter((each) => each !== left).map((each) => each.set);
            const rest = others.reduce(
              (a, b) => both(a, b),
              setOfPattern(things.length, { objects: [], gaps: [{ least: 0, open: true }] }),
            );
            expect(size(rest)).toBeGreaterThan(1);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

const kites: Problem = {
  question:
    'In a shop hang three kites: a red kite, a blue kite, and a green kite. The red kite is to the left of the blue kite. The green kite is the leftmost.',
  options:
    'Options:\n(A) The red kite is the rightmost.\n(B) The blue kite is the rightmost.\n(C) The green kite is the rightmost.',
  answer: 'B',
};

const lines = [
  'The red kite is to the left of the blue kite: "(left) ?? red ?? blue ?? (right)".',
  'The green kite is the leftmost: "(left) green ?? (right)".',
  'There are in total three kites: a red kite, a blue kite, and a green kite.',
  'Combining (1) and (2) we get the following ordering: "(left) green red blue (right)".',
  'According to this ordering, the kite that is rightmost is the blue kite.',
];
const final = 'The blue kite is the rightmost. So the answer is (B).';

const judge = (changes: Readonly<Record<number, string>> = {}, last = final, one = kites) =>
  script().feedback(
    one,
    [...lines.map((line, i) => `(${i + 1}) ${changes[i + 1] ?? line}`), `(Final response) ${last}`].join('\n'),
  );

describe('feedback', () => {
  test('accepts the same in other words', () => {
    expect(judge().verdict).toBe('correct');
    for (const [at, text] of [
      [1, 'The red kite is to the left of the blue kite: "(right) ?? blue ?? red ?? (left)".'],
      [2, 'The green kite is the leftmost: "(left) green ? ? (right)".'],
      [3, 'There are in total 3 kites: a blue kite, a red kite, and a green kite.'],
      [4, 'Combining (1), (2), and (3) we get the following ordering: "(right) blue kite red kite green kite (left)".'],
      [5, 'According to this ordering, the rightmost kite is the blue kite.'],
      [
        5,
        'According to this ordering, the kite that is rightmost (the one at the bottom of this list) is the blue kite.',
      ],
    ] as const) {
      expect({ text, verdict: judge({ [at]: text }) }).toMatchObject({ verdict: { verdict: 'correct' } });
    }
    expect(judge({}, 'So the answer is (B).').verdict).toBe('correct');
  });

  test.each([
    ['wrong-pattern', '1', 'The red kite is to the left of the blue kite: "(left) ?? blue ?? red ?? (right)".'],
    ['wrong-pattern', '1', 'The red kite is to the left of the blue kite: "(left) ?? red ? blue ?? (right)".'],
    ['not-a-statement', '1', 'The blue kite is to the left of the red kite: "(left) ?? blue ?? red ?? (right)".'],
    ['wrong-ends', '2', 'The green kite is the leftmost: "(cheapest) green ?? (most expensive)".'],
    ['wrong-ends', '2', 'The green kite is the leftmost: "green ??".'],
    ['unknown-object', '2', 'The green kite is the leftmost: "(left) pink ?? (right)".'],
    ['wrong-length', '4', 'Combining (1) and (2) we get the following ordering: "(left) green blue (right)".'],
    ['wrong-count', '3', 'There are in total four kites: a red kite, a blue kite, and a green kite.'],
    ['missing-object', '3', 'There are in total three kites: a red kite, and a blue kite.'],
    ['unknown-step', '4', 'Combining (1) and (5) we get the following ordering: "(left) green red blue (right)".'],
    ['does-not-follow', '4', 'Combining (1) and (3) we get the following ordering: "(left) green red blue (right)".'],
    ['contradicts', '4', 'Combining (1) and (2) we get the following ordering: "(left) red blue green (right)".'],
    ['wrong-reading', '5', 'According to this ordering, the kite that is rightmost is the red kite.'],
  ] as const)('%s', (errorClass, step, text) => {
    expect(judge({ [step]: text })).toMatchObject({ verdict: 'incorrect', errorClass, step });
  });

  test('a counterexample is given where a combination does not follow', () => {
    const text = 'Combining (1) and (3) we get the following ordering: "(left) green red blue (right)".';
    expect(judge({ 4: text })).toMatchObject({ reason: 'the cited steps also allow (left) red blue green (right)' });
  });

  test('a line that says something else as well is not accepted unchecked', () => {
    for (const [at, text] of [
      [5, 'According to this ordering, the kite that is rightmost and newest is the blue kite.'],
      [4, 'Combining all steps we get the following ordering: "(left) green red blue (right)".'],
      [3, 'There are in total three lovely kites: a red kite, a blue kite, and a green kite.'],
    ] as const) {
      expect({ text, verdict: judge({ [at]: text }) }).toMatchObject({
        verdict: { verdict: 'error', errorClass: 'unchecked-line' },
      });
    }
    expect(judge({}, 'It is a fine day. So the answer is (B).')).toMatchObject({ errorClass: 'unchecked-line' });
  });

  test('paragraphs without a single answer are not judged', () => {
    const question = kites.question.replace(' The green kite is the leftmost.', '');
    expect(judge({}, final, { ...kites, question })).toMatchObject({ errorClass: 'unreadable-question' });
    expect(judge({}, final, { ...kites, answer: 'A' })).toMatchObject({ errorClass: 'target-mismatch' });
  });
});

test('a configuration with too few objects is refused by name', () => {
  expect(script().configure({ seen: [2] })).toEqual({
    ok: false,
    message: 'logical-deduction: seen[0] must be an integer from 3 to 8',
  });
});
