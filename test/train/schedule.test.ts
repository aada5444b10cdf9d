import * as fc from 'fast-check';
import { learningRateAt, type Schedule } from '../../src/train/schedule';

const rates = (schedule: Schedule, steps: number): readonly number[] =>
  Array.from({ length: steps }, (_, i) => learningRateAt(schedule, i + 1, steps));

describe('the learning rate', () => {
  it('rises over the warm-up to its full value, then goes down in a line', () => {
    const got = rates({ learningRate: 1, warmup: 0.2, shape: 'linear' }, 10);
    const falling = Array.from({ length: 8 }, (_, i) => 1 - (i + 1) / 9);
    [0.5, 1, ...falling].forEach((rate, i) => expect(got[i]).toBeCloseTo(rate, 12));
  });

  it('goes down along half a cosine, and stays where it is constant', () => {
    const cosine = rates({ learningRate: 2, warmup: 0, shape: 'cosine' }, 3);
    [2 * 0.8535533906, 1, 2 * 0.1464466094].forEach((rate, i) => expect(cosine[i]).toBeCloseTo(rate, 9));
    expect(rates({ learningRate: 3, warmup: 0.5, shape: 'constant' }, 4)).toEqual([1.5, 3, 3, 3]);
  });

  it('is above 0, at most the full rate, and never rises after the warm-up', () => {
    const arbitrary = fc.record({
      learningRate: fc.double({ min: 1e-7, max: 1, noNaN: true }),
      warmup: fc.double({ min: 0, max: 0.99, noNaN: true }),
      shape: fc.constantFrom('constant' as const, 'linear' as const, 'cosine' as const),
    });
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 1, max: 200 }), (schedule, steps) => {
        const got = rates(schedule, steps);
        const rising = Math.round(schedule.warmup * steps);
        const most = schedule.learningRate * (1 + 1e-12);
        expect(got.filter((rate) => !(rate > 0 && rate <= most))).toEqual([]);
        const before = (i: number): number => got[i - 1] ?? 0;
        const wrongWay = (rate: number, i: number): boolean =>
          i < rising ? rate < before(i) : i > rising && rate > before(i) * (1 + 1e-12);
        expect(got.filter(wrongWay)).toEqual([]);
      }),
    );
  });
});
