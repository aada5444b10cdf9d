import * as E from 'fp-ts/Either';
import { sha256OfPieces, type Digest } from '../../events/digest';
import { partOf, type Layout } from './layout';
import type { Weights } from './modelShape';
import { readSafetensors, safetensorsPieces, type Tensor } from './safetensors';
import type { FlatState } from './shard';

/** What a training goes on from: the optimizer's state, and the best values so far where rows are held out. */
export interface TrainState extends FlatState {
  readonly best: Float32Array | undefined;
}

/** Start values with empty moments: a new optimizer. */
export const freshState = ({ slots, size }: Layout, weights: Weights): TrainState => {
  const values = new Float32Array(size);
  for (const { name, offset } of slots) {
    const data = weights.get(name);
    if (data === undefined) throw new Error(`the base has no weights for "${name}"`);
    values.set(data, offset);
  }
  return { values, m: new Float32Array(size), v: new Float32Array(size), best: undefined };
};

/** Parameters by name, as views into a flat vector. */
export const weightsOf = (values: Float32Array, { slots }: Layout): Weights =>
  new Map(slots.map((slot) => [slot.name, partOf(values, slot)]));

/** Names of the vectors in a state's file: `m:model.norm.weight`. */
const prefixes = { values: 'param', m: 'm', v: 'v', best: 'best' } as const;
type Part = keyof typeof prefixes;
const parts: readonly Part[] = ['values', 'm', 'v', 'best'];

const tensorsOf = (vector: Float32Array, { slots }: Layout, prefix = ''): readonly Tensor[] =>
  slots.map((slot) => ({ name: `${prefix}${slot.name}`, dims: slot.dims, data: partOf(vector, slot) }));

/**
 * A state as the bytes of a safetensors file, in pieces that are views of its vectors, and the digest of its values alone
 * (as a model.safetensors without metadata).
 */
export const encodeState = (
  state: TrainState,
  layout: Layout,
): { readonly pieces: readonly Uint8Array[]; readonly weights: Digest } => {
  const tensors = parts.flatMap((part) => {
    const vector = state[part];
    return vector === undefined ? [] : tensorsOf(vector, layout, `${prefixes[part]}:`);
  });
  const values = safetensorsPieces(tensorsOf(state.values, layout));
  return { pieces: safetensorsPieces(tensors), weights: sha256OfPieces(values) };
};

/** The inverse of encodeState, for a layout; a sentence where a tensor is missing or has other dims. */
export const decodeState = (bytes: Uint8Array, { slots, size }: Layout): E.Either<string, TrainState> => {
  const file = readSafetensors(bytes);
  if (E.isLeft(file)) return E.left(`${file.left.where}: expected ${file.left.expected}, got ${file.left.got}`);
  const { tensors } = file.right;
  const hasBest = [...tensors.keys()].some((name) => name.startsWith(`${prefixes.best}:`));
  const vectors = new Map<Part, Float32Array>();
  for (const part of parts) {
    if (part === 'best' && !hasBest) continue;
    const vector = new Float32Array(size);
    for (const { name, dims, offset } of slots) {
      const full = `${prefixes[part]}:${name}`;
      const tensor = tensors.get(full);
      if (tensor === undefined || tensor.dims.join() !== dims.join())
        return E.left(
          `${full}: expected [${dims.join(', ')}], got ${tensor === undefined ? 'none' : `[${tensor.dims.join(', ')}]`}`,
        );
      vector.set(tensor.data, offset);
    }
    vectors.set(part, vector);
  }
  const [values, m, v] = [vectors.get('values'), vectors.get('m'), vectors.get('v')];
  if (values === undefined || m === undefined || v === undefined) return E.left('expected values and both moments');
  return E.right({ values, m, v, best: vectors.get('best') });
};
