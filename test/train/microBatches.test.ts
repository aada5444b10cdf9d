import * as fc from 'fast-check';
import type { Tensor } from '../../src/ports/tensorRuntime';
import { paddedLength, type PlannedBatch, type TokenRow } from '../../src/train/batches';
import {
  fillMicroBatch,
  graphKey,
  microBatchesOf,
  sectionLosses,
  totalsOf,
  type MicroBatchPlan,
} from '../../src/train/microBatches';
import { the } from '../support/events';
import { tokenRow } from '../support/training';

const numbers = (tensor: Tensor | undefined): readonly number[] => Array.from(the(tensor).data, Number);

/** Rows of drawn lengths, one token among them, and a batch that holds each of them once. */
const arbitraryRows = fc
  .array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 })
  .map((lengths) => lengths.map((length, i) => tokenRow(`row ${i}`, length, 50)));

const arbitraryPlan = fc.record({
  microBatch: fc.integer({ min: 1, max: 6 }),
  lengthMultiple: fc.constantFrom(1, 8, 32),
  packing: fc.boolean(),
});

const placesOf = (row: TokenRow | undefined): number => the(row).ids.length - 1;

const batchOf = (rows: readonly TokenRow[], multiple: number): PlannedBatch => ({
  rows: rows.map((_, i) => i).reverse(),
  length: paddedLength(Math.max(...rows.map(placesOf)), multiple),
});

