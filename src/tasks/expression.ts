/**
 * Integer expressions: parse, evaluate, reduce and print, without `eval` (the original runs `eval` on model text).
 * Exact on safe integers; whatever leaves them is refused.
 */
export type Operator = '+' | '-' | '*';

export type Expression =
  | { readonly kind: 'integer'; readonly value: number }
  /** A letter that stands for a sub-expression. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'negation'; readonly of: Expression }
  /** `a op b op c`, one operator fewer than operands; one operand only inside brackets, as in `(5)`. */
  | {
      readonly kind: 'chain';
      readonly operands: readonly Expression[];
      readonly operators: readonly Operator[];
      readonly bracketed: boolean;
    };

export type ParsedExpression =
  | { readonly ok: true; readonly expression: Expression }
  | {
      readonly ok: false;
      readonly code: 'unbalanced-brackets' | 'invalid-expression' | 'too-large';
      readonly message: string;
    };

export type Evaluated =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly message: string };

const maximumLength = 5000;
const maximumNesting = 100;

export const integer = (value: number): Expression => ({ kind: 'integer', value: value === 0 ? 0 : value });

const pair = (left: Expression, operator: Operator, right: Expression): Expression => ({
  kind: 'chain',
  operands: [left, right],
  operators: [operator],
  bracketed: true,
});

const isOperator = (token: string | undefined): token is Operator => token === '+' || token === '-' || token === '*';

/** The tokens of a text: integers, names of capital letters, operators and brackets; or the first bad character. */
const tokenize = (text: string): { readonly tokens: readonly string[]; readonly bad: string | undefined } => {
  const tokens: string[] = [];
  const content = text.trimEnd();
  const token = / *(\d+|[A-Z]+|[-+*()])/y;
  while (token.lastIndex < content.length) {
    const at = token.lastIndex;
    const found = token.exec(content)?.[1];
    if (found === undefined) return { tokens, bad: content.slice(at).trim()[0] ?? '' };
    tokens.push(found);
  }
  return { tokens, bad: undefined };
};

/** Whether every bracket is closed, in order. */
const isBalanced = (tokens: readonly string[]): boolean => {
  let open = 0;
  for (const token of tokens) {
    if (token === '(') open++;
    if (token === ')' && --open < 0) return false;
  }
  return open === 0;
};

const refuse = (
  code: 'unbalanced-brackets' | 'invalid-expression' | 'too-large',
  message: string,
): ParsedExpression => ({
  ok: false,
  code,
  message,
});

/** Parses `-3`, `(2 + 3 * 4)`, `((A - B) * C)`; never throws. */
export const parseExpression = (text: string): ParsedExpression => {
  if (text.length > maximumLength)
    return refuse('too-large', `the expression is longer than ${maximumLength} characters`);
  const { tokens, bad } = tokenize(text);
  if (bad !== undefined) return refuse('invalid-expression', `"${bad}" does not belong in an expression`);
  if (tokens.length === 0) return refuse('invalid-expression', 'the expression is empty');
  if (!isBalanced(tokens)) return refuse('unbalanced-brackets', 'the brackets do not match');

  let at = 0;
  let failure: ParsedExpression | undefined;
  const fail = (code: 'invalid-expression' | 'too-large', message: string): Expression => {
    failure ??= refuse(code, message);
    at = tokens.length;
    return integer(0);
  };
  const operand = (depth: number): Expression => {
    if (depth > maximumNesting) return fail('too-large', `the brackets nest deeper than ${maximumNesting}`);
    const token = tokens[at++];
    if (token === undefined) return fail('invalid-expression', 'a number is missing at the end');
    if (token === '(') {
      const inner = chain(depth + 1, true);
      if (tokens[at] === ')') at++;
      else return fail('invalid-expression', `"${tokens[at] ?? ''}" stands where an operator should be`);
      return inner;
    }
    if (token === '-') {
      const next = tokens[at];
      const of = operand(depth + 1);
      return next !== undefined && /^\d/.test(next) && of.kind === 'integer'
        ? integer(-of.value)
        : { kind: 'negation', of };
    }
    if (/^\d/.test(token)) {
      const value = Number(token);
      return Number.isSafeInteger(value) ? integer(value) : fail('too-large', `${token} is too large`);
    }
    if (/^[A-Z]/.test(token)) return { kind: 'name', name: token };
    return fail('invalid-expression', `"${token}" stands where a number should be`);
  };
  const chain = (depth: number, bracketed: boolean): Expression => {
    const first = operand(depth);
    const operands = [first];
    const operators: Operator[] = [];
    for (let token = tokens[at]; isOperator(token); token = tokens[at]) {
      at++;
      operators.push(token);
      operands.push(operand(depth));
    }
    return operators.length === 0 && !bracketed ? first : { kind: 'chain', operands, operators, bracketed };
  };
  const expression = chain(0, false);
  if (at < tokens.length) fail('invalid-expression', `"${tokens[at] ?? ''}" stands where an operator should be`);
  return failure ?? { ok: true, expression };
};

