import { cast, gemm, oneHot, reshape } from '../../onnx/ops';
import { GraphError, sizeOf, staticShape } from '../../onnx/graph';
import type { DType } from '../../ports/tensorRuntime';
import { gradOf, inputOf, outputOf, type GradientRule } from '../rule';

const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

/**
 * Rows of a table: dtable = onehot(indices)ᵀ dY. A Gemm has a fixed order of summation, which a scatter with reduction
 * has not: ScatterND(add) loses updates on threads in ONNX Runtime 1.30 (test/adapters/onnxruntime.test.ts keeps the proof),
 * and on CUDA every scatter with reduction is an atomic race.
 */
const gatherRule: GradientRule = {
  op: 'Gather',
  since: 13,
  vjp: (b, node, grads) => {
    const [table, indices] = [inputOf(node, 0), inputOf(node, 1)];
    if (node.attributes['axis'] !== 0) throw new GraphError(node.name, 'Gather has a gradient along axis 0 only');
    const [rows = 1, ...rest] = staticShape(table);
    const count = sizeOf(staticShape(indices));
    return [
      () => {
        const hot = oneHot(b, reshape(b, indices, [count]), rows, table.dtype);
        return reshape(b, gemm(b, hot, reshape(b, gradOf(node, grads), [count, sizeOf(rest)]), true, false), [
          rows,
          ...rest,
        ]);
      },
      null,
    ];
  },
  examples: [
    { inputs: [{ shape: [5, 3] }, { ints: [4, 0, 4, 4], shape: [2, 2] }], attributes: { axis: 0 }, wrt: [0] },
    { inputs: [{ shape: [3, 2, 2] }, { ints: [1] }], attributes: { axis: 0 }, wrt: [0] },
  ],
};

/** A change between float types; to or from integers there is nothing to differentiate. */
const castRule: GradientRule = {
  op: 'Cast',
  since: 21,
  vjp: (b, node, grads) => {
    const { dtype } = inputOf(node, 0);
    return [isFloat(dtype) && isFloat(outputOf(node, 0).dtype) ? () => cast(b, gradOf(node, grads), dtype) : null];
  },
  examples: [{ inputs: [{ shape: [2, 3] }], attributes: { to: 11 } }],
};

export const indexing: readonly GradientRule[] = [gatherRule, castRule];
