import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import { initialWeights } from '../../src/train/initialWeights';
import { parametersOf } from '../../src/train/modelShape';
import { writeSafetensors } from '../../src/train/safetensors';
import { momentInput, varianceInput } from '../../src/train/trainGraph';
import { decodeState, encodeState, freshState, weightsOf } from '../../src/train/trainState';
import { parameterInput } from '../../src/train/transformer';
import { must } from '../support/events';
import { shape } from './tinyTraining';

const weights = initialWeights(shape, 2);
const [first] = parametersOf(shape);
if (first === undefined) throw new Error('a shape has parameters');

describe('the state of a training', () => {
  it('begins as the base with empty moments', () => {
    const state = freshState(shape, weights);
    expect(state.size).toBe(3 * parametersOf(shape).length);
    expect(weightsOf(state, shape)).toEqual(weights);
    for (const input of [momentInput(first.name), varianceInput(first.name)])
      expect(state.get(input)?.data.every((value: number | bigint) => value === 0)).toBe(true);
  });

  it('reads back as it was, moments too, and to the same bytes', () => {
    const state = new Map(freshState(shape, weights));
    const data = Float32Array.from(weights.get(first.name) ?? [], (value, i) => value * i - 0.5);
    state.set(momentInput(first.name), { dtype: 'float32', dims: first.dims, data });
    const { bytes, weights: digest } = encodeState(state, shape);
    const read = must(decodeState(bytes, shape));
    expect(read).toEqual(state);
    expect(encodeState(read, shape).bytes).toEqual(bytes);
    // The digest is of the weights alone.
    const alone = parametersOf(shape).map(({ name, dims }) => ({ name, dims, data: weights.get(name) ?? data }));
    const inputs = alone.map((tensor) => ({ ...tensor, data: new Float32Array(tensor.data) }));
    expect(digest).toBe(sha256(writeSafetensors(inputs)));
    expect(encodeState(freshState(shape, weights), shape).weights).toBe(digest);
  });

  it('is refused where a tensor is missing or of another shape, by name', () => {
    const state = freshState(shape, weights);
    const deeper = decodeState(encodeState(state, shape).bytes, { ...shape, layers: 2 });
    expect(deeper).toEqual(E.left(expect.stringMatching(/layers\.1\..*expected \[.*\], got none/)));
    const wider = decodeState(encodeState(state, shape).bytes, { ...shape, vocabSize: 300 });
    expect(wider).toEqual(E.left(`${parameterInput(first.name)}: expected [300, 32], got [257, 32]`));
    expect(E.isLeft(decodeState(new Uint8Array(4), shape))).toBe(true);
  });

  it('needs all the weights of its base', () => {
    const some = new Map(weights);
    some.delete(first.name);
    expect(() => freshState(shape, some)).toThrow(`no weights for "${first.name}"`);
  });
});
