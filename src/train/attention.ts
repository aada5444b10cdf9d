import type { GraphBuilder, Value } from '../onnx/graph';
import { add, matMul, mul, reduceSum, scale, sub, transposeLast } from '../onnx/ops';

/**
 * Scaled dot-product attention: softmax(q kᵀ / √d + mask) v, with q [..., T, d], k and v [..., S, d], mask broadcastable
 * against [..., T, S].
 *
 * One region: its gradient needs the row sums of dP ∘ P, which are those of do ∘ o: a pass over the context instead of
 * over all scores. Dao et al. 2022 (FlashAttention), appendix B.
 */
export const scaledDotProduct = (b: GraphBuilder, q: Value, k: Value, v: Value, mask: Value): Value => {
  const factor = 1 / Math.sqrt(Number(q.shape[q.shape.length - 1]));
  let probabilities: Value | undefined;
  const [context] = b.region(
    [q, k, v],
    () => {
      const scores = scale(b, matMul(b, q, transposeLast(b, k)), factor);
      const p = b.one('Softmax', [add(b, scores, mask)], { axis: -1 });
      probabilities = p;
      return [matMul(b, p, v)];
    },
    ([o]) => ({
      vjp: ([grad]) => {
        const p = probabilities;
        if (p === undefined || o === undefined || grad === undefined) throw new Error('no gradient arrives');
        let made: Value | undefined;
        const dScores = (): Value => {
          made ??= mul(b, p, sub(b, matMul(b, grad, transposeLast(b, v)), reduceSum(b, mul(b, grad, o), [-1], true)));
          return made;
        };
        return [
          () => scale(b, matMul(b, dScores(), k), factor),
          () => scale(b, matMul(b, transposeLast(b, dScores()), q), factor),
          () => matMul(b, transposeLast(b, p), grad),
        ];
      },
    }),
  );
  if (context === undefined) throw new Error('attention has one output');
  return context;
};
