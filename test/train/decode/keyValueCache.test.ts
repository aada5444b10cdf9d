import * as fc from 'fast-check';
import type { Tensor } from '../../../src/ports/tensorRuntime';
import { ArrayPool, KeyValueCache } from '../../../src/train/decode/keyValueCache';
import { readGoldenModel } from '../../support/goldenModel';
import { the } from '../../support/events';

const { shape } = readGoldenModel('gqa-tied');
const { layers, kvHeads, headDim } = shape;
const [places, longest] = [4, 300];
/** Shared by all runs, so that arrays come with what others left in them. */
const pool = new ArrayPool();

/** What a graph gives for some rows of some positions; every number is another. */
const madeBy = (rows: number, steps: number, seed: number): Readonly<Record<string, Tensor>> => {
  let next = seed * 1e5 + 1;
  const tensor = (): Tensor => ({
    dtype: 'float32',
    dims: [rows, kvHeads, steps, headDim],
    data: Float32Array.from({ length: rows * kvHeads * steps * headDim }, () => next++),
  });
  const names = Array.from({ length: layers }, (_, i) => [`made.${i}.key`, `made.${i}.value`]).flat();
  return Object.fromEntries(names.map((name) => [name, tensor()]));
};

/** The vectors of one head of one row, position by position. */
const headOf = ({ dims, data }: Tensor, row: number, head: number, count: number): number[] => {
  const start = (row * kvHeads + head) * (dims[2] ?? 0) * headDim;
  return Array.from(data, Number).slice(start, start + count * headDim);
};

type Action =
  | { readonly kind: 'add'; readonly count: number }
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'remove'; readonly place: number };

const action = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 150 }) }),
  fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('remove' as const), place: fc.nat(places - 1) }),
);

/** Rows as lists of positions per cache and head: the model that the cache is held against. */
type Row = Map<string, number[]>;

it('holds the rows that a list of lists holds, with zeros behind them', () => {
  fc.assert(
    fc.property(fc.array<Action>(action, { maxLength: 25 }), (actions) => {
      const cache = new KeyValueCache(shape, places, pool);
      const model: { length: number; row: Row }[] = [];
      const take = (row: Row, made: Readonly<Record<string, Tensor>>, source: number, count: number): void => {
        for (const [name, tensor] of Object.entries(made))
          for (let head = 0; head < kvHeads; head++) {
            const key = `${name.replace('made', 'past')}/${head}`;
            row.set(key, [...(row.get(key) ?? []), ...headOf(tensor, source, head, count)]);
          }
      };
      const most = (extra: number): number => Math.max(0, ...model.map(({ length }) => length)) + extra;
      actions.forEach((one, seed) => {
        if (one.kind === 'add' && model.length < places) {
          const made = madeBy(3, 160, seed);
          cache.fit(Math.max(most(0), one.count));
          cache.add(made, seed % 3, one.count);
          const row: Row = new Map();
          take(row, made, seed % 3, one.count);
          model.push({ length: one.count, row });
        }
        if (one.kind === 'append' && model.length > 0 && most(one.count) <= longest) {
          const made = madeBy(model.length, one.count, seed);
          cache.fit(most(one.count));
          model.forEach((known, place) => {
            cache.append(place, made, place, one.count);
            take(known.row, made, place, one.count);
            known.length += one.count;
          });
        }
        if (one.kind === 'remove' && one.place < model.length) {
          cache.remove(one.place);
          const last = the(model.pop());
          if (one.place < model.length) model[one.place] = last;
          cache.fit(most(0));
        }
        const feeds = cache.feeds();
        expect(cache.rows).toBe(model.length);
        expect(Array.from(the(feeds['position']).data, Number)).toEqual(model.map(({ length }) => length));
        expect(cache.seen % 64).toBe(0);
        model.forEach(({ length, row }, place) => {
          expect(cache.lengthOf(place)).toBe(length);
          for (const [key, expected] of row) {
            const [name = '', head] = key.split('/');
            const got = headOf(the(feeds[name]), place, Number(head), cache.seen);
            expect(got).toEqual([
              ...expected,
              ...Array.from({ length: cache.seen * headDim - expected.length }, () => 0),
            ]);
          }
        });
      });
      cache.release();
    }),
    { numRuns: 60 },
  );
});

it('hands arrays on', () => {
  const shared = new ArrayPool();
  const first = shared.take(10);
  expect(first).toHaveLength(10);
  expect(shared.take(10)).not.toBe(first);
  shared.give(first);
  expect(shared.take(11)).toHaveLength(11);
  expect(shared.take(9)).toBe(first);
  expect(shared.take(9)).toHaveLength(9);
});

it('refuses to write where there is no room', () => {
  const cache = new KeyValueCache(shape, 1, new ArrayPool());
  cache.fit(64);
  cache.add(madeBy(1, 64, 1), 0, 64);
  expect(() => cache.append(0, madeBy(1, 1, 2), 0, 1)).toThrow('no room for 65 positions: fit() comes first');
});
