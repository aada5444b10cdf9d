import { GraphError, sizeOf, staticShape, type GraphBuilder, type Value } from '../../onnx/graph';
import { mul, reduceMean, reduceSum, reshape, sub } from '../../onnx/ops';
import { gradOf, inputOf, outputOf, type GradientRule } from '../rule';

// Operators that stand for a whole part of a decoder.

/**
 * y = x̂ w with x̂ = x r, r = 1 / rms(x): dx = r (w dy - x̂ mean(w dy x̂)), dw = Σ dy x̂ over all rows. The mean is no product
 * with a vector: that kernel's sums depend on the number of threads (bench/determinism.ts would show it).
 */
const simplifiedLayerNormalizationRule: GradientRule = {
  op: 'SimplifiedLayerNormalization',
  since: 1,
  vjp: (b, node, grads) => {
    if (grads[1] !== undefined) throw new GraphError(node.name, 'the gradient of 1 / rms is not supported');
    const dy = gradOf(node, grads);
    const [x, weight, r] = [inputOf(node, 0), inputOf(node, 1), outputOf(node, 1)];
    const shape = staticShape(x);
    const width = shape[shape.length - 1] ?? 1;
    const rows = sizeOf(shape) / width;
    let made: Value | undefined;
    const normed = (): Value => {
      made ??= mul(b, x, r);
      return made;
    };
    return [
      () => {
        const scaled = mul(b, dy, weight);
        const mean = reduceMean(b, mul(b, scaled, normed()), [-1], true);
        return mul(b, sub(b, scaled, mul(b, normed(), mean)), r);
      },
      () => reduceSum(b, reshape(b, mul(b, dy, normed()), [rows, width]), [0], false),
    ];
  },
  examples: [
    {
      inputs: [{ shape: [3, 4] }, { shape: [4] }],
      attributes: { axis: -1, epsilon: { float: 1e-5 }, stash_type: 1 },
    },
    {
      inputs: [{ shape: [2, 2, 3, 4] }, { shape: [4] }],
      attributes: { axis: -1, epsilon: { float: 1e-2 }, stash_type: 1 },
    },
  ],
};

const negative = (b: GraphBuilder, table: Value): Value => {
  const { constant } = table;
  if (constant === undefined) return b.one('Neg', [table]);
  return b.constant(
    table.dtype,
    constant.dims,
    Array.from(constant.data, Number).map((value) => -value),
  );
};

/** A turn: its gradient is the turn back. Positions and tables have none. */
const rotaryEmbeddingRule: GradientRule = {
  op: 'RotaryEmbedding',
  since: 1,
  vjp: (b, node, grads) => {
    const [positions, cos, sin] = [inputOf(node, 1), inputOf(node, 2), inputOf(node, 3)];
    return [
      () => b.one('RotaryEmbedding', [gradOf(node, grads), positions, cos, negative(b, sin)], node.attributes),
      null,
      null,
      null,
    ];
  },
  examples: [
    {
      inputs: [{ shape: [2, 3, 8] }, { ints: [0, 1, 2, 2, 0, 1], shape: [2, 3] }, { shape: [3, 2] }, { shape: [3, 2] }],
      attributes: { num_heads: 2, interleaved: 0, scale: { float: 1 } },
      wrt: [0],
    },
  ],
};

export const model: readonly GradientRule[] = [simplifiedLayerNormalizationRule, rotaryEmbeddingRule];
