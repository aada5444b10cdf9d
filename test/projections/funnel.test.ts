import * as fc from 'fast-check';
import { deriveDataset } from '../../projections/deriveDataset';
import { funnel } from '../../projections/funnel';
import { smallLedger } from '../support/smallLedger';
import { anySpecs, ledgerOf } from './arbitraryLedger';
import { anyPolicy, countSections } from './arbitraryPolicy';
import { preset } from './policyFiles';

const sumOf = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

describe('the funnel', () => {
  it('of the small ledger under tripost, rule by rule in the order in which they are asked', () => {
    const { decisions } = deriveDataset(smallLedger().events, preset('tripost'), {
      seed: 42,
      scope: { runId: 'run-a', iteration: 1 },
    });
    const made = funnel(decisions);
    expect([made.in, made.out, made.trajectories, made.gold]).toEqual([decisions.length, 20, 16, 9]);
    expect(made.losses.map(({ rule, lost, left }) => [rule, lost, left])).toEqual([
      ['admit.retracted', 1, 32],
      ['collect.open', 1, 31],
      ['collect.max-updates', 1, 30],
      ['collect.unreadable-attempt', 1, 29],
      ['admit.duplicate', 1, 28],
      ['split.no-rationale', 1, 27],
      ['balance.not-drawn', 5, 22],
      ['balance.gold-not-drawn', 2, 20],
    ]);
  });

  it('loses what does not come out, in every class and iteration', () => {
    fc.assert(
      fc.property(anySpecs, anyPolicy, (specs, policy) => {
        const { decisions, rows } = deriveDataset(ledgerOf(specs).events, policy, {
          seed: 5,
          countTokens: countSections,
        });
        const made = funnel(decisions);
        expect(made.in).toBe(made.out + made.losses.reduce((sum, { lost }) => sum + lost, 0));
        expect([made.in, made.out]).toEqual([decisions.length, rows.length]);
        expect(made.losses.at(-1)?.left ?? made.in).toBe(made.out);
        for (const by of ['byKind', 'byIteration'] as const) {
          for (const loss of made.losses) expect(sumOf(loss[by])).toBe(loss.lost);
          for (const [key, flow] of Object.entries(made[by]))
            expect(flow.in - flow.out).toBe(made.losses.reduce((sum, loss) => sum + (loss[by][key] ?? 0), 0));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('puts a rule that this version does not know behind the others', () => {
    const { decisions } = deriveDataset(smallLedger().events, preset('tripost'), { seed: 1 });
    const foreign = decisions.map((d) => (d.rule === 'balance.not-drawn' ? { ...d, rule: 'custom.mine' } : d));
    const last = funnel(foreign).losses.at(-1);
    expect([last?.rule, last?.says]).toEqual(['custom.mine', 'A rule this version does not know.']);
  });
});
