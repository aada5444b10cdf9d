import type { GraphBuilder, Value } from '../onnx/graph';
import { add, div, mul, scale, sub, sumAll } from '../onnx/ops';
import type { Parameter } from './modelShape';

/** AdamW with decoupled weight decay. Loshchilov and Hutter 2019. */
export interface AdamW {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Not applied to norms. */
  readonly weightDecay: number;
  /** The global gradient norm above which all gradients are scaled down. */
  readonly clipNorm: number;
}

/** Numbers that change with the step, computed in double and fed as float32 scalars. */
export interface StepScalars {
  readonly learningRate: number;
  /** 1 / (1 - beta1^t) and 1 / (1 - beta2^t). */
  readonly correction1: number;
  readonly correction2: number;
}

export const stepScalars = (config: AdamW, learningRate: number, step: number): StepScalars => ({
  learningRate,
  correction1: 1 / (1 - config.beta1 ** step),
  correction2: 1 / (1 - config.beta2 ** step),
});

/** Global norm of all gradients, and the factor min(1, clip / (norm + 1e-6)) that clips them. Pascanu et al. 2013. */
export const clipFactor = (
  b: GraphBuilder,
  grads: readonly Value[],
  clipNorm: number,
): { readonly norm: Value; readonly factor: Value } => {
  const squares = grads.map((grad) => sumAll(b, mul(b, grad, grad)));
  const norm = b.one('Sqrt', [squares.reduce((sum, square) => add(b, sum, square))]);
  const bounded = div(b, b.scalar('float32', clipNorm), add(b, norm, b.scalar('float32', 1e-6)));
  return { norm, factor: b.one('Min', [bounded, b.scalar('float32', 1)]) };
};

export interface State {
  readonly value: Value;
  readonly m: Value;
  readonly v: Value;
}

/** One parameter's update: m, v and value after the step, from a gradient that has been clipped. */
export const adamWUpdate = (
  b: GraphBuilder,
  config: AdamW,
  parameter: Parameter,
  { value, m, v }: State,
  grad: Value,
  at: { readonly learningRate: Value; readonly correction1: Value; readonly correction2: Value },
): State => {
  const newM = add(b, scale(b, m, config.beta1), scale(b, grad, 1 - config.beta1));
  const newV = add(b, scale(b, v, config.beta2), scale(b, mul(b, grad, grad), 1 - config.beta2));
  const denominator = add(b, b.one('Sqrt', [mul(b, newV, at.correction2)]), b.scalar('float32', config.epsilon));
  const direction = div(b, mul(b, newM, at.correction1), denominator);
  const decayed =
    parameter.kind === 'norm' || config.weightDecay === 0
      ? direction
      : add(b, direction, scale(b, value, config.weightDecay));
  return { value: sub(b, value, mul(b, decayed, at.learningRate)), m: newM, v: newV };
};
