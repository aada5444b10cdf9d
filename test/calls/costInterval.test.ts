import * as fc from 'fast-check';
import { costInterval, lengthsOf, type CallTokens } from '../../src/calls/costInterval';
import { costOf, nano, type ModelPrice } from '../../src/calls/prices';

const price: ModelPrice = { input: 2, cachedInput: 0.5, output: 8, dated: '2026-01-01', source: 'a test' };
const known = [
  {
    prompt: [{ role: 'user', content: 'x'.repeat(400) }],
    sampling: { temperature: 0, topK: null, topP: null, maxTokens: 256 },
  },
] as const;

const tokens = fc.record({ prompt: fc.integer({ min: 1, max: 5000 }), completion: fc.integer({ min: 1, max: 2000 }) });

describe('what calls may cost', () => {
  it('holds every sum of calls as long as those that were measured, however many of the planned are made', () => {
    fc.assert(
      fc.property(
        fc.array(tokens, { minLength: 1, maxLength: 20 }),
        fc.array(fc.nat(19), { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        (measured, picks, cached) => {
          const made = picks.map(
            (pick): CallTokens => measured[pick % measured.length] ?? { prompt: 1, completion: 1 },
          );
          const calls = { from: made.length, expected: made.length, to: made.length + 3 };
          const interval = costInterval(price, calls, lengthsOf(measured, known));
          const paid = made.reduce(
            (sum, { prompt, completion }) =>
              sum +
              costOf(price, {
                promptTokens: prompt,
                completionTokens: completion,
                cachedPromptTokens: cached ? prompt : 0,
              }),
            0,
          );
          expect(paid / nano).toBeLessThanOrEqual(interval?.to ?? 0);
          // Half of the shortest prompt, all of it cached, one token back: no call was cheaper.
          expect(paid / nano).toBeGreaterThanOrEqual(interval?.from ?? Number.POSITIVE_INFINITY);
          expect(interval?.expected).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('is reckoned from the prompts where nothing is measured, and never zero', () => {
    const lengths = lengthsOf([], known);
    expect(lengths).toMatchObject({ from: 'prompts', most: { completion: 256 } });
    expect(lengths.most.prompt).toBeGreaterThanOrEqual(400);
    expect(lengths.mean.prompt).toBeGreaterThan(90);
    const interval = costInterval(price, { from: 1, expected: 2, to: 4 }, lengths);
    expect(interval?.from).toBeGreaterThan(0);
    expect(interval?.expected).toBeGreaterThan(interval?.from ?? 0);
    expect(interval?.to).toBeGreaterThan(interval?.expected ?? 0);
  });

  it('is not known for a model without a price', () => {
    expect(costInterval(undefined, { from: 1, expected: 1, to: 1 }, lengthsOf([], known))).toBeUndefined();
  });
});
