import { gradient } from '../autodiff/gradient';
import { GraphBuilder, valueNamed, type Graph, type Value } from '../onnx/graph';
import { add, cast, gather, mul, sub } from '../onnx/ops';
import { adamWUpdate, clipNodes, scalarNodes, sumOfSquares, type AdamW } from './adamW';
import type { Slot } from './layout';
import type { ModelShape } from './modelShape';
import { inputsOf, lossOf, type BatchValues, type GraphConfig } from './trainGraph';
import { parameterInput, type ParameterValues } from './transformer';

/** Names of the graph's inputs and outputs besides the parameters. */
export const momentInput = (name: string): string => `m:${name}`;
export const varianceInput = (name: string): string => `v:${name}`;
export const newState = (input: string): string => `new:${input}`;

/** The feeds of micro-batch `i` of every step, stacked: `ids:0` [steps, lines, T]. */
export const stacked = (feed: string, microBatch: number): string => `${feed}:${microBatch}`;

interface Carried {
  readonly value: Value;
  readonly m: Value;
  readonly v: Value;
}

/**
 * As many optimizer steps as are fed, in one run: a Loop whose carried values are weights and moments, for a device on
 * which they are to stay. Each step is what a sharded engine does, in the same order: gradients of the micro-batches
 * summed, global norm, clipping, AdamW. From the first step on whose loss or norm is not finite, nothing is updated.
 *
 * Feeds: count (scalar int64); per micro-batch i `ids:i`, `targets:i`, `weights:i` (packed also `positions:i`,
 * `segments:i`) with the steps as first axis; scale, rate, spread, decay [steps]; `param:`, `m:` and `v:`.
 * Fetches: loss and gradNorm [steps], `nll:i` [steps, lines·T], and the state under `new:`.
 */
export const loopGraph = (
  shape: ModelShape,
  config: GraphConfig & AdamW,
  slots: readonly Slot[],
  lengths: readonly number[],
): Graph => {
  const b = new GraphBuilder(`loop-${config.microBatch}x${lengths.join('+')}`);
  const count = b.input('count', 'int64', []);
  const perStep = new Map(
    ['scale', 'rate', 'spread', 'decay'].map((name) => [name, b.input(name, 'float32', ['steps'])]),
  );
  const { microBatch: lines, packing } = config;
  const data = lengths.map((length, i) => {
    const input = (name: string, dtype: 'int64' | 'float32', dims: readonly number[]): readonly [string, Value] => [
      name,
      b.input(stacked(name, i), dtype, ['steps', ...dims]),
    ];
    return new Map([
      input('ids', 'int64', [lines, length]),
      input('targets', 'int64', [lines * length]),
      input('weights', 'float32', [lines * length]),
      ...(packing ? [input('positions', 'int64', [lines, length]), input('segments', 'float32', [lines, length])] : []),
    ]);
  });
  const outer = inputsOf(b, shape, config);
  const start = slots.map(
    ({ name, dims }): Carried => ({
      value: valueNamed(outer, name),
      m: b.input(momentInput(name), 'float32', dims),
      v: b.input(varianceInput(name), 'float32', dims),
    }),
  );

  const body = new GraphBuilder('step', b);
  const at = body.input('loop:step', 'int64', []);
  body.input('loop:condition', 'bool', []);
  const good = body.input('loop:good', 'float32', []);
  const carried = slots.map(({ name, dims }): Carried => {
    const input = (prefix: string): Value => body.input(`loop:${prefix}:${name}`, 'float32', dims);
    return { value: input('param'), m: input('m'), v: input('v') };
  });
  const p: ParameterValues = new Map([
    ...outer,
    ...slots.flatMap(({ name }, i) => {
      const state = carried[i];
      return state === undefined ? [] : [[name, state.value] as const];
    }),
  ]);
  const now = (value: Value): Value => gather(body, value, at, 0);
  const scalar = (name: string): Value => now(valueNamed(perStep, name));

  const made = lengths.map((length, i) => {
    const feeds = data[i] ?? new Map<string, Value>();
    const of = (name: string): Value => now(valueNamed(feeds, name));
    const batch: BatchValues = {
      tokens: packing
        ? { ids: of('ids'), packed: { positions: of('positions'), segments: of('segments') } }
        : { ids: of('ids') },
      targets: of('targets'),
      weights: of('weights'),
      scale: scalar('scale'),
    };
    const { loss, nll } = lossOf(body, p, shape, config, length, batch);
    return {
      loss,
      nll,
      grads: gradient(
        body,
        loss,
        carried.map(({ value }) => value),
      ),
    };
  });
  const sumOf = (values: readonly Value[]): Value => values.reduce((sum, value) => add(body, sum, value));
  const loss = sumOf(made.map((one) => one.loss));
  const grads = slots.map((_, i) => sumOf(made.flatMap((one) => one.grads[i] ?? [])));
  const { norm, factor } = clipNodes(
    body,
    slots.map(({ size }, i) => sumOfSquares(body, grads[i] ?? loss, size)),
    config.clipNorm,
  );
  // x - x is 0 where x is finite, and NaN elsewhere.
  const isFinite = body.one('Equal', [
    add(body, sub(body, loss, loss), sub(body, norm, norm)),
    body.scalar('float32', 0),
  ]);
  const nowGood = mul(body, good, cast(body, isFinite, 'float32'));
  const isGood = body.one('Less', [body.scalar('float32', 0), nowGood]);
  const scalars = {
    ...scalarNodes(body, config, factor),
    spread: scalar('spread'),
    rate: scalar('rate'),
    decay: scalar('decay'),
  };
  body.output('loop:continue', body.one('Less', [body.scalar('float32', -1), nowGood]));
  body.output('loop:nextGood', nowGood);
  slots.forEach(({ name, kind }, i) => {
    const [state, grad] = [carried[i], grads[i]];
    if (state === undefined || grad === undefined) throw new Error(`no gradient for "${name}"`);
    const next = adamWUpdate(body, config, { kind }, state, grad, scalars);
    for (const part of ['value', 'm', 'v'] as const)
      body.output(`loop:next:${part}:${name}`, body.one('Where', [isGood, next[part], state[part]]));
  });
  body.output('loop:loss', loss);
  body.output('loop:norm', norm);
  made.forEach(({ nll }, i) => body.output(`loop:nll:${i}`, nll));

  const results = b.emit(
    'Loop',
    [count, b.scalar('bool', 1), b.scalar('float32', 1), ...start.flatMap(({ value, m, v }) => [value, m, v])],
    { body: { graph: body.build() } },
  );
  const result = (i: number): Value => {
    const value = results[i];
    if (value === undefined) throw new Error(`the loop has no result ${i}`);
    return value;
  };
  slots.forEach(({ name }, i) => {
    b.output(newState(parameterInput(name)), result(1 + 3 * i));
    b.output(newState(momentInput(name)), result(2 + 3 * i));
    b.output(newState(varianceInput(name)), result(3 + 3 * i));
  });
  const scans = 1 + 3 * slots.length;
  b.output('loss', result(scans));
  b.output('gradNorm', result(scans + 1));
  made.forEach((_, i) => b.output(`nll:${i}`, result(scans + 2 + i)));
  return b.build();
};
