import { GraphBuilder, type Value } from '../../onnx/graph';
import { cast, div, gather, mul, reduceSum, reshape, sub } from '../../onnx/ops';

/** What one draw needs per row: temperature, topK, topP and the uniform draw u, each [B, 1] float32. */
export interface SamplingValues {
  readonly temperature: Value;
  readonly topK: Value;
  readonly topP: Value;
  readonly u: Value;
}

/** So many of the likeliest tokens are sorted first, and most draws end among them. One more than a usual topK. */
const sortedFirst = 65;

interface Picked {
  /** [B, 1] int64. */
  readonly ids: Value;
  /** [B, 1] bool: whether looking at more tokens could not change the id. */
  readonly decided: Value;
}

/** The draw among the `width` likeliest tokens, in order of probability; ties: lower id first. */
const pickAmong = (
  b: GraphBuilder,
  probabilities: Value,
  width: number,
  vocabulary: number,
  { topK, topP, u }: Omit<SamplingValues, 'temperature'>,
): Picked => {
  const [sorted, order] = b.emit('TopK', [probabilities, b.ints([width])], { axis: -1, largest: 1, sorted: 1 });
  if (sorted === undefined || order === undefined) throw new Error('TopK has two outputs');
  const number = (value: number): Value => b.scalar('float32', value);
  const [zero, one, axis] = [number(0), number(1), b.scalar('int64', 1)];
  const isLess = (x: Value, y: Value): Value => b.one('Less', [x, y]);
  const where = (condition: Value, x: Value, y: Value): Value => b.one('Where', [condition, x, y]);
  const last = (value: Value): Value => gather(b, value, b.ints([width - 1]), 1);
  const count = (condition: Value): Value => reduceSum(b, cast(b, condition, 'float32'), [1], true);

  const ranks = Array.from({ length: width }, (_, i) => i);
  const before = b.one('CumSum', [sorted, axis], { exclusive: 1 });
  const withinP = where(isLess(before, topP), sorted, zero);
  const kept = where(isLess(b.constant('float32', [1, width], ranks), topK), withinP, zero);
  const mass = b.one('CumSum', [kept, axis]);
  const isWhole = isLess(number(vocabulary - 1), where(isLess(one, topP), topK, zero));
  // With every token kept the mass is 1 but for rounding; taken as 1, it need not be summed.
  const target = mul(b, u, where(isWhole, one, last(mass)));
  // The first place whose mass exceeds the target: every place before it is counted.
  const place = sub(b, number(width), count(isLess(target, mass)));
  const among = b.one('Min', [place, sub(b, count(isLess(zero, kept)), one)]);
  const isClosed = b.one('Equal', [last(kept), zero]);
  const isFound = isLess(place, where(isWhole, number(width), zero));
  return {
    ids: b.one('GatherElements', [order, cast(b, among, 'int64')], { axis: 1 }),
    decided: b.one('Or', [isClosed, isFound]),
  };
};

/** The ids of `first`, and of a full sort for the rows that it leaves undecided: a Loop of one turn, or of none. */
const completed = (
  b: GraphBuilder,
  first: Picked,
  probabilities: Value,
  vocabulary: number,
  { topK, topP, u }: Omit<SamplingValues, 'temperature'>,
): Value => {
  const open = b.one('Equal', [cast(b, first.decided, 'int64'), b.scalar('int64', 0)]);
  const turns = b.one('Min', [reduceSum(b, cast(b, open, 'int64'), [0, 1], false), b.scalar('int64', 1)]);
  const full = new GraphBuilder('full', b);
  full.input('full:turn', 'int64', []);
  const condition = full.input('full:condition', 'bool', []);
  const ids = full.input('full:ids', 'int64', first.ids.shape);
  const openRows = reshape(full, open, [-1]);
  const only = (x: Value): Value => full.one('Compress', [x, openRows], { axis: 0 });
  const picked = pickAmong(full, only(probabilities), vocabulary, vocabulary, {
    topK: only(topK),
    topP: only(topP),
    u: only(u),
  });
  // The place of a row among the open ones; what a decided row finds there is not taken.
  const place = sub(
    full,
    full.one('CumSum', [cast(full, openRows, 'int64'), full.scalar('int64', 0)]),
    full.scalar('int64', 1),
  );
  full.output('full:go', condition);
  full.output('full:nextIds', full.one('Where', [open, gather(full, picked.ids, place, 0), ids]));
  const [all] = b.emit('Loop', [turns, b.scalar('bool', 1), first.ids], { body: { graph: full.build() } });
  if (all === undefined) throw new Error('the loop carries ids');
  return all;
};

/**
 * Samples one token per row from logits [B, V].
 *
 * The tokens are sorted by probability at the row's temperature (ties: lower id first); those beyond topK, or behind the
 * point where the mass before them has reached topP, are left out; the uniform draw u in [0, 1) picks from the rest.
 * topK = 1 is greedy decoding; topK ≥ V and topP > 1 leave nothing out. Only the likeliest tokens are sorted, and all
 * of them for rows whose draw falls behind those: a row's token depends on its own numbers alone. Returns ids [B, 1] and
 * their log-probabilities [B, 1] (nats) under the model at temperature 1.
 */
export const sampleToken = (
  b: GraphBuilder,
  logits: Value,
  vocabulary: number,
  rows: SamplingValues,
): { readonly ids: Value; readonly logprobs: Value } => {
  const probabilities = b.one('Softmax', [div(b, logits, rows.temperature)], { axis: -1 });
  const first = pickAmong(b, probabilities, Math.min(sortedFirst, vocabulary), vocabulary, rows);
  const ids = vocabulary <= sortedFirst ? first.ids : completed(b, first, probabilities, vocabulary, rows);
  const logprobs = b.one('GatherElements', [b.one('LogSoftmax', [logits], { axis: -1 }), ids], { axis: 1 });
  return { ids, logprobs };
};
