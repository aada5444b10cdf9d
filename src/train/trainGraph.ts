import { gradient } from '../autodiff/gradient';
import { GraphBuilder, valueNamed, type Graph, type Value } from '../onnx/graph';
import { concat, reshape } from '../onnx/ops';
import { sumOfSquares } from './adamW';
import type { Slot } from './layout';
import { loraParameters, loraScale } from './lora';
import { weightedCrossEntropy } from './loss';
import { parametersOf, type ModelShape } from './modelShape';
import type { TrainConfig } from './trainConfig';
import { forward, parameterInputs, type ParameterValues, type Tokens } from './transformer';

/** What of a training's config its graphs depend on. */
export type GraphConfig = Pick<TrainConfig, 'microBatch' | 'packing' | 'recompute' | 'lora'>;

/** The graph's output for a parameter's gradient. */
export const gradientOutput = (name: string): string => `grad:${name}`;

/** The feeds of a micro-batch as graph inputs. */
export interface BatchValues {
  readonly tokens: Tokens;
  readonly targets: Value;
  readonly weights: Value;
  readonly scale: Value;
}

const batchInputs = (b: GraphBuilder, { microBatch: lines, packing }: GraphConfig, length: number): BatchValues => {
  const ids = b.input('ids', 'int64', [lines, length]);
  const targets = b.input('targets', 'int64', [lines * length]);
  const weights = b.input('weights', 'float32', [lines * length]);
  const scale = b.input('scale', 'float32', []);
  if (!packing) return { tokens: { ids }, targets, weights, scale };
  const positions = b.input('positions', 'int64', [lines, length]);
  const segments = b.input('segments', 'float32', [lines, length]);
  return { tokens: { ids, packed: { positions, segments } }, targets, weights, scale };
};

/** Loss (scalar) and token losses [lines·T] of one micro-batch. */
export const lossOf = (
  b: GraphBuilder,
  p: ParameterValues,
  shape: ModelShape,
  { microBatch: batch, recompute, lora }: GraphConfig,
  length: number,
  { tokens, targets, weights, scale }: BatchValues,
): { readonly loss: Value; readonly nll: Value } => {
  const form = { batch, length, recompute, loraScale: lora === null ? 0 : loraScale(lora) };
  return weightedCrossEntropy(b, forward(b, p, shape, tokens, form), targets, weights, scale);
};

/** Parameters that a training changes. */
const trainedNames = (shape: ModelShape, { lora }: GraphConfig): readonly string[] =>
  (lora === null ? parametersOf(shape) : loraParameters(shape, lora)).map(({ name }) => name);

/** Every parameter as an input, low-rank factors too. */
export const inputsOf = (b: GraphBuilder, shape: ModelShape, { lora }: GraphConfig): ParameterValues =>
  parameterInputs(b, shape, lora === null ? [] : loraParameters(shape, lora));

/**
 * Loss and gradients of one micro-batch: forward and reverse mode.
 *
 * Feeds: ids [lines, T] and targets [lines·T] int64, weights [lines·T] float32, scale (scalar float32), packed also
 * positions (int64) and segments (float32) [lines, T], and every `param:`. Fetches: loss (scalar), nll [lines·T] (nats
 * per token, unweighted), and `grad:<name>` of every trained parameter.
 */
export const gradientGraph = (shape: ModelShape, config: GraphConfig, length: number): Graph => {
  const b = new GraphBuilder(`gradient-${config.microBatch}x${length}`);
  const feeds = batchInputs(b, config, length);
  const p = inputsOf(b, shape, config);
  const { loss, nll } = lossOf(b, p, shape, config, length, feeds);
  const names = trainedNames(shape, config);
  const grads = gradient(
    b,
    loss,
    names.map((name) => valueNamed(p, name)),
  );
  b.output('loss', loss);
  b.output('nll', nll);
  grads.forEach((grad, i) => b.output(gradientOutput(names[i] ?? ''), grad));
  return b.build();
};

/** Losses of one micro-batch alone. Feeds as gradientGraph's; fetches loss and nll. */
export const lossGraph = (shape: ModelShape, config: GraphConfig, length: number): Graph => {
  const b = new GraphBuilder(`loss-${config.microBatch}x${length}`);
  const feeds = batchInputs(b, config, length);
  const { loss, nll } = lossOf(b, inputsOf(b, shape, config), shape, { ...config, recompute: false }, length, feeds);
  b.output('loss', loss);
  b.output('nll', nll);
  return b.build();
};

/** Sums of squares of gradients: feeds `grad:<name>` [size] per slot, fetches squares [slots] in their order. */
export const squaresGraph = (slots: readonly Slot[]): Graph => {
  const b = new GraphBuilder('squares');
  const sums = slots.map(({ name, size }) =>
    reshape(b, sumOfSquares(b, b.input(gradientOutput(name), 'float32', [size]), size), [1]),
  );
  b.output('squares', concat(b, sums, 0));
  return b.build();
};
