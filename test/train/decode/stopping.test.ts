import * as fc from 'fast-check';
import { firstStop, textBefore } from '../../../src/train/decode/stopping';

/** Token i is the i-th letter. */
const textOf = (ids: readonly number[]): string => ids.map((id) => String.fromCharCode(97 + id)).join('');

it('asks for the fewest tokens whose text holds a stop', () => {
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 3 }), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(fc.nat(2), { maxLength: 30 }), stops, (ids, given) => {
      const holds = (count: number): boolean =>
        given.some((stop) => stop !== '' && textOf(ids.slice(0, count)).includes(stop));
      const expected = Array.from({ length: ids.length + 1 }, (_, count) => count).find(holds);
      expect(firstStop(textOf, given)(ids)).toBe(expected);
    }),
  );
});

it('leaves the text in front of the stop that comes first', () => {
  expect(textBefore('one, two; three', [';', ','])).toBe('one');
  expect(textBefore('one, two', ['two', ', t'])).toBe('one');
  expect(textBefore('one', ['', 'x'])).toBe('one');
});
