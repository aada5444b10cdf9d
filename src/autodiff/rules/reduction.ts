import { div, mul, reduceSum, reshape, scale, sub } from '../../onnx/ops';
import { sizeOf, staticShape, type GraphBuilder, type Node, type Value } from '../../onnx/graph';
import { gradOf, inputOf, outputOf, type GradientRule } from '../rule';

const axesOf = (node: Node): readonly number[] => {
  const rank = inputOf(node, 0).shape.length;
  const data = inputOf(node, 1).constant?.data;
  if (data === undefined) throw new Error(`${node.op} node "${node.name}" has no constant axes`);
  return Array.from(data, Number).map((axis) => (axis < 0 ? axis + rank : axis));
};

/** A reduced gradient spread back over the axes it was summed along. */
const spread = (b: GraphBuilder, node: Node, grad: Value): Value => {
  const shape = staticShape(inputOf(node, 0));
  const axes = new Set(axesOf(node));
  const kept = reshape(
    b,
    grad,
    shape.map((dim, i) => (axes.has(i) ? 1 : dim)),
  );
  return b.one('Expand', [kept, b.ints(shape)]);
};

const reduceSumRule: GradientRule = {
  op: 'ReduceSum',
  since: 13,
  vjp: (b, node, grads) => [() => spread(b, node, gradOf(node, grads)), null],
  examples: [
    { inputs: [{ shape: [2, 3, 4] }, { ints: [1] }], attributes: { keepdims: 0 } },
    { inputs: [{ shape: [2, 3] }, { ints: [0, 1] }], attributes: { keepdims: 1 } },
    { inputs: [{ shape: [2, 3] }, { ints: [-1] }], attributes: { keepdims: 1 } },
  ],
};

const reduceMeanRule: GradientRule = {
  op: 'ReduceMean',
  since: 18,
  vjp: (b, node, grads) => {
    const shape = staticShape(inputOf(node, 0));
    const count = sizeOf(axesOf(node).map((axis) => shape[axis] ?? 1));
    // Divided, not scaled by 1 / count: a count is exact in float32, its reciprocal is not.
    return [() => spread(b, node, div(b, gradOf(node, grads), b.scalar(inputOf(node, 0).dtype, count))), null];
  },
  examples: [{ inputs: [{ shape: [2, 3, 4] }, { ints: [-1] }], attributes: { keepdims: 1 } }],
};

/** d Σ x² = 2 x dx. */
const reduceSumSquareRule: GradientRule = {
  op: 'ReduceSumSquare',
  since: 18,
  vjp: (b, node, grads) => [() => mul(b, scale(b, inputOf(node, 0), 2), spread(b, node, gradOf(node, grads))), null],
  examples: [
    { inputs: [{ shape: [2, 3] }, { ints: [0] }], attributes: { keepdims: 0 } },
    { inputs: [{ shape: [2, 3] }, { ints: [0, 1] }], attributes: { keepdims: 1 } },
  ],
};

const axisOf = (node: Node): number => {
  const { axis } = node.attributes;
  if (typeof axis !== 'number') throw new Error(`${node.op} node "${node.name}" has no axis`);
  return axis;
};

/** y = softmax(x): dx = y (dy - Σ dy y). */
const softmaxRule: GradientRule = {
  op: 'Softmax',
  since: 13,
  vjp: (b, node, grads) => {
    const dy = gradOf(node, grads);
    const y = outputOf(node, 0);
    return [() => mul(b, y, sub(b, dy, reduceSum(b, mul(b, dy, y), [axisOf(node)], true)))];
  },
  examples: [
    { inputs: [{ shape: [2, 3] }], attributes: { axis: -1 } },
    { inputs: [{ shape: [2, 3, 4] }], attributes: { axis: 1 } },
  ],
};

/** y = log softmax(x): dx = dy - exp(y) Σ dy. */
const logSoftmaxRule: GradientRule = {
  op: 'LogSoftmax',
  since: 13,
  vjp: (b, node, grads) => {
    const dy = gradOf(node, grads);
    return [() => sub(b, dy, mul(b, b.one('Exp', [outputOf(node, 0)]), reduceSum(b, dy, [axisOf(node)], true)))];
  },
  examples: [{ inputs: [{ shape: [2, 3] }], attributes: { axis: -1 } }],
};

/**
 * Per-row loss of logits [N, V] against targets [N]: d logits = softmax dloss - onehot dloss, from the node's second
 * output; the targets' places are written by a scatter, one a row. A gradient that arrives at the log-probabilities
 * themselves is refused: nothing of ours reads them.
 */
const softmaxCrossEntropyLossRule: GradientRule = {
  op: 'SoftmaxCrossEntropyLoss',
  since: 13,
  vjp: (b, node, grads) => {
    if (grads[1] !== undefined) throw new Error(`node "${node.name}": the gradient of log_prob is not supported`);
    const logProb = outputOf(node, 1);
    const [rows = 1] = staticShape(logProb);
    return [
      () => {
        const dLoss = reshape(b, gradOf(node, grads), [rows, 1]);
        const targets = reshape(b, inputOf(node, 1), [rows, 1]);
        const scaled = mul(b, b.one('Exp', [logProb]), dLoss);
        const atTarget = sub(b, b.one('GatherElements', [scaled, targets], { axis: 1 }), dLoss);
        return b.one('ScatterElements', [scaled, targets, atTarget], { axis: 1 });
      },
      null,
    ];
  },
  examples: [{ inputs: [{ shape: [4, 5] }, { ints: [1, 0, 4, 4] }], attributes: { reduction: 'none' }, wrt: [0] }],
};

export const reduction: readonly GradientRule[] = [
  reduceSumRule,
  reduceSumSquareRule,
  reduceMeanRule,
  softmaxRule,
  logSoftmaxRule,
  softmaxCrossEntropyLossRule,
];
