import * as fc from 'fast-check';
import { axisOf } from '../../src/report/axis';
import { mostPoints, thinned } from '../../src/report/figures/curves';
import { sweeps, sweepsOf } from '../../src/report/figures/sweeps';
import { hostile, planted, plantedDocument } from './plantedAblation';

describe('an axis', () => {
  const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

  it('has room for all of its values and even steps', () => {
    const given = [fc.array(finite, { minLength: 1, maxLength: 20 }), fc.boolean()] as const;
    fc.assert(
      fc.property(...given, (values, zero) => {
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
      }),
    );
  });
});

describe('an axis of shares', () => {
  it('goes nowhere a share cannot go, also where all are equal', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(shares, (values) => {
        for (const given of [values, [values[0] ?? 0]]) {
          const { ticks } = axisOf(given, [0, 100], { limits: [0, 1] });
          expect(Math.min(...ticks)).toBeGreaterThanOrEqual(0);
          expect(Math.max(...ticks)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('a thinned curve', () => {
  const curve = (length: number) =>
    Array.from({ length }, (_, i) => ({ step: i + 1, loss: i, sections: i % 3 === 0 ? { prompt: i } : {} }));

  it('is itself while it is short', () => {
    expect(thinned(curve(mostPoints), ({ loss }) => loss)).toEqual(
      curve(mostPoints).map(({ step, loss }) => ({ from: step, to: step, value: loss })),
    );
  });

  it('covers every step once, in means that weigh to the whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), (length) => {
        const points = thinned(curve(length), ({ loss }) => loss);
        expect(points.length).toBeLessThanOrEqual(mostPoints);
        expect(points[0]?.from).toBe(1);
        expect(points.at(-1)?.to).toBe(length);
        for (const [i, point] of points.slice(1).entries()) expect(point.from).toBe((points[i]?.to ?? 0) + 1);
        const sum = points.reduce((total, { from, to, value }) => total + (to - from + 1) * value, 0);
        expect(sum).toBeCloseTo((length * (length - 1)) / 2, 3);
      }),
    );
  });

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

  it('of values over two powers of ten is drawn by logarithm, every mark with its value', () => {
    const [figure] = sweeps(
      plantedDocument({ ...planted, axis: [0.0001, 0.001, 0.01], seeds: [1], iterations: 1, steps: 1 }),
    );
    const picture = figure?.pictures[0]?.html ?? '';
    const marks = [...picture.matchAll(/<text class="tick" x="([^"]+)" y="273" text-anchor="middle">([^<]+)</g)];
    expect(marks.map(([, , text]) => text)).toEqual(['0.0001', '0.001', '0.01']);
    const [a = 0, b = 0, c = 0] = marks.map(([, x]) => Number(x));
    expect(b - a).toBeCloseTo(c - b, 1);
    expect(b - a).toBeGreaterThan(50);
  });

  it('is one of several, each with a legend of its own', () => {
    const whole = plantedDocument({ ...planted, seeds: [1], iterations: 1, steps: 1 });
    const settings = whole.settings.map((of, i) => ({
      ...of,
      settings: [...of.settings, ['train.steps', i < 3 ? 10 : 20] as const],
    }));
    expect(sweeps({ ...whole, settings }).map(({ id, title }) => [id, title])).toEqual([
      ['sweep', 'Accuracy over policy.balance.ratio'],
    ]);
    const [a, b] = [0.05, 0.2];
    const crossed = whole.settings.slice(0, 4).map(({ arm }, i) => ({
      arm,
      settings: [['p', i < 2 ? a : b] as const, ['q', i % 2 === 0 ? a : b] as const],
    }));
    const figures = sweeps({ ...whole, settings: crossed });
    expect(figures.map(({ id }) => id)).toEqual(['sweep', 'sweep-2']);
    expect(figures[0]?.legend?.html).toContain('q=0.05');
    expect(figures[1]?.legend?.html).toContain('p=0.05');
  });

  it('is none where arms differ in names alone', () => {
    expect(sweepsOf(plantedDocument({ ...planted, axis: [] }))).toEqual([]);
  });
});
