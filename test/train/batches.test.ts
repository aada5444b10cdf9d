import * as fc from 'fast-check';
import type { Row } from '../../projections/replayDataset';
import { planBatches, stepsOfEpochs, tokenizeRow, type TokenRow } from '../../src/train/batches';
import { loadTokenizer } from '../../src/train/tokenizer';
import { byteLevelTokenizer, trainedEndId } from '../../src/train/trainTokenizer';
import { must } from '../support/events';

const rowOf = (id: string, length: number): TokenRow => ({
  id,
  ids: Array.from({ length }, (_, i) => i),
  weights: Array.from({ length }, () => 1),
  kinds: Array.from({ length }, () => 'attempt'),
});

const arbitraryRows = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 30 })
  .chain((ids) => fc.tuple(...ids.map((id) => fc.integer({ min: 2, max: 90 }).map((length) => rowOf(id, length)))));

const arbitraryPlan = fc.record({
  batchSize: fc.integer({ min: 1, max: 7 }),
  steps: fc.integer({ min: 1, max: 30 }),
  seed: fc.nat(),
  lengthMultiple: fc.constantFrom(1, 8, 32),
});

describe('the plan of a training', () => {
  it('has full batches, and uses every row equally often, up to one', () => {
    fc.assert(
      fc.property(arbitraryRows, arbitraryPlan, (rows, plan) => {
        const batches = planBatches(rows, plan);
        expect(batches).toHaveLength(plan.steps);
        for (const batch of batches) expect(batch.rows).toHaveLength(plan.batchSize);
        const uses = Array.from({ length: rows.length }, () => 0);
        for (const index of batches.flatMap((batch) => batch.rows)) uses[index] = (uses[index] ?? 0) + 1;
        expect(Math.max(...uses) - Math.min(...uses)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('pads to a multiple that the longest row fits in, and to no more', () => {
    fc.assert(
      fc.property(arbitraryRows, arbitraryPlan, (rows, plan) => {
        for (const { rows: indices, length } of planBatches(rows, plan)) {
          // A row of n tokens has n - 1 places: each predicts the next token.
          const longest = Math.max(...indices.map((index) => (rows[index]?.ids.length ?? 0) - 1));
          expect(length % plan.lengthMultiple).toBe(0);
          expect(length).toBeGreaterThanOrEqual(longest);
          expect(length - longest).toBeLessThan(plan.lengthMultiple);
        }
      }),
    );
  });

  it('depends on rows, settings and seed alone', () => {
    const rows = Array.from({ length: 40 }, (_, i) => rowOf(`row ${i}`, 10 + (i % 7)));
    const plan = { batchSize: 4, steps: 20, seed: 1, lengthMultiple: 8 };
    const order = (seed: number): readonly number[] =>
      planBatches(rows, { ...plan, seed }).flatMap(({ rows: of }) => of);
    expect(order(1)).toEqual(order(1));
    expect(order(2)).not.toEqual(order(1));
    // The second epoch has an order of its own.
    expect(order(1).slice(0, 40)).not.toEqual(order(1).slice(40, 80));
  });

  it('has no row twice in a batch, however many epochs there are, where epochs are whole batches', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.nat(), (batchSize, each, seed) => {
        const few = Array.from({ length: batchSize * each }, (_, i) => rowOf(`row ${i}`, 10 + (i % 3)));
        const batches = planBatches(few, { batchSize, steps: 30, seed, lengthMultiple: 8 });
        for (const batch of batches) expect(new Set(batch.rows).size).toBe(batchSize);
        // Each epoch is whole before the next one begins.
        const first = batches.slice(0, each).flatMap((batch) => batch.rows);
        expect(new Set(first).size).toBe(Math.min(few.length, 30 * batchSize));
      }),
    );
  });

  it('keeps an epoch order of the old rows among themselves when rows are added', () => {
    const order = (count: number): readonly string[] => {
      const of = Array.from({ length: count }, (_, i) => rowOf(`row ${i}`, 10));
      // Batches of one in windows of one: what is left is the order of the epoch.
      return Array.from({ length: count }, (_, i) => {
        const [batch] = planBatches(of, { batchSize: i + 1, steps: 1, seed: 3, lengthMultiple: 8 });
        return (batch?.rows ?? []).map((index) => of[index]?.id ?? '');
      }).map((prefix, i, prefixes) => prefix.find((id) => !(prefixes[i - 1] ?? []).includes(id)) ?? '');
    };
    const old = new Set(order(8));
    expect(order(12).filter((id) => old.has(id))).toEqual(order(8));
  });

  it('is empty without rows, and as long as its epochs', () => {
    expect(planBatches([], { batchSize: 2, steps: 3, seed: 1, lengthMultiple: 8 })).toEqual([]);
    expect(stepsOfEpochs(10, 4, 4)).toBe(10);
    expect(stepsOfEpochs(10, 1, 4)).toBe(3);
    expect(stepsOfEpochs(10, 0.5, 4)).toBe(2);
    expect(stepsOfEpochs(1, 0.1, 64)).toBe(1);
  });
});

describe('a row as tokens', () => {
  const tokenizer = must(loadTokenizer(byteLevelTokenizer()));
  const section = (kind: Row['sections'][number]['kind'], text: string, weight: number) => ({
    kind,
    text,
    weight,
    eventId: 'e',
    author: null,
  });
  const row = (end: boolean): Row => ({
    id: 'r',
    bucket: 'SI',
    problemId: 'p',
    trajectoryId: null,
    iteration: null,
    sections: [section('prompt', 'ab', 1), section('attempt', 'cd', 0), section('feedback', 'é', 1.5)],
    end,
  });

  it('changes its weight exactly where a section begins; the end token weighs as the last section', () => {
    const bytes = [...Buffer.from('abcdé')];
    expect(tokenizeRow(row(true), tokenizer)).toEqual({
      id: 'r',
      ids: [...bytes, trainedEndId],
      weights: [1, 1, 0, 0, 1.5, 1.5, 1.5],
      kinds: ['prompt', 'prompt', 'attempt', 'attempt', 'feedback', 'feedback', 'feedback'],
    });
    expect(tokenizeRow(row(false), tokenizer).ids).toEqual(bytes);
  });
});
