import type { DrawKey } from '../../projections/random';
import { normals } from '../../projections/random';
import type { ModelShape, Parameter, Weights } from './modelShape';
import { parametersOf } from './modelShape';
import { sharedVectors } from './vectorBlocks';

const standardDeviation = 0.02;

/** What writes into the residual stream: scaled down so that its variance does not grow with depth (GPT-2). */
const isOutput = ({ name }: Parameter): boolean => /\.(o_proj|down_proj)\.weight$/.test(name);

/**
 * Untrained weights: norms 1, biases 0, all else normal with deviation 0.02, output projections by 1/sqrt(2 · layers) less.
 * Each parameter draws under its own key (seed, 'init', its name): another layer or a larger vocabulary changes no other
 * parameter's numbers.
 */
export const initialWeights = (shape: ModelShape, seed: number): Weights => {
  const parameters = parametersOf(shape);
  const vectors = sharedVectors(parameters.map(({ dims }) => dims.reduce((product, dim) => product * dim, 1)));
  return new Map(
    parameters.map((parameter, i) => {
      const vector = vectors[i] ?? new Float32Array();
      fill(vector, parameter, shape.layers, seed);
      return [parameter.name, vector];
    }),
  );
};

const fill = (vector: Float32Array, parameter: Parameter, layers: number, seed: number): void => {
  const { name, kind } = parameter;
  if (kind === 'bias') return;
  if (kind === 'norm') {
    vector.fill(1);
    return;
  }
  const scale = standardDeviation / (isOutput(parameter) ? Math.sqrt(2 * layers) : 1);
  const key: DrawKey = [seed, 'init', name];
  const drawn = normals(key, vector.length);
  for (let i = 0; i < vector.length; i++) vector[i] = (drawn[i] ?? 0) * scale;
};
