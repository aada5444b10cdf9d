import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import * as fc from 'fast-check';
import { costOf, priced, priceOf, PriceTable, withPrices } from '../../src/calls/prices';
import { parseYaml } from '../../projections/parseYaml';
import { must, the } from '../support/events';

const shipped = must(parseYaml(readFileSync(join(__dirname, '../../src/calls/prices.yaml'), 'utf8'), PriceTable));
const row = { input: 0.15, cachedInput: 0.075, output: 0.6, dated: '2026-11-24', source: 'a test' };

describe('the shipped prices', () => {
  it.each(Object.entries(shipped.models))('%s: dated, with a source, output dearer than input', (_, price) => {
    expect(price.dated).toMatch(/^2026-/);
    expect(price.source.length).toBeGreaterThan(10);
    expect(price.output).toBeGreaterThan(price.input);
    expect(price.cachedInput ?? 0).toBeLessThan(price.input);
  });
});

describe('a price', () => {
  it('of a dated name is that of the model; of another model there is none', () => {
    expect(priceOf(shipped, 'gpt-4o-mini-2024-07-18')).toEqual(shipped.models['gpt-4o-mini']);
    for (const name of ['gpt-4o-mini-tuned', 'my-7b', 'toString', '']) expect(priceOf(shipped, name)).toBeUndefined();
  });

  it('of a user goes before a shipped one', () => {
    const own: PriceTable = { ...shipped, models: { 'gpt-4o': row, mine: row } };
    const all = withPrices(shipped, own);
    expect([priceOf(all, 'gpt-4o'), priceOf(all, 'mine')]).toEqual([row, row]);
    expect(priceOf(all, 'gpt-4o-mini')).toEqual(shipped.models['gpt-4o-mini']);
  });

  it('is counted in billionths of a dollar, exactly', () => {
    const usage = { promptTokens: 1_000_000, cachedPromptTokens: 400_000, completionTokens: 10 };
    expect(costOf(row, usage)).toBe(600_000 * 150 + 400_000 * 75 + 10 * 600);
    expect(costOf({ ...row, cachedInput: null }, usage)).toBe(1_000_000 * 150 + 10 * 600);
    expect(priced(row, usage)).toEqual({ currency: 'USD', amount: 0.120006, dated: '2026-11-24' });
  });

  it('never falls as usage grows, and is never above that of the same tokens uncached', () => {
    const tokens = fc.integer({ min: 0, max: 100_000 });
    fc.assert(
      fc.property(tokens, tokens, tokens, tokens, (promptTokens, cachedPromptTokens, completionTokens, more) => {
        const usage = { promptTokens, cachedPromptTokens, completionTokens };
        expect(costOf(row, { ...usage, completionTokens: completionTokens + more })).toBeGreaterThanOrEqual(
          costOf(row, usage),
        );
        expect(costOf(row, usage)).toBeLessThanOrEqual(costOf(row, { ...usage, cachedPromptTokens: 0 }));
      }),
    );
  });

  it('is not known where the usage or the model is not', () => {
    expect([
      priced(undefined, { promptTokens: 1, cachedPromptTokens: 0, completionTokens: 1 }),
      priced(row, null),
    ]).toEqual([null, null]);
  });
});

describe('a price file', () => {
  const read = (text: string) => parseYaml(text, PriceTable);
  it.each([
    ['no date', 'currency: USD\nper: 1000000\nmodels: {m: {input: 1, cachedInput: null, output: 2, source: x}}'],
    [
      'a negative price',
      'currency: USD\nper: 1000000\nmodels: {m: {input: -1, cachedInput: null, output: 2, dated: 2026-01-01, source: x}}',
    ],
    ['another unit', 'currency: USD\nper: 1000\nmodels: {}'],
    ['another currency', 'currency: EUR\nper: 1000000\nmodels: {}'],
  ])('with %s is refused, with the line', (_, text) => {
    const result = read(text);
    expect(E.isLeft(result) ? the(result.left[0]).line : 0).toBeGreaterThan(0);
  });
});
