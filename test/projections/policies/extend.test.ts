import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import { differences } from '../../../projections/policies/change';
import { originOf } from '../../../projections/policies/extend';
import { Policy, policyDigest } from '../../../projections/policies/policy';
import { presetNames } from '../../../projections/policies/presets';
import { anyPolicy } from '../arbitraryPolicy';
import { complaints, policyOf, preset, resolvedOf } from '../policyFiles';

const tripost = preset('tripost');

describe('a policy that extends another', () => {
  it('has everything of it but what it says itself: mappings are merged, lists are replaced', () => {
    const own = policyOf(
      'extends: tripost\nname: mine\nadmit: { outcomes: solved }\nbalance: { ratio: 0.5 }\nweights: { SI: { attempt: 0 } }\n',
    );
    expect(differences(tripost, own)).toEqual([
      { setting: 'admit.outcomes', from: ['feedback-only', 'solved'], to: ['solved'] },
      { setting: 'balance.ratio', from: 1.5, to: 0.5 },
      { setting: 'weights.SI.attempt', from: 1, to: 0 },
    ]);
    expect(own.weights.SI).toEqual({ prompt: 1, attempt: 0, feedback: 1.5, improvement: 1.5 });
    expect([own.name, own.description]).toEqual(['mine', '']);
  });

  it('is the one that says the same without extending', () => {
    const whole = policyOf('policy: 1\nname: a\nselect: { sources: gold }\nsplit: { gold: rationale }\n');
    const made = policyOf('extends: base.yaml\nname: a\nsplit: { gold: rationale }\n', {
      'base.yaml': 'policy: 1\nname: base\nselect: { sources: gold }\n',
    });
    expect(made).toEqual(whole);
    expect(policyDigest(made)).toBe(policyDigest(whole));
  });

  it('without a name is called by what it changes, and is its parent where it changes nothing', () => {
    const changed = policyOf(
      '{ extends: tripost, balance: { ratio: 0.5 }, admit: { outcomes: [solved], maxWords: null } }',
    );
    expect(changed.name).toBe('tripost-admit.maxWords-none-admit.outcomes-solved-balance.ratio-0.5');
    expect(changed.description).toBe('tripost with admit.maxWords none, admit.outcomes solved, balance.ratio 0.5');
    for (const same of ['{ extends: tripost }', '{ extends: tripost, balance: { ratio: 1.5 }, order: canonical }'])
      expect(policyOf(same)).toEqual(tripost);
  });

  it('goes through any number of files', () => {
    const texts = {
      'a.yaml': 'extends: tripost\nname: a\nbalance: { ratio: 3 }\n',
      'b.yaml': 'extends: a.yaml\nbalance: { within: scope }\n',
    };
    const { policy, layers } = resolvedOf('extends: b.yaml\norder: drawn\n', texts);
    expect(layers.map(({ source }) => source)).toEqual(['policy', 'b.yaml', 'a.yaml', 'tripost']);
    expect(policy.balance).toEqual({ ratio: 3, within: 'scope', gold: 'match' });
    expect(policy.name).toBe('a-balance.within-scope-order-drawn');
    const resolved = resolvedOf('extends: b.yaml\norder: drawn\n', texts);
    expect(
      ['order', 'balance.within', 'balance.ratio', 'balance.gold', 'limit.rows'].map(
        (s) => originOf(resolved, s)?.source,
      ),
    ).toEqual(['policy', 'b.yaml', 'a.yaml', 'tripost', undefined]);
  });

  it('can be any policy on top of any other: what it says wins', () => {
    fc.assert(
      fc.property(anyPolicy, anyPolicy, (under, over) => {
        const text = JSON.stringify({ ...over, extends: 'under.json' });
        const made = resolvedOf(text, { 'under.json': JSON.stringify(under) });
        const settings = differences(made.policy, over).map(({ setting }) => setting);
        expect(settings.filter((setting) => originOf(made, setting)?.source === 'policy')).toEqual([]);
        const own = differences(made.policy, under).map(({ setting }) => setting);
        expect(own.filter((setting) => originOf(made, setting)?.source !== 'policy')).toEqual([]);
        expect(Policy.decode(made.policy)).toEqual(E.right(made.policy));
      }),
      { numRuns: 50 },
    );
  });

  it('can be of any preset', () => {
    for (const name of presetNames) expect(policyOf(`extends: ${name}`)).toEqual(preset(name));
  });
});

describe('a wrong policy in a chain', () => {
  const texts = {
    'bad.yaml': 'policy: 1\nname: bad\nbalance:\n  ratio: much\n',
    'self.yaml': 'name: self\nextends: self.yaml\n',
    'one.yaml': 'extends: two.yaml\n',
    'two.yaml': 'name: two\nextends:   one.yaml\n',
    'lost.yaml': '# nothing here\nextends: nowhere\n',
    'bare.yaml': 'balance: { ratio: 1 }\n',
  };

  it.each([
    ['extends: bad.yaml\n', 'bad.yaml:4:10 balance.ratio: expected a number, got "much"'],
    ['extends: tripost\nbalance:\n  ratoi: 2\n', 'policy:3:3 balance.ratoi: unknown key "ratoi".'],
    ['extends: self.yaml\n', 'self.yaml:2:10 extends: it extends itself: self.yaml -> self.yaml'],
    ['extends: one.yaml\n', 'two.yaml:2:12 extends: it extends itself: one.yaml -> two.yaml -> one.yaml'],
    ['extends: lost.yaml\n', 'lost.yaml:2:10 extends: there is no policy "nowhere"'],
    ['extends: bare.yaml\n', 'bare.yaml:1:1 policy: missing; expected 1'],
    ['extends: [tripost]\n', 'policy:1:10 extends: expected text, got ["tripost"]'],
    ['extends: tripost\npolicy: 2\n', 'policy:2:9 policy: expected 1, got 2'],
    ['extend: tripost\npolicy: 1\nname: x\n', 'policy:1:1 extend: unknown key "extend". Did you mean "extends"?'],
  ])('%j', (text, complaint) => {
    expect(complaints(text, texts)[0]).toMatch(new RegExp(`^${complaint.replaceAll(/[.[\]?]/g, '\\$&')}`));
  });
});