/** Prints with one space around operators, as `(14 - -3)`. */
export const printExpression = (expression: Expression): string => {
  if (expression.kind === 'integer') return String(expression.value);
  if (expression.kind === 'name') return expression.name;
  if (expression.kind === 'negation') {
    const inner = printExpression(expression.of);
    return /^[A-Z(]/.test(inner) ? `-${inner}` : `-(${inner})`;
  }
  const text = expression.operands
    .map((operand, i) => (i === 0 ? '' : ` ${expression.operators[i - 1] ?? '+'} `) + printExpression(operand))
    .join('');
  return expression.bracketed ? `(${text})` : text;
};

/** The names in order of first appearance. */
export const namesIn = (expression: Expression): readonly string[] => {
  if (expression.kind === 'name') return [expression.name];
  if (expression.kind === 'negation') return namesIn(expression.of);
  return expression.kind === 'chain' ? [...new Set(expression.operands.flatMap(namesIn))] : [];
};

/** Puts expressions in place of names; a name without one stays. */
export const substitute = (expression: Expression, of: (name: string) => Expression | undefined): Expression => {
  if (expression.kind === 'integer') return expression;
  if (expression.kind === 'name') return of(expression.name) ?? expression;
  if (expression.kind === 'negation') return { kind: 'negation', of: substitute(expression.of, of) };
  return { ...expression, operands: expression.operands.map((operand) => substitute(operand, of)) };
};

const combine = (left: number, operator: Operator, right: number): number => {
  const value = operator === '+' ? left + right : operator === '-' ? left - right : left * right;
  return Number.isSafeInteger(value) ? value : Number.NaN;
};

/**
 * The same tree with every operation in its own pair of brackets and no others: `(1 - 2 * 3)` as `(1 - (2 * 3))`,
 * `(5)` as `5`. Multiplication binds tighter; equal precedence goes from left to right.
 */
export const fullyBracketed = (expression: Expression): Expression => {
  if (expression.kind === 'negation') {
    const of = fullyBracketed(expression.of);
    return of.kind === 'integer' ? integer(-of.value) : { kind: 'negation', of };
  }
  if (expression.kind !== 'chain') return expression;
  const operands = expression.operands.map(fullyBracketed);
  const sums: { operator: Operator; term: Expression }[] = [];
  operands.forEach((term, i) => {
    const operator = i === 0 ? '+' : (expression.operators[i - 1] ?? '+');
    const last = sums.at(-1);
    if (operator === '*' && last !== undefined) last.term = pair(last.term, '*', term);
    else sums.push({ operator, term });
  });
  const [first, ...others] = sums;
  return others.reduce((left, { operator, term }) => pair(left, operator, term), first?.term ?? integer(0));
};

/** Whether two expressions are the same tree, whatever brackets they are written with. */
export const sameTree = (a: Expression, b: Expression): boolean =>
  printExpression(fullyBracketed(a)) === printExpression(fullyBracketed(b));

const fold = (expression: Expression, valueOf: (name: string) => number | undefined): number => {
  if (expression.kind === 'integer') return expression.value;
  if (expression.kind === 'name') return valueOf(expression.name) ?? Number.NaN;
  if (expression.kind === 'negation') return 0 - fold(expression.of, valueOf);
  const values = expression.operands.map((operand) => fold(operand, valueOf));
  return values.reduce((left, right, i) => combine(left, expression.operators[i - 1] ?? '+', right));
};

/** The value, with names read from `valueOf`. Refuses a name without value and anything beyond a safe integer. */
export const evaluate = (
  expression: Expression,
  valueOf: (name: string) => number | undefined = () => undefined,
): Evaluated => {
  const unknown = namesIn(expression).find((name) => valueOf(name) === undefined);
  if (unknown !== undefined) return { ok: false, message: `${unknown} has no value` };
  const value = fold(fullyBracketed(expression), valueOf);
  return Number.isNaN(value)
    ? { ok: false, message: 'the value is too large to be exact' }
    : { ok: true, value: value === 0 ? 0 : value };
};

/** One step of a fully bracketed expression: its leftmost innermost operation replaced by its value. */
const reduceOnce = (expression: Expression): Expression | undefined => {
  if (expression.kind === 'negation') {
    if (expression.of.kind === 'integer') return integer(-expression.of.value);
    const of = reduceOnce(expression.of);
    return of && { kind: 'negation', of };
  }
  if (expression.kind !== 'chain') return undefined;
  for (const [i, operand] of expression.operands.entries()) {
    const reduced = reduceOnce(operand);
    if (reduced) return { ...expression, operands: expression.operands.map((other, j) => (j === i ? reduced : other)) };
  }
  const value = fold(expression, () => undefined);
  return Number.isNaN(value) ? undefined : integer(value);
};

/**
 * The dataset's chain of rewritings: as written, fully bracketed where that differs, then one operation reduced at a
 * time down to an integer. For example `(2 + 3 * 4)`, `(2 + (3 * 4))`, `(2 + 12)`, `14`.
 */
export const reductions = (expression: Expression): readonly string[] => {
  const texts = [printExpression(expression)];
  for (let next: Expression | undefined = fullyBracketed(expression); next; next = reduceOnce(next)) {
    const text = printExpression(next);
    if (text !== texts.at(-1)) texts.push(text);
  }
  return texts;
};
