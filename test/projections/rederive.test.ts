import type { LedgerEvent } from '../../events/index';
import * as E from 'fp-ts/Either';
import { datasetDerived } from '../../events/datasetDerived';
import { sha256 } from '../../events/digest';
import { eventRetracted } from '../../events/eventRetracted';
import { datasetDerivedOf, deriveDataset, type DeriveOptions } from '../../projections/deriveDataset';
import type { Policy } from '../../projections/policies/policy';
import { presetNames } from '../../projections/policies/presets';
import { rederive } from '../../projections/rederive';
import { pose, sum } from '../support/builders';
import { must, the } from '../support/events';
import type { LedgerBuilder } from '../support/builders';
import { smallLedger } from '../support/smallLedger';
import { countSections } from './arbitraryPolicy';
import { policyOf, preset } from './policyFiles';

const recordedOn = (policy: Policy, options: Partial<DeriveOptions> = {}) => {
  const ledger = smallLedger();
  pose(ledger, sum(30), { set: 'others' });
  const prefix = { size: ledger.events.length, root: sha256('root') };
  const derived = deriveDataset(ledger.events, policy, { seed: 7, ledger: prefix, ...options });
  const recorded = datasetDerivedOf(derived);
  ledger.add(datasetDerived, recorded);
  return { ledger, derived, recorded };
};

describe('a recorded dataset', () => {
  const before = ({ events }: LedgerBuilder): readonly LedgerEvent[] =>
    events.slice(
      0,
      events.findIndex(({ type }) => type === 'DatasetDerived'),
    );

  it.each(presetNames)('of %s is made again from the events before it, whatever came later', (name) => {
    const { ledger, derived, recorded } = recordedOn(preset(name), { scope: { runId: 'run-a', iteration: 1 } });
    const used = the(derived.decisions[0]).eventIds[0] ?? '';
    ledger.add(eventRetracted, { eventId: used, reason: 'late', by: 'ana' });
    const made = must(rederive(before(ledger), recorded));
    expect(made.isExact).toBe(true);
    expect(made.derived.decisionsBytes).toEqual(derived.decisionsBytes);
    expect(made.derived.datasetBytes).toEqual(derived.datasetBytes);
  });

  it('whose gold is of one problem set is found by its bytes where its event, of version 1, does not name the set', () => {
    const { ledger, recorded } = recordedOn(preset('ft-rationale'), { scope: { problemSet: 'others' } });
    expect(recorded.rows).toBe(1);
    const first = { ...recorded, scope: { ...recorded.scope, problemSet: null } };
    for (const each of [recorded, first])
      expect(must(rederive(before(ledger), each))).toMatchObject({
        isExact: true,
        options: { scope: { problemSet: 'others' } },
      });
  });

  it('that counted tokens needs the tokenizer, and finds it among others', () => {
    const policy = policyOf('policy: 1\nname: short\nadmit: { maxTokens: 4 }\n');
    const right = { tokenizer: sha256('right'), countTokens: countSections };
    const wrong = { tokenizer: sha256('wrong'), countTokens: () => 1 };
    const { ledger, recorded } = recordedOn(policy, right);
    expect(recorded.byReason['split.max-tokens']).toBeGreaterThan(0);
    const first = { ...recorded, tokenizer: null };
    for (const each of [recorded, first]) {
      expect(rederive(before(ledger), each)).toEqual(E.left(expect.stringContaining('no tokenizer')));
      const made = must(rederive(before(ledger), each, [wrong, right]));
      expect([made.isExact, made.options.tokenizer]).toEqual([true, right.tokenizer]);
    }
    expect(must(rederive(before(ledger), first, [wrong])).isExact).toBe(false);
    expect(rederive(before(ledger), recorded, [wrong])).toEqual(E.left(expect.stringContaining('no tokenizer')));
  });

  it('is not exact where the events give other bytes, and nothing where the policy cannot be read', () => {
    const { ledger, recorded } = recordedOn(preset('tripost'));
    expect(must(rederive(before(ledger), { ...recorded, seed: 8 })).isExact).toBe(false);
    const unread = { ...recorded, policy: { ...recorded.policy, document: { policy: 9 } } };
    expect(rederive(before(ledger), unread)).toEqual(E.left(expect.stringContaining('does not read its policy')));
  });
});
