import * as fc from 'fast-check';
import type { TokenRow } from '../../src/train/batches';
import type { TrainConfig } from '../../src/train/trainConfig';
import {
  engineStep,
  graphsOf,
  heldOutBatches,
  heldOutCount,
  heldOutLoss,
  planTraining,
  stepRecord,
} from '../../src/train/trainPlan';
import { the } from '../support/events';
import { smallConfig, smallShape, tokenRow, tokenRows } from '../support/training';

const heldOut = (share: number, every = 2): TrainConfig['heldOut'] => ({ share, every, patience: null });

const arbitraryRows = fc
  .array(fc.integer({ min: 2, max: 40 }), { minLength: 2, maxLength: 30 })
  .map((lengths) => lengths.map((length, i) => tokenRow(`row ${i}`, length, 40)));

const heldRows = (rows: readonly TokenRow[], config: TrainConfig, seed: number): readonly number[] =>
  planTraining(rows, config, seed).heldOut.flatMap(({ lines }) => lines.flat());

describe('the plan of a training', () => {
  it('trains on no row that is held out, and on all others equally often, up to one', () => {
    fc.assert(
      fc.property(
        arbitraryRows,
        fc.double({ min: 0.01, max: 0.9, noNaN: true }),
        fc.boolean(),
        (rows, share, packing) => {
          const config = { ...smallConfig, packing, steps: 12, heldOut: heldOut(share) };
          const plan = planTraining(rows, config, 7);
          const held = new Set(plan.heldOut.flatMap(({ lines }) => lines.flat()));
          expect(held.size).toBe(heldOutCount(rows.length, share));
          expect(held.size).toBeLessThan(rows.length);
          const uses = rows.map(() => 0);
          for (const { batch, microBatches } of plan.steps) {
            expect(microBatches.flatMap(({ lines }) => lines.flat()).sort((a, b) => a - b)).toEqual(
              [...batch.rows].sort((a, b) => a - b),
            );
            for (const row of batch.rows) uses[row] = (uses[row] ?? 0) + 1;
          }
          const trained = uses.filter((_, row) => !held.has(row));
          for (const row of held) expect(uses[row]).toBe(0);
          expect(Math.max(...trained) - Math.min(...trained)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('holds the same rows out under the same seed, whatever else is set; others under another', () => {
    const rows = tokenRows(Array.from({ length: 40 }, (_, i) => 5 + (i % 9)));
    const config = { ...smallConfig, heldOut: heldOut(0.2) };
    const first = [...heldRows(rows, config, 1)].sort((a, b) => a - b);
    expect(first).toHaveLength(8);
    for (const changed of [
      { packing: true },
      { batchSize: 3 },
      { microBatch: 1 },
      { steps: 9 },
      { heldOut: heldOut(0.2, 5) },
    ])
      expect([...heldRows(rows, { ...config, ...changed }, 1)].sort((a, b) => a - b)).toEqual(first);
    expect([...heldRows(rows, config, 2)].sort((a, b) => a - b)).not.toEqual(first);
  });

  it('draws what is held out per row: of fewer rows, those that were held out are again', () => {
    const rows = tokenRows(Array.from({ length: 40 }, () => 8));
    const held = new Set(heldRows(rows, { ...smallConfig, heldOut: heldOut(0.5) }, 1));
    const some = rows.slice(0, 20);
    const few = heldRows(some, { ...smallConfig, heldOut: heldOut(0.1) }, 1);
    expect(few).toHaveLength(2);
    for (const row of few) expect(held.has(row)).toBe(true);
  });

  it('counts epochs over the rows that are trained on', () => {
    const rows = tokenRows(Array.from({ length: 20 }, () => 8));
    const config = { ...smallConfig, steps: null, epochs: 3, batchSize: 4 };
    expect(planTraining(rows, config, 1).steps).toHaveLength(15);
    expect(planTraining(rows, { ...config, heldOut: heldOut(0.2) }, 1).steps).toHaveLength(12);
  });

  it('has nothing to measure where nothing is held out, or so little that it rounds to nothing', () => {
    const rows = tokenRows([8, 8, 8, 8]);
    expect(planTraining(rows, smallConfig, 1).heldOut).toEqual([]);
    expect(planTraining(rows, { ...smallConfig, heldOut: heldOut(0.1) }, 1).heldOut).toEqual([]);
    expect(heldOutCount(1, 0.9)).toBe(0);
    expect(heldOutCount(10, 0.25)).toBe(3);
    expect(heldOutCount(2, 0.99)).toBe(1);
  });

  it('names a graph for every length that comes, for losses too', () => {
    const rows = tokenRows([9, 15, 17, 23, 30, 33]);
    const config = { ...smallConfig, batchSize: 2, microBatch: 1, steps: 9, heldOut: heldOut(0.34) };
    const plan = planTraining(rows, config, 1);
    const graphs = graphsOf(plan, smallShape, config);
    const keys = plan.steps.flatMap((_, i) =>
      the(engineStep(plan, config, i + 1)).input.microBatches.map(({ key }) => key),
    );
    const losses = heldOutBatches(plan, config).map(({ key }) => key);
    expect([...graphs.keys()].sort()).toEqual([...new Set([...keys, ...losses])].sort());
    expect(losses.every((key) => key.startsWith('loss 1x'))).toBe(true);
  });
});

describe('a step as it is recorded', () => {
  const rows = tokenRows([9, 12]);
  const config = { ...smallConfig, batchSize: 2, microBatch: 1, lengthMultiple: 1, steps: 1 };
  const plan = planTraining(rows, config, 1);
  const nll = the(plan.steps[0]).microBatches.map(({ length }) => new Float32Array(length).fill(2));

  it('has its rows, its tokens, its numbers with their bits, and a loss of every kind of section', () => {
    const filled = the(engineStep(plan, config, 1));
    const record = stepRecord(plan, 1, filled, { loss: 1.5, gradNorm: -0, nll, updated: true }, 0.75);
    const counting = rows.flatMap(({ weights, kinds }) => kinds.filter((_, i) => i > 0 && (weights[i] ?? 0) > 0));
    expect(record).toEqual({
      step: 1,
      rows: [...the(plan.steps[0]).batch.rows],
      tokens: counting.length,
      loss: 1.5,
      lossBits: '3fc00000',
      gradNorm: -0,
      gradNormBits: '80000000',
      learningRate: filled.learningRate,
      sections: Object.fromEntries(
        ['attempt', 'feedback', 'improvement'].map((kind) => [
          kind,
          { tokens: counting.filter((one) => one === kind).length, loss: 2 },
        ]),
      ),
      heldOutLoss: 0.75,
    });
    expect(Object.values(record.sections).reduce((sum, { tokens }) => sum + tokens, 0)).toBe(record.tokens);
  });
});

describe('the loss on rows held out', () => {
  it.each([
    [false, 'tokens'],
    [true, 'tokens'],
    [false, 'weights'],
    [true, 'weights'],
  ] as const)('is the weighted sum of token losses, packed: %s, per normaliser: %s', (packing, normaliser) => {
    const rows = tokenRows([9, 14, 20, 11, 17, 8, 26, 12]);
    const config = { ...smallConfig, packing, normaliser, heldOut: heldOut(0.5) };
    const plan = planTraining(rows, config, 3);
    const lossOf = (row: number, at: number): number => Math.fround(row + at / 32);
    let [sum, tokens, weight] = [0, 0, 0];
    const nll = plan.heldOut.map(({ lines, length }) => {
      const losses = new Float32Array(config.microBatch * length).fill(1e9);
      lines.forEach((line, i) => {
        let place = i * length;
        for (const row of line) {
          const { ids, weights } = the(rows[row]);
          for (let at = 1; at < ids.length; at++) {
            const loss = lossOf(row, at);
            losses[place++] = loss;
            const w = the(weights[at]);
            sum += w * loss;
            weight += w;
            if (w > 0) tokens++;
          }
        }
      });
      return losses;
    });
    expect(heldOutLoss(plan, config, nll)).toBeCloseTo(sum / (normaliser === 'tokens' ? tokens : weight), 9);
  });
});
