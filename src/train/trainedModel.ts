import type { Tensor } from '../ports/tensorRuntime';
import { layoutOf, type Layout } from './layout';
import { initialLora, loraParameters, mergeLora } from './lora';
import { parametersOf, type ModelShape, type Parameter, type Weights } from './modelShape';
import type { TrainConfig } from './trainConfig';

/** What a training changes, what it only reads, and how both become the weights of a student. */
export interface TrainedModel {
  readonly layout: Layout;
  readonly frozen: ReadonlyMap<string, Tensor>;
  /** Weights that the trained part begins with. */
  readonly start: Weights;
  /** The student's weights from the trained part's. */
  readonly merged: (trained: Weights) => Weights;
}

const tensorOf = ({ name, dims }: Parameter, weights: Weights): Tensor => {
  const data = weights.get(name);
  if (data === undefined) throw new Error(`the base has no weights for "${name}"`);
  return { dtype: 'float32', dims, data };
};

/** All weights, or low-rank factors beside frozen ones. */
export const trainedModel = (
  shape: ModelShape,
  base: Weights,
  { lora }: Pick<TrainConfig, 'lora'>,
  seed: number,
): TrainedModel => {
  const all = parametersOf(shape);
  if (lora === null) return { layout: layoutOf(all), frozen: new Map(), start: base, merged: (trained) => trained };
  return {
    layout: layoutOf(loraParameters(shape, lora)),
    frozen: new Map(all.map((parameter) => [parameter.name, tensorOf(parameter, base)])),
    start: initialLora(shape, lora, seed),
    merged: (trained) => mergeLora(shape, lora, base, trained),
  };
};
