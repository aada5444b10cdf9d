import * as E from 'fp-ts/Either';
import { sha256, type Digest } from '../../events/digest';
import type { Tensor } from '../ports/tensorRuntime';
import { parametersOf, type ModelShape, type Weights } from './modelShape';
import { readSafetensors, writeSafetensors } from './safetensors';
import { momentInput, varianceInput } from './trainGraph';
import { parameterInput } from './transformer';

/** Weights and both AdamW moments as the train graph's feeds, by input name. */
export type TrainState = ReadonlyMap<string, Tensor>;

/** A base's weights with empty moments: a new optimizer. */
export const freshState = (shape: ModelShape, weights: Weights): TrainState => {
  const state = new Map<string, Tensor>();
  for (const { name, dims } of parametersOf(shape)) {
    const data = weights.get(name);
    if (data === undefined) throw new Error(`the base has no weights for "${name}"`);
    state.set(parameterInput(name), { dtype: 'float32', dims, data });
    state.set(momentInput(name), { dtype: 'float32', dims, data: new Float32Array(data.length) });
    state.set(varianceInput(name), { dtype: 'float32', dims, data: new Float32Array(data.length) });
  }
  return state;
};

const floatsOf = (state: TrainState, name: string): Float32Array => {
  const data = state.get(name)?.data;
  if (!(data instanceof Float32Array)) throw new Error(`no float32 state "${name}"`);
  return data;
};

export const weightsOf = (state: TrainState, shape: ModelShape): Weights =>
  new Map(parametersOf(shape).map(({ name }) => [name, floatsOf(state, parameterInput(name))]));

/** A state as safetensors bytes, and the digest of its weights alone (as a model.safetensors without metadata). */
export const encodeState = (
  state: TrainState,
  shape: ModelShape,
): { readonly bytes: Uint8Array; readonly weights: Digest } => {
  const tensors = [...state].map(([name, { dims }]) => ({ name, dims, data: floatsOf(state, name) }));
  const weights = parametersOf(shape).map(({ name, dims }) => ({
    name,
    dims,
    data: floatsOf(state, parameterInput(name)),
  }));
  return { bytes: writeSafetensors(tensors), weights: sha256(writeSafetensors(weights)) };
};

/** The inverse of encodeState, for a shape; a sentence where a tensor is missing or has other dims. */
export const decodeState = (bytes: Uint8Array, shape: ModelShape): E.Either<string, TrainState> => {
  const file = readSafetensors(bytes);
  if (E.isLeft(file)) return E.left(`${file.left.where}: expected ${file.left.expected}, got ${file.left.got}`);
  const state = new Map<string, Tensor>();
  for (const { name, dims } of parametersOf(shape))
    for (const input of [parameterInput(name), momentInput(name), varianceInput(name)]) {
      const tensor = file.right.tensors.get(input);
      if (tensor === undefined || tensor.dims.join() !== dims.join())
        return E.left(
          `${input}: expected [${dims.join(', ')}], got ${tensor === undefined ? 'none' : `[${tensor.dims.join(', ')}]`}`,
        );
      state.set(input, { dtype: 'float32', dims, data: tensor.data });
    }
  return E.right(state);
};
