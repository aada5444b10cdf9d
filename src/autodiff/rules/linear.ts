import { gemm, matMul, reshape, transpose, transposeLast } from '../../onnx/ops';
import { staticShape } from '../../onnx/graph';
import { gradOf, inputOf, unbroadcast, type GradientRule } from '../rule';

/** Y = A B: dA = dY Bᵀ, dB = Aᵀ dY. A [..., M, K], B [..., K, N], dY [..., M, N]. */
const matMulRule: GradientRule = {
  op: 'MatMul',
  since: 13,
  vjp: (b, node, grads) => {
    const dy = gradOf(node, grads);
    const [x, y] = [inputOf(node, 0), inputOf(node, 1)];
    return [
      () => unbroadcast(b, matMul(b, dy, transposeLast(b, y)), x),
      () => unbroadcast(b, matMul(b, transposeLast(b, x), dy), y),
    ];
  },
  examples: [
    { inputs: [{ shape: [2, 3] }, { shape: [3, 4] }] },
    { inputs: [{ shape: [5, 2, 3] }, { shape: [3, 4] }] },
    { inputs: [{ shape: [2, 1, 2, 3] }, { shape: [4, 3, 2] }] },
  ],
};

/**
 * Y = op(A) op(B), each matrix transposed or not; both gradients are Gemms again. In Y = A Bᵀ, a linear's form, dB = dYᵀ A
 * is made of a transposed copy of dY: ONNX Runtime's product of plain matrices is faster than its own transposition by
 * more than the copy costs (3 to 5 % of a training step; the adapter keeps the optimiser from fusing them again). Where B is
 * wider than high, dBᵀ is made instead: the runtime divides a product among threads along its longer side, and where that
 * is the columns, its bits depend on the number of threads (test/adapters/onnxruntime.test.ts keeps the proof).
 */
const gemmRule: GradientRule = {
  op: 'Gemm',
  since: 13,
  vjp: (b, node, grads) => {
    const dy = gradOf(node, grads);
    const [x, y] = [inputOf(node, 0), inputOf(node, 1)];
    const transA = node.attributes['transA'] === 1;
    const transB = node.attributes['transB'] === 1;
    return [
      () => (transA ? gemm(b, y, dy, transB, true) : gemm(b, dy, y, false, !transB)),
      () => {
        if (!transB) return gemm(b, x, dy, !transA, false);
        const [rows = 1, columns = 1] = staticShape(y);
        if (rows >= columns || transA) return gemm(b, transpose(b, dy, [1, 0]), x, false, transA);
        return transpose(b, gemm(b, transpose(b, x, [1, 0]), dy), [1, 0]);
      },
    ];
  },
  examples: [
    { inputs: [{ shape: [2, 3] }, { shape: [3, 4] }], attributes: { transA: 0, transB: 0 } },
    { inputs: [{ shape: [3, 2] }, { shape: [3, 4] }], attributes: { transA: 1, transB: 0 } },
    { inputs: [{ shape: [2, 3] }, { shape: [4, 3] }], attributes: { transA: 0, transB: 1 } },
    { inputs: [{ shape: [3, 2] }, { shape: [4, 3] }], attributes: { transA: 1, transB: 1 } },
    { inputs: [{ shape: [2, 5] }, { shape: [3, 5] }], attributes: { transA: 0, transB: 1 } },
    { inputs: [{ shape: [5, 2] }, { shape: [3, 5] }], attributes: { transA: 1, transB: 1 } },
  ],
};

const transposeRule: GradientRule = {
  op: 'Transpose',
  since: 21,
  vjp: (b, node, grads) => {
    const perm = node.attributes['perm'];
    if (!Array.isArray(perm)) throw new Error(`Transpose node "${node.name}" has no perm`);
    const inverse = perm.map((_, i) => perm.indexOf(i));
    return [() => transpose(b, gradOf(node, grads), inverse)];
  },
  examples: [{ inputs: [{ shape: [2, 3, 4] }], attributes: { perm: [2, 0, 1] } }],
};

const reshapeRule: GradientRule = {
  op: 'Reshape',
  since: 21,
  vjp: (b, node, grads) => [() => reshape(b, gradOf(node, grads), staticShape(inputOf(node, 0))), null],
  examples: [{ inputs: [{ shape: [2, 6] }, { ints: [3, 4] }] }],
};

const expandRule: GradientRule = {
  op: 'Expand',
  since: 13,
  vjp: (b, node, grads) => [() => unbroadcast(b, gradOf(node, grads), inputOf(node, 0)), null],
  examples: [{ inputs: [{ shape: [2, 1] }, { ints: [3, 2, 4] }] }],
};

export const linear: readonly GradientRule[] = [matMulRule, gemmRule, transposeRule, reshapeRule, expandRule];