describe('a batch in micro-batches', () => {
  it('holds every row once, in lines that it fits, as many lines at once as were asked for', () => {
    fc.assert(
      fc.property(arbitraryRows, arbitraryPlan, (rows, plan) => {
        const batch = batchOf(rows, plan.lengthMultiple);
        const parts = microBatchesOf(rows, batch, plan);
        const all = parts.flatMap(({ lines }) => lines.flat());
        expect([...all].sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
        const counts = parts.map(({ lines }) => lines.length);
        const last = counts[counts.length - 1] ?? 0;
        expect(counts.slice(0, -1).every((count) => count === plan.microBatch)).toBe(true);
        expect(last).toBeGreaterThan(0);
        expect(last).toBeLessThanOrEqual(plan.microBatch);
        for (const { lines, length } of parts) {
          const used = lines.map((line) => line.reduce((sum, row) => sum + placesOf(rows[row]), 0));
          // Padded to its own longest line and no further, which is never further than the batch's longest row asks for.
          expect(length).toBe(paddedLength(Math.max(...used), plan.lengthMultiple));
          expect(length).toBeLessThanOrEqual(batch.length);
        }
      }),
    );
  });

  it('has a row in a line, in the order of the batch, where rows are not packed', () => {
    const rows = [9, 4, 12, 6, 3].map((length, i) => tokenRow(`row ${i}`, length, 50));
    const plan = { microBatch: 2, lengthMultiple: 4, packing: false };
    expect(microBatchesOf(rows, { rows: [3, 1, 0, 4, 2], length: 12 }, plan)).toEqual([
      { lines: [[3], [1]], length: 8 },
      { lines: [[0], [4]], length: 8 },
      { lines: [[2]], length: 12 },
    ]);
  });

  it('packs by first fit, the longest rows first: no row of a line had room in an earlier one', () => {
    fc.assert(
      fc.property(arbitraryRows, fc.constantFrom(1, 8), (rows, lengthMultiple) => {
        const batch = batchOf(rows, lengthMultiple);
        const parts = microBatchesOf(rows, batch, { microBatch: 3, lengthMultiple, packing: true });
        const lines = parts.flatMap((part) => part.lines);
        const used = lines.map((line) => line.reduce((sum, row) => sum + placesOf(rows[row]), 0));
        lines.forEach((line, later) => {
          for (const row of line)
            for (let earlier = 0; earlier < later; earlier++)
              expect((used[earlier] ?? 0) + placesOf(rows[row])).toBeGreaterThan(batch.length);
          const places = line.map((row) => placesOf(rows[row]));
          expect(places).toEqual([...places].sort((a, b) => b - a));
        });
      }),
    );
  });

  it('packs rows of one length in the order of the batch', () => {
    const rows = [5, 5, 5, 5, 9].map((length, i) => tokenRow(`row ${i}`, length, 50));
    const plan = { microBatch: 4, lengthMultiple: 1, packing: true };
    expect(microBatchesOf(rows, { rows: [2, 4, 0, 3, 1], length: 8 }, plan)).toEqual([
      { lines: [[4], [2, 0], [3, 1]], length: 8 },
    ]);
  });
});

describe('the feeds of a micro-batch', () => {
  const rows: readonly TokenRow[] = [
    {
      id: 'long',
      ids: [5, 6, 7, 8, 9],
      weights: [1, 1, 0, 1.5, 1.5],
      kinds: ['prompt', 'prompt', 'attempt', 'feedback', 'feedback'],
    },
    { id: 'short', ids: [3, 4], weights: [1, 1], kinds: ['prompt', 'attempt'] },
    { id: 'single', ids: [2], weights: [1], kinds: ['prompt'] },
  ];
  const plan: MicroBatchPlan = { microBatch: 3, lengthMultiple: 8, packing: false };

  it('are shifted by one: a token is predicted with its own weight, padding has none', () => {
    const { key, feeds } = fillMicroBatch(rows, { lines: [[0], [1]], length: 6 }, plan, 1 / 5);
    expect(key).toBe('3x6');
    expect(Object.keys(feeds).sort()).toEqual(['ids', 'scale', 'targets', 'weights']);
    const none = [0, 0, 0, 0, 0, 0];
    expect(numbers(feeds['ids'])).toEqual([5, 6, 7, 8, 0, 0, 3, 0, 0, 0, 0, 0, ...none]);
    expect(numbers(feeds['targets'])).toEqual([6, 7, 8, 9, 0, 0, 4, 0, 0, 0, 0, 0, ...none]);
    expect(numbers(feeds['weights'])).toEqual([1, 0, 1.5, 1.5, 0, 0, 1, 0, 0, 0, 0, 0, ...none]);
    expect(numbers(feeds['scale'])).toEqual([Math.fround(1 / 5)]);
    expect(the(feeds['ids']).dims).toEqual([3, 6]);
    expect(the(feeds['targets']).dims).toEqual([18]);
  });

  it('say of packed rows where in its row a token is, and in which row of its line; the rest is in none', () => {
    const { feeds } = fillMicroBatch(rows, { lines: [[1, 2, 0], [1]], length: 6 }, { ...plan, packing: true }, 1);
    const none = [0, 0, 0, 0, 0, 0];
    const line = (of: readonly number[]): readonly number[] => of;
    expect(numbers(feeds['ids'])).toEqual([...line([3, 5, 6, 7, 8, 0]), ...line([3, 0, 0, 0, 0, 0]), ...none]);
    expect(numbers(feeds['targets'])).toEqual([...line([4, 6, 7, 8, 9, 0]), ...line([4, 0, 0, 0, 0, 0]), ...none]);
    expect(numbers(feeds['weights'])).toEqual([...line([1, 1, 0, 1.5, 1.5, 0]), ...line([1, 0, 0, 0, 0, 0]), ...none]);
    expect(numbers(feeds['positions'])).toEqual([...line([0, 0, 1, 2, 3, 0]), ...line([0, 0, 0, 0, 0, 0]), ...none]);
    // The row of one token has no place, but counts.
    expect(numbers(feeds['segments'])).toEqual([
      ...line([0, 2, 2, 2, 2, -1]),
      ...line([0, -1, -1, -1, -1, -1]),
      ...line([-1, -1, -1, -1, -1, -1]),
    ]);
  });

  it('hold every token with its target and weight, packed or not', () => {
    fc.assert(
      fc.property(arbitraryRows, arbitraryPlan, (drawn, drawnPlan) => {
        const parts = microBatchesOf(drawn, batchOf(drawn, drawnPlan.lengthMultiple), drawnPlan);
        const fed = parts.flatMap((part) => {
          const { feeds } = fillMicroBatch(drawn, part, drawnPlan, 1);
          const [ids, targets, weights] = ['ids', 'targets', 'weights'].map((name) => numbers(feeds[name]));
          return (weights ?? []).flatMap((weight, i) =>
            weight > 0 ? [`${ids?.[i]} before ${targets?.[i]} weighs ${weight}`] : [],
          );
        });
        const wanted = drawn.flatMap(({ ids, weights }) =>
          ids.slice(1).flatMap((id, i) => {
            const weight = weights[i + 1] ?? 0;
            return weight > 0 ? [`${ids[i]} before ${id} weighs ${weight}`] : [];
          }),
        );
        expect([...fed].sort()).toEqual([...wanted].sort());
      }),
    );
  });

  it('cannot be of a row that is not there', () => {
    expect(() => fillMicroBatch(rows, { lines: [[7]], length: 4 }, plan, 1)).toThrow('no row 7 among 3');
  });

  it('go to the graph of their lines and length, and to no other', () => {
    expect(graphKey(2, 32)).toBe('2x32');
    const keys = [1, 2, 11, 12, 112].flatMap((lines) => [1, 2, 12, 112, 211].map((length) => graphKey(lines, length)));
    expect(new Set(keys).size).toBe(25);
  });
});

describe('what a batch is divided by', () => {
  const of = (weights: readonly number[]): TokenRow => ({
    id: weights.join(),
    ids: weights.map(() => 1),
    weights,
    kinds: weights.map(() => 'attempt'),
  });
  const rows = [of([9, 1, 0, 1.5, 1.5]), of([1, 1, 0.5]), of([7])];

  it('is the number of tokens that count, or the sum of their weights; a first token is predicted by nothing', () => {
    const batch = { rows: [0, 1, 2], length: 8 };
    expect(totalsOf(rows, batch, 'tokens')).toEqual({ tokens: 5, scale: 1 / 5 });
    expect(totalsOf(rows, batch, 'weights')).toEqual({ tokens: 5, scale: 1 / 5.5 });
    // A row that is twice in a batch counts twice.
    expect(totalsOf(rows, { ...batch, rows: [1, 1] }, 'weights')).toEqual({ tokens: 4, scale: 1 / 3 });
  });

  it('is not there when nothing is trained on', () => {
    for (const normaliser of ['tokens', 'weights'] as const)
      expect(totalsOf([of([1, 0, 0])], { rows: [0], length: 4 }, normaliser)).toBeUndefined();
  });
});

describe('losses by section', () => {
  it('are means of the token losses of the tokens that count, by the kind of the target', () => {
    fc.assert(
      fc.property(arbitraryRows, arbitraryPlan, fc.nat(), (rows, plan, seed) => {
        const parts = microBatchesOf(rows, batchOf(rows, plan.lengthMultiple), plan);
        // The loss of a token says which it is: no other has it.
        const lossOf = (row: number, at: number): number => Math.fround(1 + row + at / 64 + (seed % 7));
        const nll = parts.map(({ lines, length }) => {
          const losses = new Float32Array(plan.microBatch * length).fill(1e6);
          lines.forEach((line, i) => {
            let place = i * length;
            for (const row of line)
              for (let at = 1; at < the(rows[row]).ids.length; at++) losses[place++] = lossOf(row, at);
          });
          return losses;
        });
        const wanted: Record<string, number[]> = {};
        rows.forEach(({ kinds, weights }, row) =>
          kinds.forEach((kind, at) => {
            if (at > 0 && (weights[at] ?? 0) > 0) (wanted[kind] ??= []).push(lossOf(row, at));
          }),
        );
        const got = sectionLosses(rows, parts, nll);
        expect(Object.keys(got).sort()).toEqual(Object.keys(wanted).sort());
        for (const [kind, losses] of Object.entries(wanted)) {
          const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
          const entry = Object.entries(got).find(([name]) => name === kind)?.[1];
          expect(the(entry).tokens).toBe(losses.length);
          expect(the(entry).loss).toBeCloseTo(mean, 9);
        }
      }),
    );
  });
});
