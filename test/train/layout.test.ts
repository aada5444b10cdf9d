import * as fc from 'fast-check';
import { layoutOf, sharesOf } from '../../src/train/layout';
import type { Parameter } from '../../src/train/modelShape';
import { parametersOf } from '../../src/train/modelShape';
import { the } from '../support/events';
import { smallShape } from '../support/training';

const sizeOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

const arbitraryParameters = fc
  .array(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 3 }), { minLength: 1, maxLength: 25 })
  .map((all) => all.map((dims, i): Parameter => ({ name: `p${i}`, dims, kind: 'linear' })));

describe('a layout', () => {
  it('has all parameters one behind the other, in their order, without a gap', () => {
    fc.assert(
      fc.property(arbitraryParameters, (parameters) => {
        const { slots, size } = layoutOf(parameters);
        expect(slots.map(({ name, dims, kind }) => ({ name, dims, kind }))).toEqual(parameters);
        let at = 0;
        for (const slot of slots) {
          expect(slot.offset).toBe(at);
          expect(slot.size).toBe(sizeOf(slot.dims));
          at += slot.size;
        }
        expect(size).toBe(at);
      }),
    );
  });

  it('may be empty', () => {
    expect(layoutOf([])).toEqual({ slots: [], size: 0 });
  });
});

describe('the shares of a layout', () => {
  it('are runs of slots that hold every slot once, none of them empty, as many as asked for or as there are slots', () => {
    fc.assert(
      fc.property(arbitraryParameters, fc.integer({ min: 1, max: 30 }), (parameters, wanted) => {
        const layout = layoutOf(parameters);
        const shares = sharesOf(layout, wanted);
        expect(shares).toHaveLength(Math.min(wanted, parameters.length));
        let [slot, offset] = [0, 0];
        for (const share of shares) {
          expect([share.first, share.offset]).toEqual([slot, offset]);
          expect(share.end).toBeGreaterThan(share.first);
          const held = layout.slots.slice(share.first, share.end);
          expect(share.size).toBe(held.reduce((sum, { size }) => sum + size, 0));
          slot = share.end;
          offset += share.size;
        }
        expect([slot, offset]).toEqual([parameters.length, layout.size]);
      }),
    );
  });

  it('are of about equal size: no share has more than its part and one slot', () => {
    fc.assert(
      fc.property(arbitraryParameters, fc.integer({ min: 1, max: 30 }), (parameters, wanted) => {
        const layout = layoutOf(parameters);
        const shares = sharesOf(layout, wanted);
        const largest = Math.max(...layout.slots.map(({ size }) => size));
        for (const { size } of shares) expect(size).toBeLessThanOrEqual(layout.size / shares.length + largest);
      }),
    );
  });

  it('are halves of a model, but for one parameter', () => {
    const layout = layoutOf(parametersOf(smallShape));
    const [first, second] = sharesOf(layout, 2);
    const largest = Math.max(...layout.slots.map(({ size }) => size));
    expect(Math.abs(the(first).size - the(second).size)).toBeLessThanOrEqual(largest);
    expect(the(first).size + the(second).size).toBe(layout.size);
  });
});
