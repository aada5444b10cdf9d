import * as fc from 'fast-check';
import { unitRules } from '../../../projections/candidates';
import { deriveDataset } from '../../../projections/deriveDataset';
import { defaultOf } from '../../../projections/policies/change';
import { goldRules, goldSplitRules } from '../../../projections/policies/goldRules';
import { judgeAll, fail, pass, type Rule, type RuleFinding } from '../../../projections/policies/rule';
import { ruleText, rules } from '../../../projections/policies/rules';
import { splitRuleIds } from '../../../projections/policies/splitRules';
import { trajectoryRules } from '../../../projections/policies/trajectoryRules';
import { project } from '../../../projections/projection';
import { trajectories } from '../../../projections/trajectories';
import { smallLedger } from '../../support/smallLedger';
import { preset } from '../policyFiles';

const policy = preset('tripost');
const all = project(trajectories, []);
const context = { policy, seed: 1, all, countTokens: undefined };

/** A rule that keeps out numbers over the mean of what comes to it: it depends on the others. */
const atMostMean: Rule<number> = {
  id: 'admit.max-words',
  settings: ['admit.maxWords'],
  prepare: (reaching) => {
    const mean = reaching.reduce((sum, n) => sum + n, 0) / reaching.length;
    return (n) => (n <= mean ? pass(n, mean) : fail(n, mean));
  },
};
const even: Rule<number> = {
  id: 'split.kind',
  settings: [],
  prepare: () => (n) => (n % 2 === 0 ? pass(n) : fail(n)),
};
const never: Rule<number> = { ...even, id: 'admit.label', isAsked: () => false };

const judge = (numbers: readonly number[], watched: readonly number[], beyond = true) => {
  const found = new Map<number, RuleFinding[]>();
  const watch = {
    isWatched: (n: number) => watched.includes(n),
    found: (n: number, finding: RuleFinding) => void found.set(n, [...(found.get(n) ?? []), finding]),
    beyond,
  };
  return { judged: judgeAll([never, atMostMean, even], numbers, context, watch), found };
};

describe('judgeAll', () => {
  it('asks in order: a rule sees what the ones before it let through', () => {
    const { judged } = judge([1, 2, 3, 4, 100], []);
    expect(judged.left).toEqual([2, 4]);
    expect([...judged.refused]).toEqual([
      [1, { rule: 'split.kind', value: 1, threshold: null, detail: null }],
      [3, { rule: 'split.kind', value: 3, threshold: null, detail: null }],
      [100, { rule: 'admit.max-words', value: 100, threshold: 22, detail: null }],
    ]);
  });

  it('tells a watched candidate every rule, and beyond the one that decided what the others would have said', () => {
    const { found } = judge([1, 2, 3, 4, 100], [3, 100]);
    expect(found.get(3)?.map(({ rule, status }) => [rule, status])).toEqual([
      ['admit.label', 'notAsked'],
      ['admit.max-words', 'passed'],
      ['split.kind', 'failed'],
    ]);
    expect(found.get(100)?.map(({ status, verdict }) => [status, verdict?.passed])).toEqual([
      ['notAsked', undefined],
      ['failed', false],
      ['notReached', true],
    ]);
    expect(judge([1, 100], [100], false).found.get(100)?.[2]).toMatchObject({ status: 'notReached', verdict: null });
  });

  it('judges the same, whoever watches', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(50), { minLength: 1 }), fc.uniqueArray(fc.nat(50)), (numbers, watched) => {
        const [seen, unseen] = [judge(numbers, watched), judge(numbers, [])];
        expect(seen.judged.left).toEqual(unseen.judged.left);
        expect([...seen.judged.refused]).toEqual([...unseen.judged.refused]);
        expect(new Set(seen.found.keys())).toEqual(new Set(numbers.filter((n) => watched.includes(n))));
      }),
    );
  });
});

describe('the rules', () => {
  const stages = [...trajectoryRules, ...goldRules, ...goldSplitRules, ...unitRules];

  it('all have a sentence, and every sentence a rule', () => {
    const ids = new Set([...stages.map(({ id }) => id), ...splitRuleIds]);
    expect([...ids, 'kept'].sort()).toEqual(Object.keys(rules).sort());
    for (const id of ids) expect(ruleText(id)).not.toBe('A rule this version does not know.');
  });

  it('read settings that there are', () => {
    const settings = stages.flatMap((rule) => rule.settings);
    expect(settings.length).toBeGreaterThan(20);
    expect(settings.filter((setting) => defaultOf(setting) === undefined)).toEqual([]);
    expect([defaultOf('select.nothing'), defaultOf('name')]).toEqual([undefined, undefined]);
  });

  it('derive the same dataset watched and unwatched', () => {
    const { events } = smallLedger();
    const plain = deriveDataset(events, policy, { seed: 42 });
    const keys = new Set<string>();
    const watch = { isWatched: () => true, found: (key: string) => void keys.add(key), beyond: true };
    const watchedToo = deriveDataset(events, policy, { seed: 42, watch });
    expect(watchedToo.manifest).toEqual(plain.manifest);
    for (const { candidateId, trajectoryId, eventIds } of plain.decisions)
      expect(keys.has(candidateId) || keys.has(trajectoryId ?? eventIds[0] ?? '')).toBe(true);
  });
});
