import * as fc from 'fast-check';
import {
  evaluate,
  type Expression,
  fullyBracketed,
  integer,
  type Operator,
  parseExpression,
  printExpression,
  reductions,
  sameTree,
} from '../../src/tasks/expression';

const parse = (text: string): Expression => {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.expression;
};

test.each([
  ['14 - -3', '14 - -3', 17],
  ['(14--3)', '(14 - -3)', 17],
  ['2 + 3 * 4', '2 + 3 * 4', 14],
  ['((2 + 3) * 4)', '((2 + 3) * 4)', 20],
  ['7 - 2 - 1', '7 - 2 - 1', 4],
  ['-(2 + 3)', '-(2 + 3)', -5],
  ['--3', '-(-3)', 3],
  ['(5)', '(5)', 5],
  ['0 * -4', '0 * -4', 0],
])('%s prints as %s and is %d', (text, printed, value) => {
  expect(printExpression(parse(text))).toBe(printed);
  expect(evaluate(parse(text))).toEqual({ ok: true, value });
});

test.each([
  ['', 'invalid-expression', 'the expression is empty'],
  ['(2 + 3', 'unbalanced-brackets', 'the brackets do not match'],
  [')2 + 3(', 'unbalanced-brackets', 'the brackets do not match'],
  ['2 +', 'invalid-expression', 'a number is missing at the end'],
  ['2 3', 'invalid-expression', '"3" stands where an operator should be'],
  ['(2 3)', 'invalid-expression', '"3" stands where an operator should be'],
  ['2 + * 3', 'invalid-expression', '"*" stands where a number should be'],
  ['()', 'invalid-expression', '")" stands where a number should be'],
  ['6 / 2', 'invalid-expression', '"/" does not belong in an expression'],
  ['2 + x', 'invalid-expression', '"x" does not belong in an expression'],
  ['9007199254740992', 'too-large', '9007199254740992 is too large'],
  [`${'('.repeat(200)}1${')'.repeat(200)}`, 'too-large', 'the brackets nest deeper than 100'],
  [' '.repeat(5001), 'too-large', 'the expression is longer than 5000 characters'],
])('%j is refused', (text, code, message) => {
  expect(parseExpression(text)).toEqual({ ok: false, code, message });
});

test('a value beyond the safe integers and a name without value are refused', () => {
  expect(evaluate(parse('9007199254740991 + 1'))).toEqual({ ok: false, message: 'the value is too large to be exact' });
  expect(evaluate(parse('9007199254740991 + 1 - 1')).ok).toBe(false);
  expect(evaluate(parse('(A - B)'), (name) => (name === 'A' ? 1 : undefined))).toEqual({
    ok: false,
    message: 'B has no value',
  });
});

test.each([
  ['(1 - 8 + 6 - -6)', ['(1 - 8 + 6 - -6)', '(((1 - 8) + 6) - -6)', '((-7 + 6) - -6)', '(-1 - -6)', '5']],
  ['(1 - -7 + -3 * 2)', ['(1 - -7 + -3 * 2)', '((1 - -7) + (-3 * 2))', '(8 + (-3 * 2))', '(8 + -6)', '2']],
  ['(5 - 8)', ['(5 - 8)', '-3']],
  ['(5)', ['(5)', '5']],
  ['5', ['5']],
  ['(2 * 3 * 4)', ['(2 * 3 * 4)', '((2 * 3) * 4)', '(6 * 4)', '24']],
])('%s reduces one operation at a time', (text, chain) => {
  expect(reductions(parse(text))).toEqual(chain);
});

test('brackets that change no tree are the same tree, equal values are not', () => {
  expect(sameTree(parse('2 + 3 * 4'), parse('((2) + (3 * 4))'))).toBe(true);
  expect(sameTree(parse('2 + 3 * 4'), parse('3 * 4 + 2'))).toBe(false);
  expect(sameTree(parse('(2 + 3) * 4'), parse('2 + 3 * 4'))).toBe(false);
});

const expressions: fc.Arbitrary<Expression> = fc.letrec<{ node: Expression }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.integer({ min: -9, max: 9 }).map(integer),
    fc
      .tuple(
        fc.array(tie('node'), { minLength: 1, maxLength: 4 }),
        fc.array(fc.constantFrom<Operator>('+', '-', '*'), { minLength: 3, maxLength: 3 }),
      )
      .map(
        ([operands, operators]): Expression => ({
          kind: 'chain',
          operands,
          operators: operators.slice(0, operands.length - 1),
          bracketed: true,
        }),
      ),
  ),
})).node;

/** The value in big integers, with the host's own precedence written out again. */
const bigValue = (expression: Expression): bigint => {
  if (expression.kind === 'integer') return BigInt(expression.value);
  if (expression.kind !== 'chain') throw new Error('not drawn');
  const sums: bigint[] = [];
  expression.operands.map(bigValue).forEach((value, i) => {
    const operator = expression.operators[i - 1];
    if (operator === '*') sums.push((sums.pop() ?? 1n) * value);
    else sums.push(operator === '-' ? -value : value);
  });
  return sums.reduce((a, b) => a + b, 0n);
};

test('printing and parsing are inverse, and every reduction keeps the value', () => {
  fc.assert(
    fc.property(expressions, (expression) => {
      expect(parse(printExpression(expression))).toEqual(expression);
      const value = evaluate(expression);
      fc.pre(value.ok);
      expect(BigInt(value.ok ? value.value : 0)).toBe(bigValue(expression));
      for (const text of reductions(expression)) expect(evaluate(parse(text))).toEqual(value);
      expect(reductions(expression).at(-1)).toBe(String(value.ok && value.value));
      expect(evaluate(fullyBracketed(expression))).toEqual(value);
    }),
  );
});

test('parsing never throws, and what it accepts prints in one form', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[-+*() 0-9A-C]{0,40}$/));
  fc.assert(
    fc.property(text, (input) => {
      const parsed = parseExpression(input);
      fc.pre(parsed.ok);
      const printed = printExpression(parse(input));
      expect(printExpression(parse(printed))).toBe(printed);
      expect(sameTree(parse(printed), parse(input))).toBe(true);
    }),
    { numRuns: 200 },
  );
});
