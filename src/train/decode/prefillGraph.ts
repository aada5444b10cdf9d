import { GraphBuilder, type Graph, type Value } from '../../onnx/graph';
import { add, gather, matMul, reshape, transpose, transposeLast } from '../../onnx/ops';
import type { ModelShape } from '../modelShape';
import { weightValues, type DecodeWeights } from './decodeWeights';
import { decoderLayers, embedded, logitsOf, type DecodeValues, type LayerHeads } from './layers';
import { cacheNames } from './stepGraph';

/** Attention of whole rows: the context [B, T, H·d] of heads [B, ·, T, d]; mask [T, T]. */
const attendToRow = (b: GraphBuilder, shape: ModelShape, { q, k, v }: LayerHeads, mask: Value): Value => {
  const { heads, kvHeads, headDim } = shape;
  const isShared = heads !== kvHeads;
  const shared = (x: Value): Value => (isShared ? reshape(b, x, [0, 0, 1, -1, headDim]) : x);
  const grouped = isShared ? reshape(b, q, [0, kvHeads, heads / kvHeads, -1, headDim]) : q;
  const scores = add(b, matMul(b, grouped, transposeLast(b, shared(k))), mask);
  const context = matMul(b, b.one('Softmax', [scores], { axis: -1 }), shared(v));
  return reshape(b, transpose(b, context, isShared ? [0, 3, 1, 2, 4] : [0, 2, 1, 3]), [0, 0, heads * headDim]);
};

interface Reading {
  /** Normed hidden states [B·T, D]. */
  readonly hidden: Value;
  readonly w: DecodeValues;
  /** Keys and values [B, KV, T, d] of each layer. */
  readonly caches: readonly LayerHeads[];
}

/** Reads B rows padded on the right to T. Feeds: ids and positions [B, T] int64; mask [T, T], causal. */
const reading = (b: GraphBuilder, shape: ModelShape, weights: DecodeWeights): Reading => {
  const ids = b.input('ids', 'int64', ['batch', 'length']);
  const positions = b.input('positions', 'int64', ['batch', 'length']);
  const mask = b.input('mask', 'float32', ['length', 'length']);
  const w = weightValues(b, weights);
  const caches: LayerHeads[] = [];
  const all = shape.heads + 2 * shape.kvHeads;
  const byHead = (x: Value): Value => transpose(b, reshape(b, x, [0, 0, all, shape.headDim]), [0, 2, 1, 3]);
  const hidden = decoderLayers(b, w, shape, embedded(b, w, ids), positions, byHead, (_, heads) => {
    caches.push(heads);
    return attendToRow(b, shape, heads, mask);
  });
  return { hidden: reshape(b, hidden, [-1, shape.hiddenSize]), w, caches };
};

/**
 * Reads B prompts at once, padded on the right to T, a multiple of `cacheMultiple`; a row's results depend neither on the
 * others nor on T.
 *
 * Feeds: ids and positions [B, T] int64; mask [T, T], 0 or `masked`; last [B] int64, where in [B·T] each prompt's last
 * token is. Fetches: logits [B, V] behind it; made.<layer>.key and .value [B, KV, T, d].
 */
export const prefillGraph = (shape: ModelShape, weights: DecodeWeights): Graph => {
  const b = new GraphBuilder('prefill');
  const { hidden, w, caches } = reading(b, shape, weights);
  const last = b.input('last', 'int64', ['batch']);
  b.output('logits', logitsOf(b, w, gather(b, hidden, last, 0)));
  const names = cacheNames('made', shape.layers);
  caches.forEach(({ k, v }, i) => {
    const [key = '', value = ''] = names[i] ?? [];
    b.output(key, k);
    b.output(value, v);
  });
  return b.build();
};

/**
 * Log-probabilities (nats) of given next tokens. Feeds: as prefillGraph's, but for `last` targets [B·T, 1] int64.
 * Fetches logprobs [B·T, 1].
 */
export const scoreGraph = (shape: ModelShape, weights: DecodeWeights): Graph => {
  const b = new GraphBuilder('score');
  const { hidden, w } = reading(b, shape, weights);
  const targets = b.input('targets', 'int64', ['targets', 1]);
  const logprobs = b.one('LogSoftmax', [logitsOf(b, w, hidden)], { axis: -1 });
  b.output('logprobs', b.one('GatherElements', [logprobs, targets], { axis: 1 }));
  return b.build();
};
