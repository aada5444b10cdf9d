import { GraphBuilder, type Graph, type Value } from '../../onnx/graph';
import { add, cast, concat, gather, matMul, reduceSum, reshape, sub, transposeLast } from '../../onnx/ops';
import { numbersOf, parametersOf, type ModelShape } from '../modelShape';
import { masked } from '../transformer';
import { weightValues, type DecodeWeights } from './decodeWeights';
import { decoderLayers, embedded, logitsOf, split, type LayerHeads } from './layers';
import { sampleToken } from './sampling';

/** Most tokens of a run, and numbers that its steps read at most: a run cannot be stopped, so it is not to last long. */
const [mostSteps, mostRead] = [16, 6e8];

/**
 * Tokens that one run makes per row, at most: 16, fewer where the model is large. Rows come and go between runs only, so
 * a row's n-th token is always at the same place of a run: what is summed in which order depends on this number, and on
 * nothing else.
 */
export const stepsPerRun = (shape: ModelShape): number => {
  const numbers = numbersOf(parametersOf(shape));
  let steps = mostSteps;
  while (steps > 1 && steps * numbers > mostRead) steps /= 2;
  return steps;
};

/** Cached positions are fed in multiples of this, a multiple of every vector length, so that padding changes no sum. */
export const cacheMultiple = 16;

/** Names of a graph's key and value caches, by layer. */
export const cacheNames = (prefix: 'past' | 'made', layers: number): readonly (readonly [string, string])[] =>
  Array.from({ length: layers }, (_, i) => [`${prefix}.${i}.key`, `${prefix}.${i}.value`] as const);

interface Cache {
  readonly k: Value;
  readonly v: Value;
}

/** Additive masks of one step: over the past [B, 1, 1, S], and over what the run has made where that needs one. */
interface StepMasks {
  readonly past: Value;
  readonly made: Value | undefined;
}

/**
 * Attention of one new token over what was there before the run and what the run has made, the token itself last: one
 * softmax over both, so that the past is never copied. `sizes` are their lengths.
 */
const attendToBoth = (
  b: GraphBuilder,
  shape: ModelShape,
  q: Value,
  past: Cache,
  made: Cache,
  masks: StepMasks,
  sizes: Value,
): Value => {
  const { heads, kvHeads, headDim } = shape;
  const grouped = heads === kvHeads ? q : reshape(b, q, [0, kvHeads, heads / kvHeads, headDim]);
  const onPast = add(b, matMul(b, grouped, transposeLast(b, past.k)), masks.past);
  const onMade = matMul(b, grouped, transposeLast(b, made.k));
  const scores = concat(b, [onPast, masks.made === undefined ? onMade : add(b, onMade, masks.made)], 3);
  const [pastShare, madeShare] = split(b, b.one('Softmax', [scores], { axis: -1 }), sizes, 3);
  const context = add(b, matMul(b, pastShare, past.v), matMul(b, madeShare, made.v));
  return reshape(b, context, [0, 1, heads * headDim]);
};

/** The window where it is shorter than a run, so that a run's own tokens get out of sight too. */
const shortWindow = (shape: ModelShape): number | undefined => {
  const { slidingWindow } = shape;
  return slidingWindow !== undefined && slidingWindow < stepsPerRun(shape) ? slidingWindow : undefined;
};

/** Masks of a step's tokens under a sliding window: what is further back than the window is masked too. */
const windowMasks = (
  b: GraphBuilder,
  window: number,
  { mask, places, position, iteration }: Readonly<Record<'mask' | 'places' | 'position' | 'iteration', Value>>,
  madePlaces: Value | undefined,
): StepMasks => {
  const far = b.scalar('float32', masked);
  /** The last place out of sight of a place. */
  const behind = (place: Value): Value => sub(b, cast(b, place, 'float32'), b.scalar('float32', window));
  const isNear = b.one('Less', [reshape(b, behind(add(b, position, iteration)), [-1, 1, 1, 1]), places]);
  const past = b.one('Where', [isNear, mask, far]);
  if (madePlaces === undefined) return { past, made: undefined };
  const isRecent = b.one('Less', [behind(iteration), madePlaces]);
  return { past, made: b.one('Where', [isRecent, b.scalar('float32', 0), far]) };
};

/** Makes the outputs of the last node the graph's, under these names: `output` would copy each. */
const nameOutputs = (b: GraphBuilder, names: readonly string[]): void => {
  const last = b.nodes.pop();
  if (last === undefined) throw new Error('there is no node');
  const outputs = last.outputs.map((value, i) => ({ ...value, name: `${names[i]}` }));
  b.nodes.push({ ...last, outputs });
  b.outputs.push(...outputs);
};

const inputsOf = (b: GraphBuilder, { vocabSize, kvHeads, headDim, layers, slidingWindow }: ModelShape) => ({
  logits: b.input('logits', 'float32', ['batch', vocabSize]),
  position: b.input('position', 'int64', ['batch']),
  left: b.input('left', 'int64', ['batch']),
  mask: b.input('mask', 'float32', ['batch', 1, 1, 'seen']),
  places: slidingWindow === undefined ? undefined : b.input('places', 'float32', [1, 1, 1, 'seen']),
  none: b.input('none', 'float32', ['batch', kvHeads, 0, headDim]),
  seen: b.input('seen', 'int64', [1]),
  steps: b.input('steps', 'int64', []),
  temperature: b.input('temperature', 'float32', ['batch', 1]),
  topK: b.input('topK', 'float32', ['batch', 1]),
  topP: b.input('topP', 'float32', ['batch', 1]),
  uniforms: b.input('uniforms', 'float32', ['steps', 'batch', 1]),
  ends: b.input('ends', 'int64', ['ends']),
  past: cacheNames('past', layers).map(([k, v]) => ({
    k: b.input(k, 'float32', ['batch', kvHeads, 'seen', headDim]),
    v: b.input(v, 'float32', ['batch', kvHeads, 'seen', headDim]),
  })),
});

