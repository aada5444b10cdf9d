import { div, mul, scale, sub } from '../../onnx/ops';
import { gradOf, inputOf, outputOf, unbroadcast, type GradientRule } from '../rule';

/** Broadcast pairs that every two-input rule is checked on. */
const pairs = (domain: { readonly from?: number; readonly to?: number } = {}) => [
  { inputs: [{ shape: [2, 3] }, { shape: [2, 3], ...domain }] },
  { inputs: [{ shape: [2, 1, 3] }, { shape: [4, 1], ...domain }] },
  { inputs: [{ shape: [3] }, { shape: [], ...domain }] },
];

/** d(x + y) = dx + dy. */
const addRule: GradientRule = {
  op: 'Add',
  since: 14,
  vjp: (b, node, grads) => {
    const dy = gradOf(node, grads);
    return node.inputs.map((input) => () => unbroadcast(b, dy, input));
  },
  examples: pairs(),
};

/** d(x - y) = dx - dy. */
const subRule: GradientRule = {
  op: 'Sub',
  since: 14,
  vjp: (b, node, grads) => {
    const dy = gradOf(node, grads);
    return [() => unbroadcast(b, dy, inputOf(node, 0)), () => unbroadcast(b, b.one('Neg', [dy]), inputOf(node, 1))];
  },
  examples: pairs(),
};

/** d(x y) = y dx + x dy. */
const mulRule: GradientRule = {
  op: 'Mul',
  since: 14,
  vjp: (b, node, grads) => {
    const dy = gradOf(node, grads);
    const [x, y] = [inputOf(node, 0), inputOf(node, 1)];
    return [() => unbroadcast(b, mul(b, dy, y), x), () => unbroadcast(b, mul(b, dy, x), y)];
  },
  examples: pairs(),
};

/** d(x / y) = dx / y - (x / y) dy / y. */
const divRule: GradientRule = {
  op: 'Div',
  since: 14,
  vjp: (b, node, grads) => {
    const dy = gradOf(node, grads);
    const [x, y, out] = [inputOf(node, 0), inputOf(node, 1), outputOf(node, 0)];
    return [
      () => unbroadcast(b, div(b, dy, y), x),
      () => unbroadcast(b, b.one('Neg', [div(b, mul(b, dy, out), y)]), y),
    ];
  },
  examples: pairs({ from: 0.5, to: 2 }),
};

const negRule: GradientRule = {
  op: 'Neg',
  since: 13,
  vjp: (b, node, grads) => [() => b.one('Neg', [gradOf(node, grads)])],
  examples: [{ inputs: [{ shape: [2, 3] }] }],
};

/** d sqrt(x) = dx / (2 sqrt(x)). */
const sqrtRule: GradientRule = {
  op: 'Sqrt',
  since: 13,
  vjp: (b, node, grads) => [() => div(b, scale(b, gradOf(node, grads), 0.5), outputOf(node, 0))],
  examples: [{ inputs: [{ shape: [2, 3], from: 0.5, to: 2 }] }],
};

/** d exp(x) = exp(x) dx. */
const expRule: GradientRule = {
  op: 'Exp',
  since: 13,
  vjp: (b, node, grads) => [() => mul(b, gradOf(node, grads), outputOf(node, 0))],
  examples: [{ inputs: [{ shape: [2, 3] }] }],
};

/** d s = s (1 - s) dx. */
const sigmoidRule: GradientRule = {
  op: 'Sigmoid',
  since: 13,
  vjp: (b, node, grads) => {
    const s = outputOf(node, 0);
    return [() => mul(b, gradOf(node, grads), mul(b, s, sub(b, b.scalar(s.dtype, 1), s)))];
  },
  examples: [{ inputs: [{ shape: [2, 3] }] }],
};

const identityRule: GradientRule = {
  op: 'Identity',
  since: 21,
  vjp: (b, node, grads) => [() => b.one('Identity', [gradOf(node, grads)])],
  examples: [{ inputs: [{ shape: [2, 3] }] }],
};

/** The gradient goes to the branch that was taken. */
const whereRule: GradientRule = {
  op: 'Where',
  since: 16,
  vjp: (b, node, grads) => {
    const dy = gradOf(node, grads);
    const [condition, x, y] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2)];
    const zero = b.scalar(dy.dtype, 0);
    return [
      null,
      () => unbroadcast(b, b.one('Where', [condition, dy, zero]), x),
      () => unbroadcast(b, b.one('Where', [condition, zero, dy]), y),
    ];
  },
  examples: [
    { inputs: [{ bools: [1, 0, 0, 1, 1, 0], shape: [2, 3] }, { shape: [2, 3] }, { shape: [3] }], wrt: [1, 2] },
  ],
};

export const elementwise: readonly GradientRule[] = [
  addRule,
  subRule,
  mulRule,
  divRule,
  negRule,
  sqrtRule,
  expRule,
  sigmoidRule,
  identityRule,
  whereRule,
];
