import { GraphBuilder, type Graph, type Value } from '../onnx/graph';
import { add, cast, concat, div, gather, mul, reduceSum, reshape, sub } from '../onnx/ops';
import type { ModelShape } from './modelShape';
import {
  attention,
  causalMask,
  decoderStack,
  embed,
  growCache,
  head,
  parameterInputs,
  rotaryTables,
  type ParameterValues,
  type Rows,
} from './transformer';

/**
 * Samples one token per row from logits [B, V].
 *
 * The tokens are sorted by probability at the row's temperature (ties: lower id first); those beyond topK, or behind the
 * point where the mass before them has reached topP, are left out; the uniform draw u in [0, 1) picks from the rest.
 * topK = 1 is greedy decoding. Returns ids [B] and their log-probabilities (nats) under the model at temperature 1.
 */
const sampleToken = (
  b: GraphBuilder,
  logits: Value,
  vocabulary: number,
  batch: number,
  rows: { readonly temperature: Value; readonly topK: Value; readonly topP: Value; readonly u: Value },
): { readonly ids: Value; readonly logprobs: Value } => {
  const probabilities = b.one('Softmax', [div(b, logits, rows.temperature)], { axis: -1 });
  const [sorted, order] = b.emit('TopK', [probabilities, b.ints([vocabulary])], { axis: -1, largest: 1, sorted: 1 });
  if (sorted === undefined || order === undefined) throw new Error('TopK has two outputs');
  const cumulative = b.one('CumSum', [sorted, b.scalar('int64', 1)]);
  const rank = b.constant(
    'float32',
    [1, vocabulary],
    Array.from({ length: vocabulary }, (_, i) => i),
  );
  const zero = b.scalar('float32', 0);
  const withinP = b.one('Where', [b.one('Less', [sub(b, cumulative, sorted), rows.topP]), sorted, zero]);
  const kept = b.one('Where', [b.one('Less', [rank, rows.topK]), withinP, zero]);
  const mass = b.one('CumSum', [kept, b.scalar('int64', 1)]);
  const total = reduceSum(b, kept, [1], true);
  // The first place whose mass exceeds u·total: every place before it is counted.
  const passed = cast(b, b.one('Less', [mul(b, rows.u, total), mass]), 'float32');
  const place = sub(b, b.scalar('float32', vocabulary), reduceSum(b, passed, [1], true));
  const last = b.one('Min', [place, sub(b, countKept(b, kept), b.scalar('float32', 1))]);
  const ids = b.one('GatherElements', [order, cast(b, last, 'int64')], { axis: 1 });
  const logprobs = b.one('GatherElements', [b.one('LogSoftmax', [logits], { axis: -1 }), ids], { axis: 1 });
  return { ids: reshape(b, ids, [batch]), logprobs: reshape(b, logprobs, [batch]) };
};

const zeros = (n: number): readonly number[] => Array.from({ length: n }, () => 0);

const countKept = (b: GraphBuilder, kept: Value): Value =>
  reduceSum(b, cast(b, b.one('Less', [b.scalar('float32', 0), kept]), 'float32'), [1], true);

const decodeRows = (
  b: GraphBuilder,
  shape: ModelShape,
  tables: { readonly cos: Value; readonly sin: Value },
  positions: Value,
  batch: number,
  length: number,
): Rows => {
  const at = (table: Value): Value => reshape(b, gather(b, table, positions, 0), [batch, 1, length, shape.headDim]);
  return { batch, length, cos: at(tables.cos), sin: at(tables.sin) };
};

/** Reads the prompts: caches of every layer and the logits behind the last prompt token. */
const prefill = (
  b: GraphBuilder,
  p: ParameterValues,
  shape: ModelShape,
  ids: Value,
  positions: Value,
  pad: Value,
  tables: { readonly cos: Value; readonly sin: Value },
  batch: number,
  length: number,
) => {
  const rows = decodeRows(b, shape, tables, positions, batch, length);
  const mask = add(b, causalMask(b, length, shape.heads / shape.kvHeads), pad);
  const caches: Value[] = [];
  const x = reshape(b, embed(b, p, ids), [batch * length, shape.hiddenSize]);
  const hidden = decoderStack(b, p, shape, x, rows, (_, heads) => {
    caches.push(heads.k, heads.v);
    return attention(b, shape, heads, rows, mask);
  });
  const last = gather(b, reshape(b, hidden, [batch, length, shape.hiddenSize]), b.scalar('int64', length - 1), 1);
  return { caches, logits: head(b, p, shape, last) };
};

