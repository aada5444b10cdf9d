import { fc, test as property } from '@fast-check/jest';
import { axisOf } from '../../src/report/axis';
import { mostPoints, thinned } from '../../src/report/figures/curves';
import { sweepsOf } from '../../src/report/figures/sweeps';
import { hostile, planted, plantedDocument } from './plantedAblation';

describe('an axis', () => {
  const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

  property.prop([fc.array(finite, { minLength: 1, maxLength: 20 }), fc.boolean()])(
    'has room for all of its values and even steps',
    (values, zero) => {
      const { at, ticks } = axisOf(values, [10, 90], { zero });
      for (const value of zero ? [...values, 0] : values) {
        expect(at(value)).toBeGreaterThanOrEqual(10 - 1e-3);
        expect(at(value)).toBeLessThanOrEqual(90 + 1e-3);
      }
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(14);
      const gaps = ticks.slice(1).map((tick, i) => at(tick) - at(ticks[i] ?? 0));
      for (const gap of gaps) expect(gap).toBeCloseTo(gaps[0] ?? 0, 3);
      expect([at(ticks[0] ?? 0), at(ticks.at(-1) ?? 0)].map((x) => Math.round(x))).toEqual([10, 90]);
    },
  );
});

describe('a thinned curve', () => {
  const curve = (length: number) =>
    Array.from({ length }, (_, i) => ({ step: i + 1, loss: i, sections: i % 3 === 0 ? { prompt: i } : {} }));

  it('is itself while it is short', () => {
    expect(thinned(curve(mostPoints), ({ loss }) => loss)).toEqual(
      curve(mostPoints).map(({ step, loss }) => ({ from: step, to: step, value: loss })),
    );
  });

  property.prop([fc.integer({ min: 1, max: 3000 })])(
    'covers every step once, in means that weigh to the whole',
    (length) => {
      const points = thinned(curve(length), ({ loss }) => loss);
      expect(points.length).toBeLessThanOrEqual(mostPoints);
      expect(points[0]?.from).toBe(1);
      expect(points.at(-1)?.to).toBe(length);
      for (const [i, point] of points.slice(1).entries()) expect(point.from).toBe((points[i]?.to ?? 0) + 1);
      const sum = points.reduce((total, { from, to, value }) => total + (to - from + 1) * value, 0);
      expect(sum).toBeCloseTo((length * (length - 1)) / 2, 3);
    },
  );

  it('leaves out what has no value', () => {
    expect(thinned(curve(7), ({ sections }) => sections['prompt']).map(({ from }) => from)).toEqual([1, 4, 7]);
  });
});

describe('a sweep', () => {
  it('is of a numeric setting, a line for each set of the others', () => {
    const [sweep, ...rest] = sweepsOf(plantedDocument());
    expect(rest).toEqual([]);
    expect(sweep?.key).toBe('policy.balance.ratio');
    expect(sweep?.arms.map(({ value, rest: others }) => [value, others])).toEqual(
      ['tripost', hostile].flatMap((name) => planted.axis.map((value) => [value, `policy.name=${name}`])),
    );
  });

  it('is none where arms differ in names alone', () => {
    expect(sweepsOf(plantedDocument({ ...planted, axis: [] }))).toEqual([]);
  });
});
