import * as fc from 'fast-check';
import { Column, Interned } from '../../projections/compact/columns';
import { IdColumn, IdIndex } from '../../projections/compact/ids';
import { byText } from '../../projections/projection';

const anId = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.string(),
  // The same first four bytes: one slot of the hash table.
  fc.uuid().map((id) => `00000000${id.slice(8)}`),
);

it('a column keeps numbers of 32 bits at any index, 0 where none was set', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.nat(70_000),
          fc.nat(2 ** 31 - 1).map((n) => n * 2 + 1),
        ),
      ),
      (pairs) => {
        const column = new Column();
        for (const [i, value] of pairs) column.set(i, value);
        const last = new Map(pairs);
        for (const [i, value] of last) expect(column.get(i)).toBe(value);
        expect(column.get(80_000)).toBe(0);
      },
    ),
  );
});

it('an id comes back as it was, whatever its form', () => {
  fc.assert(
    fc.property(fc.array(anId), (ids) => {
      const column = new IdColumn();
      for (const [i, id] of ids.entries()) column.set(i, id);
      expect(ids.map((_, i) => column.get(i))).toEqual(ids);
    }),
  );
});

it('an index numbers ids in the order in which they come', () => {
  fc.assert(
    fc.property(fc.array(anId, { maxLength: 60 }), (ids) => {
      const index = new IdIndex(new IdColumn());
      const numbers = new Map<string, number>();
      for (const id of ids) {
        const expected = numbers.get(id) ?? numbers.size;
        expect(index.find(id)).toEqual({ index: expected, isNew: !numbers.has(id) });
        numbers.set(id, expected);
      }
    }),
  );
  const index = new IdIndex(new IdColumn());
  const many = Array.from(
    { length: 5000 },
    (_, i) => `${(i * 7919).toString(16).padStart(8, '0')}-0000-8000-8000-000000000000`,
  );
  for (const [i, id] of many.entries()) expect(index.find(id)).toEqual({ index: i, isNew: true });
  for (const [i, id] of many.entries()) expect(index.find(id)).toEqual({ index: i, isNew: false });
});

it('ranks texts by their order', () => {
  const texts = new Interned();
  expect(['b', 'a', 'b', 'c'].map((text) => texts.numberOf(text))).toEqual([0, 1, 0, 2]);
  expect([...texts.ranks(byText)]).toEqual([1, 0, 2]);
  expect(texts.text(2)).toBe('c');
  expect(() => texts.text(3)).toThrow('no text has the number 3');
});