/**
 * A run of decoding: up to `stepsPerRun` times, sample a token per row and read it. B rows, S cached positions.
 *
 * Feeds: logits [B, V]; position [B] int64, the next token's; left [B] int64, how many tokens a row may still make;
 * past.<layer>.key and .value [B, KV, S, d], of which each row's first `position` count, zeros behind them; mask
 * [B, 1, 1, S], 0 or `masked`; with a sliding window places [1, 1, 1, S], 0 to S - 1; none [B, KV, 0, d]; seen [1] int64
 * = S; steps (scalar int64); temperature, topK, topP [B, 1]; uniforms [steps, B, 1]; ends [E] int64, the tokens that end a row.
 * Fetches: tokens [n, B] int64 and logprobs [n, B]; next [B, V], the logits behind the last token; made.<layer>.key and
 * .value [B, KV, n, d]. n is `steps`, or less where every row has ended before. What a row makes behind its end means
 * nothing. A row's results do not depend on the others, nor on S.
 */
export const stepGraph = (shape: ModelShape, weights: DecodeWeights): Graph => {
  const b = new GraphBuilder('decode');
  const { layers, vocabSize, kvHeads, headDim, hiddenSize, slidingWindow } = shape;
  const inputs = inputsOf(b, shape);
  const { past, position, places, mask } = inputs;
  const w = weightValues(b, weights);

  const body = new GraphBuilder('step', b);
  const iteration = body.input('step:iteration', 'int64', []);
  body.input('step:condition', 'bool', []);
  const logits = body.input('step:logits', 'float32', ['batch', vocabSize]);
  const done = body.input('step:done', 'bool', ['batch']);
  const made = cacheNames('made', layers).map(([k, v]) => ({
    k: body.input(`step:${k}`, 'float32', ['batch', kvHeads, 'made', headDim]),
    v: body.input(`step:${v}`, 'float32', ['batch', kvHeads, 'made', headDim]),
  }));
  // The run's own places, 0 to n - 1, where a mask needs them.
  const placesBefore =
    shortWindow(shape) === undefined ? [] : [body.input('step:places', 'float32', [1, 1, 1, 'made'])];

  const one = body.scalar('int64', 1);
  const { temperature, topK, topP } = inputs;
  const drawn = sampleToken(body, logits, vocabSize, {
    temperature,
    topK,
    topP,
    u: gather(body, inputs.uniforms, iteration, 0),
  });
  const token = reshape(body, drawn.ids, [-1]);
  const count = add(body, iteration, one);
  const isLast = body.one('Less', [inputs.left, add(body, count, one)]);
  const matches = reduceSum(body, cast(body, body.one('Equal', [drawn.ids, inputs.ends]), 'int64'), [1], false);
  const isEnd = body.one('Less', [body.scalar('int64', 0), matches]);
  const nowDone = body.one('Or', [body.one('Or', [done, isLast]), isEnd]);
  const sizes = concat(body, [inputs.seen, reshape(body, count, [1])], 0);
  const madePlaces = placesBefore.map((before) =>
    concat(body, [before, reshape(body, cast(body, iteration, 'float32'), [1, 1, 1, 1])], 3),
  );
  const masks =
    slidingWindow === undefined || places === undefined
      ? { past: mask, made: undefined }
      : windowMasks(body, slidingWindow, { mask, places, position, iteration }, madePlaces[0]);

  const grown: Value[] = [];
  const positions = reshape(body, add(body, position, iteration), [-1, 1]);
  const apart = (qkv: Value): Value => reshape(body, qkv, [0, shape.heads + 2 * kvHeads, 1, headDim]);
  const attend = (layer: number, { q, k: newK, v: newV }: LayerHeads): Value => {
    const [before, recent] = [past[layer], made[layer]];
    if (before === undefined || recent === undefined) throw new Error(`layer ${layer} has no cache`);
    const now = { k: concat(body, [recent.k, newK], 2), v: concat(body, [recent.v, newV], 2) };
    grown.push(now.k, now.v);
    return attendToBoth(body, shape, q, before, now, masks, sizes);
  };
  const hidden = decoderLayers(body, w, shape, embedded(body, w, drawn.ids), positions, apart, attend);
  const open = reduceSum(body, sub(body, one, cast(body, nowDone, 'int64')), [0], false);
  body.output('step:continue', body.one('Less', [body.scalar('int64', 0), open]));
  // The loop takes them by place: under names of their own they would be copied.
  body.outputs.push(logitsOf(body, w, reshape(body, hidden, [-1, hiddenSize])), nowDone, ...grown, ...madePlaces);
  body.output('step:token', token);
  body.output('step:logprob', reshape(body, drawn.logprobs, [-1]));

  const notDone = b.one('Less', [position, b.scalar('int64', 0)]);
  const noPlaces = placesBefore.map(() => b.constant('float32', [1, 1, 1, 0], []));
  const start = [inputs.logits, notDone, ...past.flatMap(() => [inputs.none, inputs.none]), ...noPlaces];
  b.emit('Loop', [inputs.steps, b.scalar('bool', 1), ...start], { body: { graph: body.build() } });
  nameOutputs(b, [
    'next',
    'done',
    ...cacheNames('made', layers).flat(),
    ...placesBefore.map(() => 'madePlaces'),
    'tokens',
    'logprobs',
  ]);
  return b.build();
};
