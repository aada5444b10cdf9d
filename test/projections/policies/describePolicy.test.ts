import * as fc from 'fast-check';
import { differences } from '../../../projections/policies/change';
import { describePolicy } from '../../../projections/policies/describePolicy';
import { policyDigest } from '../../../projections/policies/policy';
import { policySentences, stages } from '../../../projections/policies/policySentences';
import { presetNames } from '../../../projections/policies/presets';
import { expectGolden } from '../../support/golden';
import { anyPolicy } from '../arbitraryPolicy';
import { policyOf, presetText, resolvedOf } from '../policyFiles';

it('says of every preset what it does', () => {
  expect.hasAssertions();
  const text = presetNames.map((name) => {
    const says = policySentences(policyOf(presetText(name)));
    const lines = stages.map((stage) => `  ${stage}: ${says[stage].join(' ')}`);
    return [name, ...lines].join('\n');
  });
  expectGolden('policies/sentences.txt', `${text.join('\n\n')}\n`);
});

it('two policies that differ in a setting of their rows differ in a sentence', () => {
  const base = 'policy: 1\nname: x\nselect: { sources: [trajectories, gold] }\n';
  const plain = policySentences(policyOf(base));
  for (const [text, stage] of [
    ['select: { sources: gold }', 'select'],
    ['select: { sources: [trajectories, gold], iterations: through }', 'select'],
    ['select: { sources: [trajectories, gold], fromIteration: 2 }', 'select'],
    ['select: { sources: [trajectories, gold], toIteration: 2 }', 'select'],
    ['select: { sources: [trajectories, gold], teachers: [large] }', 'select'],
    ['select: { sources: [trajectories, gold], authors: { feedback: teacher } }', 'select'],
    ['admit: { outcomes: solved }', 'admit'],
    ['admit: { firstAnswer: majority }', 'admit'],
    ['admit: { maxWords: 3 }', 'admit'],
    ['admit: { maxTokens: 3 }', 'admit'],
    ['admit: { maxUpdates: 0 }', 'admit'],
    ['admit: { minLogprob: -1 }', 'admit'],
    ['admit: { perProblem: 3 }', 'admit'],
    ['admit: { withLabels: good, labelsBy: ana }', 'admit'],
    ['admit: { withoutLabels: bad }', 'admit'],
    ['admit: { dedup: none }', 'admit'],
    ['admit: { dedupRows: pass }', 'admit'],
    ['split: { trajectories: pairs }', 'split'],
    ['split: { gold: answer }', 'split'],
    ['split: { noProgress: chain }', 'split'],
    ['split: { changes: wrong-to-right }', 'split'],
    ['split: { steps: 1 }', 'split'],
    ['split: { keep: SI }', 'split'],
    ['balance: { ratio: 1.5 }', 'balance'],
    ['balance: { gold: match }', 'balance'],
    ['weights: { SI: { attempt: 0 } }', 'weights'],
    ['factors: [{ times: 2, sections: feedback, kinds: SI, answer: right, authors: student, label: good }]', 'weights'],
    ['order: drawn', 'order'],
    ['limit: { rows: 5 }', 'limit'],
    ['limit: { rows: 5, kind: hard }', 'limit'],
    ['limit: { min: 5 }', 'limit'],
  ] as const) {
    const says = policySentences(
      policyOf(text.startsWith('select') ? `policy: 1\nname: x\n${text}\n` : `${base}${text}\n`),
    );
    const changed = stages.filter((each) => says[each].join(' ') !== plain[each].join(' '));
    expect([text, changed]).toEqual([text, expect.arrayContaining([stage])]);
  }
});

describe('a described policy', () => {
  const described = describePolicy(
    resolvedOf('extends: half.yaml\nname: mine\norder: canonical\nfactors: [{ times: 0, answer: wrong }]\n', {
      'half.yaml': 'extends: tripost\nname: half\nbalance: { ratio: 0.5 }\n',
    }),
  );
  const setting = (name: string) => described.stages.flatMap((s) => s.settings).find((s) => s.setting === name);

  it('says whence each value is, and which are at their default', () => {
    expect(described.chain).toEqual(['policy', 'half.yaml', 'tripost']);
    expect(setting('balance.ratio')).toEqual({
      setting: 'balance.ratio',
      value: 0.5,
      default: 0,
      isDefault: false,
      from: 'half.yaml',
    });
    expect(setting('admit.maxWords')).toMatchObject({ value: 512, isDefault: false, from: 'tripost' });
    expect(setting('order')).toMatchObject({ value: 'canonical', isDefault: true, from: 'policy' });
    expect(setting('limit.min')).toMatchObject({ value: 0, isDefault: true, from: null });
    expect(setting('factors')).toMatchObject({ isDefault: false, from: 'policy' });
    expect(setting('split.steps')).toMatchObject({ value: null, isDefault: true, from: null });
  });

  it('has every setting of any policy once, and says which are not at their default', () => {
    fc.assert(
      fc.property(anyPolicy, (policy) => {
        const made = describePolicy(resolvedOf(JSON.stringify(policy)));
        const settings = made.stages.flatMap((stage) => stage.settings);
        expect(new Set(settings.map((s) => s.setting)).size).toBe(settings.length);
        const own = settings.filter((s) => !s.isDefault).map((s) => s.setting);
        expect(own.sort()).toEqual(
          differences(policyOf('{ policy: 1, name: x }'), policy)
            .map((d) => d.setting)
            .sort(),
        );
        expect(made.digest).toBe(policyDigest(policy));
      }),
      { numRuns: 30 },
    );
  });
});
