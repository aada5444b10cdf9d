import type { GraphBuilder, Value } from '../onnx/graph';
import { add, cast, div, mul, reshape, sub } from '../onnx/ops';
import type { Parameter } from './modelShape';

/** AdamW with decoupled weight decay. Loshchilov and Hutter 2019. */
export interface AdamW {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Not applied to norms and biases. */
  readonly weightDecay: number;
  /** The global gradient norm above which all gradients are scaled down. */
  readonly clipNorm: number;
}

/** The factors of one update, each rounded to float32 once:
 * m = beta1 m + gain g; v = beta2 v + (power g) g; p = decay p - (rate m) / (spread sqrt(v) + epsilon). */
export interface AdamWScalars {
  readonly beta1: number;
  /** (1 - beta1) · clip. */
  readonly gain: number;
  readonly beta2: number;
  /** (1 - beta2) · clip². */
  readonly power: number;
  /** 1 / sqrt(1 - beta2^t). */
  readonly spread: number;
  readonly epsilon: number;
  /** learningRate / (1 - beta1^t). */
  readonly rate: number;
  /** 1 - learningRate · weightDecay; 1 for norms and biases. */
  readonly decay: number;
}

/** Numbers that change with the step and not with the gradients; in double, rounded to float32 where they are used. */
export interface StepScalars {
  readonly spread: number;
  readonly rate: number;
  readonly decay: number;
}

export const stepScalars = (config: AdamW, learningRate: number, step: number): StepScalars => ({
  spread: 1 / Math.sqrt(1 - config.beta2 ** step),
  rate: learningRate / (1 - config.beta1 ** step),
  decay: 1 - learningRate * config.weightDecay,
});

export const decays = (kind: Parameter['kind']): boolean => kind !== 'norm' && kind !== 'bias';

const single = Math.fround;

/** What keeps the division by the norm finite. */
const tiny = 1e-6;

/** Global norm from the sums of squares of all gradients (float32 each, added in order in double). */
export const normOf = (squares: readonly number[]): number =>
  single(Math.sqrt(squares.reduce((sum, square) => sum + square, 0)));

/** The factor min(1, clip / (norm + 1e-6)), in float32. Pascanu et al. 2013. */
export const clipFactor = (norm: number, clipNorm: number): number =>
  Math.min(1, single(single(clipNorm) / single(norm + single(tiny))));

/** The factors of a step for parameters that decay and for those that do not. */
export const adamWScalars = (
  config: AdamW,
  { spread, rate, decay }: StepScalars,
  clip: number,
  decaying: boolean,
): AdamWScalars => ({
  beta1: single(config.beta1),
  gain: single(single(1 - config.beta1) * clip),
  beta2: single(config.beta2),
  power: single(single(single(1 - config.beta2) * clip) * clip),
  spread: single(spread),
  epsilon: single(config.epsilon),
  rate: single(rate),
  decay: decaying ? single(decay) : 1,
});

/** The sum of squares of one gradient, a float32 scalar: one operator, whose order of summation is fixed. */
export const sumOfSquares = (b: GraphBuilder, gradient: Value, size: number): Value =>
  b.one('ReduceSumSquare', [reshape(b, gradient, [size]), b.ints([0])], { keepdims: 0 });

/** `normOf` and `clipFactor` as nodes: scalars, float32. */
export const clipNodes = (
  b: GraphBuilder,
  squares: readonly Value[],
  clipNorm: number,
): { readonly norm: Value; readonly factor: Value } => {
  const sum = squares.map((square) => cast(b, square, 'float64')).reduce((total, square) => add(b, total, square));
  const norm = cast(b, b.one('Sqrt', [sum]), 'float32');
  const bounded = div(b, b.scalar('float32', clipNorm), add(b, norm, b.scalar('float32', tiny)));
  return { norm, factor: b.one('Min', [bounded, b.scalar('float32', 1)]) };
};

export interface State {
  readonly value: Value;
  readonly m: Value;
  readonly v: Value;
}

/** The step's factors as nodes: `adamWScalars` in the same operations and the same order. */
export const scalarNodes = (b: GraphBuilder, config: AdamW, clip: Value) => ({
  gain: mul(b, b.scalar('float32', 1 - config.beta1), clip),
  power: mul(b, mul(b, b.scalar('float32', 1 - config.beta2), clip), clip),
});

/** One parameter's update as nodes, bit for bit what adamWStep does: for state that stays on a device. */
export const adamWUpdate = (
  b: GraphBuilder,
  config: AdamW,
  parameter: Pick<Parameter, 'kind'>,
  { value, m, v }: State,
  gradient: Value,
  at: {
    readonly gain: Value;
    readonly power: Value;
    readonly spread: Value;
    readonly rate: Value;
    readonly decay: Value;
  },
): State => {
  const newM = add(b, mul(b, m, b.scalar('float32', config.beta1)), mul(b, gradient, at.gain));
  const newV = add(b, mul(b, v, b.scalar('float32', config.beta2)), mul(b, mul(b, gradient, at.power), gradient));
  const denominator = add(b, mul(b, b.one('Sqrt', [newV]), at.spread), b.scalar('float32', config.epsilon));
  const direction = div(b, mul(b, newM, at.rate), denominator);
  const kept = decays(parameter.kind) ? mul(b, value, at.decay) : value;
  return { value: sub(b, kept, direction), m: newM, v: newV };
};