/**
 * Batched generation as one graph: the prompts are read at once, then a Loop decodes and samples up to `steps` tokens
 * with a growing key-value cache, until every row has made the end token. Prompts are padded on the left to `length`.
 *
 * Feeds: ids [B, P] and positions [B, P] int64; pad [B, 1, 1, P] float32, 0 or the mask value; lengths [B] int64 (real
 * prompt tokens); temperature, topK, topP [B, 1] float32; uniforms [steps, B, 1] float32; end (scalar int64); `param:`.
 * Fetches: tokens [n, B] int64 and logprobs [n, B] float32 with n ≤ steps; behind a row's end token, end tokens follow,
 * and the log-probabilities there mean nothing.
 */
export const decodeGraph = (shape: ModelShape, batch: number, length: number, steps: number): Graph => {
  const b = new GraphBuilder(`decode-${batch}x${length}+${steps}`);
  const { vocabSize, hiddenSize } = shape;
  const ids = b.input('ids', 'int64', [batch, length]);
  const positions = b.input('positions', 'int64', [batch, length]);
  const pad = b.input('pad', 'float32', [batch, 1, 1, length]);
  const lengths = b.input('lengths', 'int64', [batch]);
  const temperature = b.input('temperature', 'float32', [batch, 1]);
  const topK = b.input('topK', 'float32', [batch, 1]);
  const topP = b.input('topP', 'float32', [batch, 1]);
  const uniforms = b.input('uniforms', 'float32', [steps, batch, 1]);
  const end = b.input('end', 'int64', []);
  const p = parameterInputs(b, shape);
  const table = rotaryTables(shape, length + steps);
  const tables = {
    cos: b.constant('float32', [length + steps, shape.headDim], table.cos),
    sin: b.constant('float32', [length + steps, shape.headDim], table.sin),
  };
  const first = b.scope('prefill', () => prefill(b, p, shape, ids, positions, pad, tables, batch, length));

  const body = new GraphBuilder('decode', b);
  const iteration = body.input('loop:iteration', 'int64', []);
  body.input('loop:condition', 'bool', []);
  const logits = body.input('loop:logits', 'float32', [batch, vocabSize]);
  const done = body.input('loop:done', 'bool', [batch]);
  const position = body.input('loop:position', 'int64', [batch]);
  const mask = body.input('loop:mask', 'float32', [batch, 1, 1, 'seen']);
  const caches = first.caches.map((cache, i) =>
    body.input(
      `loop:cache${i}`,
      'float32',
      cache.shape.map((dim, axis) => (axis === 2 ? 'seen' : dim)),
    ),
  );

  const u = gather(body, uniforms, iteration, 0);
  const drawn = sampleToken(body, logits, vocabSize, batch, { temperature, topK, topP, u });
  const token = body.one('Where', [done, end, drawn.ids]);
  const nowDone = body.one('Or', [done, body.one('Equal', [token, end])]);
  const rows = decodeRows(body, shape, tables, position, batch, 1);
  const grownMask = concat(body, [mask, body.constant('float32', [batch, 1, 1, 1], zeros(batch))], 3);
  const grown: Value[] = [];
  const x = reshape(body, embed(body, p, token), [batch, hiddenSize]);
  const hidden = decoderStack(body, p, shape, x, rows, (layer, heads) => {
    const [pastK, pastV] = [caches[2 * layer], caches[2 * layer + 1]];
    if (pastK === undefined || pastV === undefined) throw new Error(`layer ${layer} has no cache`);
    const k = growCache(body, pastK, heads.k);
    const v = growCache(body, pastV, heads.v);
    grown.push(k, v);
    return attention(body, shape, { q: heads.q, k, v }, rows, grownMask);
  });
  const alive = reduceSum(body, cast(body, nowDone, 'int64'), [0], false);
  body.output('loop:continue', body.one('Less', [alive, body.scalar('int64', batch)]));
  body.output('loop:nextLogits', head(body, p, shape, hidden));
  body.output('loop:nextDone', nowDone);
  body.output('loop:nextPosition', add(body, position, body.scalar('int64', 1)));
  body.output('loop:nextMask', grownMask);
  grown.forEach((cache, i) => body.output(`loop:nextCache${i}`, cache));
  body.output('loop:token', token);
  body.output('loop:logprob', drawn.logprobs);

  const notDone = b.constant('bool', [batch], zeros(batch));
  const results = b.emit(
    'Loop',
    [b.scalar('int64', steps), b.scalar('bool', 1), first.logits, notDone, lengths, pad, ...first.caches],
    { body: { graph: body.build() } },
  );
  const [tokens, logprobs] = results.slice(-2);
  if (tokens === undefined || logprobs === undefined) throw new Error('the loop gives tokens and log-probabilities');
  b.output('tokens', tokens);
  b.output('logprobs', logprobs);
  return b.build();
};
