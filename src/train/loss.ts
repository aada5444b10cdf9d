import type { GraphBuilder, Value } from '../onnx/graph';
import { mul, sumAll } from '../onnx/ops';

/**
 * What the weighted sum of token losses is divided by.
 * `tokens`: Σ m, the tokens that count at all: TriPosT's code (the weight is not in the denominator).
 * `weights`: Σ m·w, a weighted mean.
 */
export type Normaliser = 'tokens' | 'weights';

/**
 * Weighted next-token cross entropy.
 *
 * logits [N, V] float32 · targets [N] int64 · weight [N] float32, 0 = not trained on · scale: a scalar, 1 / normaliser
 * nll [N], nats · loss = scale · Σ weight · nll (scalar, nats per normaliser unit)
 *
 * The normaliser is known before the graph runs, so it comes in as a number; a batch where it is 0 is refused in
 * src/train/batches.ts. TriPosT (arXiv 2310.13522) §1.5: section weights enter here, not in the sampler.
 */
export const weightedCrossEntropy = (
  b: GraphBuilder,
  logits: Value,
  targets: Value,
  weight: Value,
  scale: Value,
): { readonly loss: Value; readonly nll: Value } => {
  const nll = b.one('SoftmaxCrossEntropyLoss', [logits, targets], { reduction: 'none' });
  return { loss: mul(b, sumAll(b, mul(b, nll, weight)), scale), nll };
};
