import { gradient } from '../autodiff/gradient';
import { GraphBuilder, type Graph } from '../onnx/graph';
import { mul } from '../onnx/ops';
import { adamWUpdate, clipFactor, type AdamW } from './adamW';
import { weightedCrossEntropy } from './loss';
import { parametersOf, type ModelShape } from './modelShape';
import { forward, parameterInput, parameterInputs } from './transformer';

/** Names of the graph's inputs and outputs besides the state. */
export const momentInput = (name: string): string => `m:${name}`;
export const varianceInput = (name: string): string => `v:${name}`;
export const newState = (input: string): string => `new:${input}`;

const lossOf = (b: GraphBuilder, shape: ModelShape, batch: number, length: number) => {
  const ids = b.input('ids', 'int64', [batch, length]);
  const targets = b.input('targets', 'int64', [batch * length]);
  const weights = b.input('weights', 'float32', [batch * length]);
  const lossScale = b.input('scale', 'float32', []);
  const p = parameterInputs(b, shape);
  const loss = weightedCrossEntropy(b, forward(b, p, shape, ids, batch, length), targets, weights, lossScale);
  return { p, loss };
};

/**
 * One optimizer step as one graph: forward, reverse mode, global-norm clipping, AdamW.
 *
 * Feeds: ids [B, T], targets [B·T], weights [B·T], scale, learningRate, correction1, correction2, and per parameter
 * `param:`, `m:` and `v:`. Fetches: loss, gradNorm (before clipping), and every state tensor under `new:`.
 */
export const trainStepGraph = (shape: ModelShape, config: AdamW, batch: number, length: number): Graph => {
  const b = new GraphBuilder(`train-${batch}x${length}`);
  const { p, loss } = lossOf(b, shape, batch, length);
  const at = {
    learningRate: b.input('learningRate', 'float32', []),
    correction1: b.input('correction1', 'float32', []),
    correction2: b.input('correction2', 'float32', []),
  };
  const parameters = parametersOf(shape);
  const values = parameters.map(({ name }) => {
    const value = p.get(name);
    if (value === undefined) throw new Error(`no parameter "${name}"`);
    return value;
  });
  const grads = gradient(b, loss, values);
  const { norm, factor } = clipFactor(b, grads, config.clipNorm);
  b.output('loss', loss);
  b.output('gradNorm', norm);
  b.scope('adamW', () => {
    parameters.forEach((parameter, i) => {
      const [value, grad] = [values[i], grads[i]];
      if (value === undefined || grad === undefined) throw new Error(`no gradient for "${parameter.name}"`);
      const m = b.input(momentInput(parameter.name), 'float32', parameter.dims);
      const v = b.input(varianceInput(parameter.name), 'float32', parameter.dims);
      const next = adamWUpdate(b, config, parameter, { value, m, v }, mul(b, grad, factor), at);
      b.output(newState(parameterInput(parameter.name)), next.value);
      b.output(newState(m.name), next.m);
      b.output(newState(v.name), next.v);
    });
  });
  return b.build();
};

/** The loss and every parameter's gradient (under `grad:<name>`), for checks against other frameworks. */
export const gradientGraph = (shape: ModelShape, batch: number, length: number): Graph => {
  const b = new GraphBuilder(`gradient-${batch}x${length}`);
  const { p, loss } = lossOf(b, shape, batch, length);
  const names = [...p.keys()];
  const grads = gradient(b, loss, [...p.values()]);
  b.output('loss', loss);
  grads.forEach((grad, i) => b.output(`grad:${names[i]}`, grad));
  return b.build();
};
