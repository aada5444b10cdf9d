import type { DrawKey } from '../../projections/random';
import { normals } from '../../projections/random';
import type { ModelShape, Parameter, Weights } from './modelShape';
import { parametersOf } from './modelShape';

const standardDeviation = 0.02;

/** What writes into the residual stream: scaled down so that its variance does not grow with depth (GPT-2). */
const isOutput = ({ name }: Parameter): boolean => /\.(o_proj|down_proj)\.weight$/.test(name);

/**
 * Untrained weights: norms 1, biases 0, all else normal with deviation 0.02, output projections by 1/sqrt(2 · layers) less.
 * Each parameter draws under its own key (seed, 'init', its name): another layer or a larger vocabulary changes no other
 * parameter's numbers.
 */
export const initialWeights = (shape: ModelShape, seed: number): Weights =>
  new Map(parametersOf(shape).map((parameter) => [parameter.name, initial(parameter, shape.layers, seed)]));

const initial = (parameter: Parameter, layers: number, seed: number): Float32Array => {
  const { name, dims, kind } = parameter;
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (kind === 'norm') return new Float32Array(size).fill(1);
  if (kind === 'bias') return new Float32Array(size);
  const scale = standardDeviation / (isOutput(parameter) ? Math.sqrt(2 * layers) : 1);
  const key: DrawKey = [seed, 'init', name];
  return Float32Array.from(normals(key, size), (draw) => draw * scale);
};
