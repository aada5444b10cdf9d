import { type Expression, evaluate, integer, printExpression, reductions, substitute } from '../expression';
import type { Step } from './steps';

/** What the steps so far have settled. */
export interface State {
  /** The expression over names, once a step has rewritten the question. */
  readonly rewritten: Expression | undefined;
  readonly definitions: ReadonlyMap<string, Expression>;
  readonly values: ReadonlyMap<string, number>;
  /** The final equation's value, once stated. */
  readonly result: number | undefined;
}

export const initialState: State = {
  rewritten: undefined,
  definitions: new Map(),
  values: new Map(),
  result: undefined,
};

/** The value that the last term of a chain states. */
const statedValue = (terms: readonly { readonly text: string }[]): number | undefined => {
  const text = terms.at(-1)?.text ?? '';
  return /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) + 0 : undefined;
};

/** The state after a step; what the step leaves unreadable is left as it was. */
export const afterStep = (state: State, step: Step): State => {
  if (step.kind === 'rewrite') {
    const definitions = new Map(state.definitions);
    for (const { name, parsed } of step.definitions) if (parsed.ok) definitions.set(name, parsed.expression);
    return { ...state, rewritten: step.expression.ok ? step.expression.expression : state.rewritten, definitions };
  }
  const value = statedValue(step.terms);
  if (value === undefined) return state;
  return step.kind === 'equation'
    ? { ...state, result: value }
    : { ...state, values: new Map(state.values).set(step.name, value) };
};

/** `A` … `Z`, `AA` …: the i-th name. */
const nameOf = (i: number): string =>
  (i < 26 ? '' : nameOf(Math.floor(i / 26) - 1)) + String.fromCharCode('A'.charCodeAt(0) + (i % 26));

/** A bracket that holds numbers only. */
const isLeaf = (expression: Expression): boolean =>
  expression.kind === 'chain' && expression.operands.every((operand) => operand.kind !== 'chain');

/**
 * Names the leaves from left to right, each leaf its own name: two identical leaves are `(A + B)`, where the original
 * writes `(A + A)` and still defines both.
 */
export const nameLeaves = (
  expression: Expression,
): { readonly rewritten: Expression; readonly definitions: ReadonlyMap<string, Expression> } => {
  const definitions = new Map<string, Expression>();
  const walk = (part: Expression): Expression => {
    if (isLeaf(part)) {
      const name = nameOf(definitions.size);
      definitions.set(name, part);
      return { kind: 'name', name };
    }
    if (part.kind === 'negation') return { kind: 'negation', of: walk(part.of) };
    return part.kind === 'chain' ? { ...part, operands: part.operands.map(walk) } : part;
  };
  const rewritten = walk(expression);
  if (definitions.size > 0) return { rewritten, definitions };
  return { rewritten: { kind: 'name', name: 'A' }, definitions: definitions.set('A', expression) };
};

/** `X, Y and Z`. */
const enumerate = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;

/**
 * The reference solver from a state on: the texts of the steps still due, without ids, and the final response. It keeps
 * the state's own names, definitions and values.
 */
export const solveFrom = (
  state: State,
  question: Expression,
): { readonly steps: readonly string[]; readonly final: string } => {
  const steps: string[] = [];
  let { rewritten, definitions } = state;
  const values = new Map(state.values);
  if (!rewritten) {
    ({ rewritten, definitions } = nameLeaves(question));
    const where = [...definitions].map(([name, part]) => `${name} = ${printExpression(part)}`);
    steps.push(`This equation can be written as "${printExpression(rewritten)}", where ${enumerate(where)}.`);
  }
  for (const [name, part] of definitions) {
    if (values.has(name)) continue;
    const value = evaluate(part);
    if (value.ok) values.set(name, value.value);
    steps.push(`Let's calculate ${name} = ${reductions(part).join(' = ')}.`);
  }
  let result = state.result;
  if (result === undefined) {
    const valued = substitute(rewritten, (name) => {
      const value = values.get(name);
      return value === undefined ? undefined : integer(value);
    });
    const chain = reductions(valued);
    const value = evaluate(valued);
    result = value.ok ? value.value : undefined;
    const left = printExpression(rewritten);
    steps.push(`Then, the final equation is ${[left, ...chain.filter((term) => term !== left)].join(' = ')}.`);
  }
  return { steps, final: `So the answer is ${result ?? '?'}.` };
};
