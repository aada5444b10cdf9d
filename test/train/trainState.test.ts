import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import { initialWeights } from '../../src/train/initialWeights';
import { layoutOf } from '../../src/train/layout';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { readSafetensors, writeSafetensors } from '../../src/train/safetensors';
import { decodeState, encodeState, freshState, weightsOf, type TrainState } from '../../src/train/trainState';
import { must } from '../support/events';
import { shape } from './tinyTraining';

const layoutOfShape = (of: ModelShape) => layoutOf(parametersOf(of));
const layout = layoutOfShape(shape);
const weights = initialWeights(shape, 2);
const [first] = layout.slots;
if (first === undefined) throw new Error('a shape has parameters');

/** A state no two of whose numbers are alike, so that nothing can be exchanged unseen. */
const fullState = (best: boolean): TrainState => {
  const vector = (from: number) => Float32Array.from({ length: layout.size }, (_, i) => from + i / 8);
  return { values: vector(0), m: vector(-1e4), v: vector(1e5), best: best ? vector(-1e6) : undefined };
};

describe('the state of a training', () => {
  it('begins as the base with empty moments', () => {
    const state = freshState(layout, weights);
    expect(weightsOf(state.values, layout)).toEqual(weights);
    const empty = new Float32Array(layout.size);
    expect(state).toEqual({ values: state.values, m: empty, v: empty, best: undefined });
    expect(state.m).not.toBe(state.v);
  });

  it.each([false, true])('reads back as it was, moments too, and to the same bytes; best values kept: %s', (best) => {
    const state = fullState(best);
    const { pieces, weights: digest } = encodeState(state, layout);
    const bytes = Buffer.concat(pieces);
    const read = must(decodeState(bytes, layout));
    expect(read).toEqual(state);
    expect(Buffer.concat(encodeState(read, layout).pieces)).toEqual(bytes);
    // The digest is of the weights alone.
    const alone = layout.slots.map(({ name, dims, offset, size }) => ({
      name,
      dims,
      data: state.values.slice(offset, offset + size),
    }));
    expect(digest).toBe(sha256(writeSafetensors(alone)));
    const other = { ...freshState(layout, weights), values: state.values };
    expect(encodeState(other, layout).weights).toBe(digest);
  });

  it('names what a tensor is of', () => {
    const { tensors } = must(readSafetensors(Buffer.concat(encodeState(fullState(true), layout).pieces)));
    const names = layout.slots.map(({ name }) => name);
    const prefixes = ['param', 'm', 'v', 'best'];
    expect([...tensors.keys()].sort()).toEqual(
      prefixes.flatMap((prefix) => names.map((name) => `${prefix}:${name}`)).sort(),
    );
  });

  it('is refused where a tensor is missing or of another shape, by name', () => {
    const bytes = Buffer.concat(encodeState(freshState(layout, weights), layout).pieces);
    const deeper = decodeState(bytes, layoutOfShape({ ...shape, layers: 2 }));
    expect(deeper).toEqual(E.left(expect.stringMatching(/layers\.1\..*expected \[.*\], got none/)));
    const wider = decodeState(bytes, layoutOfShape({ ...shape, vocabSize: 300 }));
    expect(wider).toEqual(E.left(`param:${first.name}: expected [300, 32], got [257, 32]`));
    expect(E.isLeft(decodeState(new Uint8Array(4), layout))).toBe(true);
  });

  it.each(['m', 'best'])('is refused where a tensor of %s is missing', (prefix) => {
    const { tensors } = must(readSafetensors(Buffer.concat(encodeState(fullState(true), layout).pieces)));
    const left = [...tensors].flatMap(([name, tensor]) =>
      name === `${prefix}:${first.name}` ? [] : [{ ...tensor, name }],
    );
    expect(decodeState(writeSafetensors(left), layout)).toEqual(
      E.left(`${prefix}:${first.name}: expected [257, 32], got none`),
    );
  });

  it('needs all the weights of its base', () => {
    const some = new Map(weights);
    some.delete(first.name);
    expect(() => freshState(layout, some)).toThrow(`no weights for "${first.name}"`);
  });
});
