import type { Json } from '../../../events/digest';
import { type DrawKey, draws } from '../../../projections/random';
import { ConfigError, fieldsOf, integerAt, listAt, rangeAt } from '../configFields';
import { evaluate, type Expression, integer, type Operator, printExpression } from '../expression';
import type { Cell, GeneratedProblem } from '../task';

/**
 * Operands per level above the leaves, and numbers per leaf: `{depth: [2, 2], length: 3}` has 4 leaves of 3 numbers.
 */
export interface Shape {
  readonly depth: readonly number[];
  readonly length: number;
}

export interface Config {
  readonly operands: { readonly from: number; readonly to: number };
  readonly operators: readonly Operator[];
  readonly seen: readonly Shape[];
  readonly unseen: readonly Shape[];
}

const grid = (depths: readonly (readonly number[])[], lengths: readonly number[]): readonly Shape[] =>
  depths.flatMap((depth) => lengths.map((length) => ({ depth, length })));

/** The paper's grid: numbers from -9 to 9, train on the first four cells only. */
export const paperConfig: Config = {
  operands: { from: -9, to: 9 },
  operators: ['+', '-', '*'],
  seen: grid([[2], [2, 2]], [3, 4]),
  unseen: [...grid([[2], [2, 2]], [5, 6]), ...grid([[2, 2, 2]], [3, 4, 5, 6])],
};

const mostLeaves = 26;

const readShapes = (value: Json | undefined, field: string): readonly Shape[] =>
  listAt(value, field).map((item, i) => {
    const where = `${field}[${i}]`;
    const fields = fieldsOf(item, where, ['depth', 'length']);
    const depth = listAt(fields['depth'], `${where}.depth`).map((d, j) =>
      integerAt(d, `${where}.depth[${j}]`, 2, mostLeaves),
    );
    if (depth.reduce((a, b) => a * b, 1) > mostLeaves) {
      throw new ConfigError(`${where}.depth gives more than ${mostLeaves} leaves, one for each letter`);
    }
    return { depth, length: integerAt(fields['length'], `${where}.length`, 1, 20) };
  });

const isOperator = (value: Json): value is Operator => value === '+' || value === '-' || value === '*';

/** Reads a configuration; every field may be absent and is then the paper's. Throws a ConfigError. */
export const readConfig = (config: Json): Config => {
  const fields = fieldsOf(config, 'the configuration', ['operands', 'operators', 'seen', 'unseen']);
  const most = 1_000_000;
  const operators =
    fields['operators'] === undefined
      ? paperConfig.operators
      : listAt(fields['operators'], 'operators').map((operator, i) => {
          if (isOperator(operator)) return operator;
          throw new ConfigError(`operators[${i}] must be "+", "-" or "*"`);
        });
  return {
    operands:
      fields['operands'] === undefined ? paperConfig.operands : rangeAt(fields['operands'], 'operands', -most, most),
    operators: [...new Set(operators)],
    seen: fields['seen'] === undefined ? paperConfig.seen : readShapes(fields['seen'], 'seen'),
    unseen: fields['unseen'] === undefined ? paperConfig.unseen : readShapes(fields['unseen'], 'unseen'),
  };
};

export const cellName = ({ depth, length }: Shape): string => `${length}-[${depth.join(',')}]`;

/** The shape of an expression whose levels are all even; undefined for any other. */
const shapeOf = (expression: Expression): Shape | undefined => {
  if (expression.kind !== 'chain') return undefined;
  const { operands } = expression;
  if (operands.every((operand) => operand.kind === 'integer')) return { depth: [], length: operands.length };
  const shapes = operands.map(shapeOf);
  const [first] = shapes;
  if (!first || shapes.some((shape) => !shape || cellName(shape) !== cellName(first))) return undefined;
  return { depth: [operands.length, ...first.depth], length: first.length };
};

/** The cell of an expression under the paper's grid; `other` where it is outside of it or uneven. */
export const cellOfExpression = (expression: Expression): Cell => {
  const shape = shapeOf(expression);
  const name = shape ? cellName(shape) : 'other';
  return { name, seen: paperConfig.seen.some((other) => cellName(other) === name) };
};

const drawExpression = (config: Config, shape: Shape, key: DrawKey): Expression => {
  const stream = draws(key);
  let at = 0;
  const { from, to } = config.operands;
  const build = (depth: readonly number[]): Expression => {
    const [size, ...below] = depth;
    const operands = Array.from({ length: size ?? shape.length }, () =>
      size === undefined ? integer(from + stream.integer(at++, to - from + 1)) : build(below),
    );
    const operators = operands
      .slice(1)
      .map(() => config.operators[stream.integer(at++, config.operators.length)] ?? '+');
    return { kind: 'chain', operands, operators, bracketed: true };
  };
  return build(shape.depth);
};

const mostRedraws = 1000;

/**
 * The index-th problem: cells in turn, operands and operators uniform. An expression whose value is no safe integer is
 * drawn again.
 */
export const generate = (config: Json, seed: number, cells: 'seen' | 'unseen', index: number): GeneratedProblem => {
  const read = readConfig(config);
  const shape = read[cells][index % read[cells].length] ?? { depth: [2], length: 3 };
  for (let redraw = 0; redraw < mostRedraws; redraw++) {
    const expression = drawExpression(read, shape, ['multistep-arithmetic', seed, cells, index, redraw]);
    const value = evaluate(expression);
    if (!value.ok) continue;
    return {
      question: `${printExpression(expression)} =`,
      options: null,
      answer: String(value.value),
      cell: { name: cellName(shape), seen: cells === 'seen' },
    };
  }
  throw new Error(
    `multistep-arithmetic: no safe integer value in ${mostRedraws} draws of cell ${cellName(shape)}; narrow the operands`,
  );
};
