import { add, cast, gather, gemm, oneHot, reshape, scale } from '../../onnx/ops';
import { GraphError, sizeOf, staticShape, type GraphBuilder, type Value } from '../../onnx/graph';
import type { DType } from '../../ports/tensorRuntime';
import { gradOf, inputOf, outputOf, type GradientRule } from '../rule';

const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

/** Sums over the rows of dY whose index is k, for every k below `rows`: onehot(indices)ᵀ dY. */
const sumsByIndex = (b: GraphBuilder, indices: Value, rows: number, dy: Value): Value =>
  gemm(b, oneHot(b, indices, rows, dy.dtype), dy, true, false);

/** For every row of dY the sum of all rows that have its index: equal rows of the result for equal indices. */
const sumsOfOwnIndex = (b: GraphBuilder, indices: Value, count: number, dy: Value): Value => {
  const same = b.one('Equal', [reshape(b, indices, [count, 1]), reshape(b, indices, [1, count])]);
  return gemm(b, cast(b, same, dy.dtype), dy);
};

/**
 * Rows of a table. Sums over repeated indices are Gemms, which have a fixed order of summation; a scatter with reduction
 * has not: ScatterND(add) loses updates on threads in ONNX Runtime 1.30 (test/adapters/onnxruntime.test.ts keeps the
 * proof), and on CUDA every scatter with reduction is an atomic race.
 *
 * A table of few rows gets dtable = onehot(indices)ᵀ dY. In a large one (a vocabulary) only the rows that were read are
 * written, by a scatter without reduction: where an index repeats, it writes the same sum again.
 */
const gatherRule: GradientRule = {
  op: 'Gather',
  since: 13,
  vjp: (b, node, grads) => {
    const [table, indices] = [inputOf(node, 0), inputOf(node, 1)];
    if (node.attributes['axis'] !== 0) throw new GraphError(node.name, 'Gather has a gradient along axis 0 only');
    const [rows = 1, ...rest] = staticShape(table);
    const count = sizeOf(staticShape(indices));
    const width = sizeOf(rest);
    const flat = (): Value => reshape(b, gradOf(node, grads), [count, width]);
    const index = (): Value => reshape(b, indices, [count]);
    if (rows <= 2 * count) return [() => reshape(b, sumsByIndex(b, index(), rows, flat()), [rows, ...rest]), null];
    const write = (onto: Value, summed: Value): Value => {
      const written = b.one('ScatterND', [reshape(b, onto, [rows, width]), reshape(b, indices, [count, 1]), summed]);
      return reshape(b, written, [rows, ...rest]);
    };
    const sums = (): Value => sumsOfOwnIndex(b, index(), count, flat());
    return [
      {
        alone: () => write(scale(b, table, 0), sums()),
        onto: (before) => write(before, add(b, gather(b, reshape(b, before, [rows, width]), index(), 0), sums())),
      },
      null,
    ];
  },
  examples: [
    { inputs: [{ shape: [5, 3] }, { ints: [4, 0, 4, 4], shape: [2, 2] }], attributes: { axis: 0 }, wrt: [0] },
    { inputs: [{ shape: [3, 2, 2] }, { ints: [1] }], attributes: { axis: 0 }, wrt: [0] },
    { inputs: [{ shape: [9, 3] }, { ints: [7, 0, 7, 7], shape: [2, 2] }], attributes: { axis: 0 }, wrt: [0] },
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
