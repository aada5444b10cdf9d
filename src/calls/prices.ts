import * as t from 'io-ts';
import type { Price, Served } from '../ports/languageModel';

/** US dollars for a million tokens. */
const PerMillion = t.refinement(t.number, (n) => Number.isFinite(n) && n >= 0, 'a price from 0');
const IsoDate = t.refinement(t.string, (text) => /^\d{4}-\d{2}-\d{2}$/.test(text), 'a date as 2026-01-31');

const ModelPrice = t.strict(
  {
    input: PerMillion,
    cachedInput: t.union([PerMillion, t.null]),
    output: PerMillion,
    dated: IsoDate,
    source: t.string,
  },
  'ModelPrice',
);
export type ModelPrice = t.TypeOf<typeof ModelPrice>;

/** A price file: see src/calls/prices.yaml. `cachedInput: null`: cached tokens cost what others do. */
export const PriceTable = t.strict(
  { currency: t.literal('USD'), per: t.literal(1_000_000), models: t.record(t.string, ModelPrice) },
  'PriceTable',
);
export type PriceTable = t.TypeOf<typeof PriceTable>;

/** The table with the rows of another one in place of, and beside, its own. */
export const withPrices = (table: PriceTable, more: PriceTable): PriceTable => ({
  ...table,
  models: { ...table.models, ...more.models },
});

/** A model's own price, or that of the name it is a dated form of (`gpt-4o-mini-2024-07-18`); undefined: not known. */
export const priceOf = ({ models }: PriceTable, model: string): ModelPrice | undefined => {
  const own = Object.hasOwn(models, model) ? models[model] : undefined;
  if (own !== undefined) return own;
  const undated = model.replace(/-\d{4}-\d{2}-\d{2}$/, '');
  return Object.hasOwn(models, undated) ? models[undated] : undefined;
};

/** Dollars are counted in billionths: sums of whole numbers have no rounding of their own. */
export const nano = 1e9;

/** Billionths of a dollar for a usage, rounded up. A price of 0.075 per million is 75 billionths a token. */
export const costOf = (price: ModelPrice, usage: NonNullable<Served['usage']>): number => {
  const cached = Math.min(usage.cachedPromptTokens, usage.promptTokens);
  const { input, cachedInput, output } = price;
  const perToken = (dollarsPerMillion: number): number => Math.round(dollarsPerMillion * 1e6) / 1e3;
  return Math.ceil(
    (usage.promptTokens - cached) * perToken(input) +
      cached * perToken(cachedInput ?? input) +
      usage.completionTokens * perToken(output),
  );
};

/** What a call cost, for its event. */
export const priced = (price: ModelPrice | undefined, usage: Served['usage']): Price | null =>
  price === undefined || usage === null
    ? null
    : { currency: 'USD', amount: costOf(price, usage) / nano, dated: price.dated };
