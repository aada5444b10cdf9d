import * as E from 'fp-ts/Either';
import { digestOf } from '../../../events/digest';
import { Policy, policyDigest } from '../../../projections/policies/policy';
import { complaints, policyOf, preset, presetText } from '../policyFiles';

describe('a wrong policy names line, key, what was expected and what came', () => {
  it.each([
    [
      'policy: 1\nname: x\nbalance:\n  ratoi: 2\n',
      'policy:4:3 balance.ratoi: unknown key "ratoi". Did you mean "ratio"? Known keys: ratio, within, gold.',
    ],
    ['policy: 1\nname: x\nbalance:\n  ratio: much\n', 'policy:4:10 balance.ratio: expected a number, got "much"'],
    [
      'policy: 1\nname: x\nadmit:\n  outcomes: [solved, discraded]\n',
      'policy:4:22 admit.outcomes.1: expected one of solved, feedback-only, discarded; got "discraded". Did you mean "discarded"?',
    ],
    [
      'policy: 1\nname: x\nweights:\n  SI:\n    feedback: -1\n',
      'policy:5:15 weights.SI.feedback: expected a number from 0, got -1',
    ],
    [
      'policy: 1\nname: x\nweights: { TI: {} }\n',
      'policy:3:12 weights.TI: unknown key "TI". Did you mean "SI"? Known keys: SI, T-first, T-edited, feedback-only, whole, first, final, critique, pair, answer, gold, gold-answer.',
    ],
    ['policy: 1\n', 'policy:1:1 name: missing; expected a name of letters, digits, ".", "_" and "-"'],
    ['policy: 2\nname: x\n', 'policy:1:9 policy: expected 1, got 2'],
    [
      'policy: 1\nname: x\nsplit: turns\n',
      'policy:3:8 split: expected a mapping with trajectories, gold, noProgress, changes, steps, keep; got "turns"',
    ],
    [
      '{ "policy": 1,\n  "name": "x",\n  "limit": { "rows": 0 } }',
      'policy:3:22 limit.rows: expected a whole number from 1, got 0',
    ],
    [
      'policy: 1\nname: x\nselect:\n  authors:\n    attempt: robot\n',
      'policy:5:14 select.authors.attempt: expected one of student, teacher, script; got "robot".',
    ],
    [
      'policy: 1\nname: x\nweights:\n  SI: &w { feedback: x }\n  whole: *w\n',
      'policy:4:22 weights.SI.feedback: expected a number from 0, got "x"',
    ],
    [
      '- 1\n',
      'policy:1:1 expected a mapping with extends, policy, name, description, select, admit, split, balance, weights, factors, rules, order, limit; got [1]',
    ],
  ])('%j', (text, complaint) => {
    expect(complaints(text)[0]).toBe(complaint);
  });

  it('tells everything that is wrong, in line order', () => {
    const all = complaints('policy: 1\nname: x\nordre: drawn\nbalance: { ratio: a, within: b }\n');
    expect(all.map((c) => c.split(' ')[0])).toEqual(['policy:3:1', 'policy:4:19', 'policy:4:30']);
  });

  it('tells where text is not YAML', () => {
    expect(complaints('policy: 1\nname: [x\n')[0]).toMatch(/^policy:\d+:\d+ not YAML: /);
    expect(complaints('policy: 1\nname: x\nname: y\n')[0]).toMatch(/^policy:3:1 not YAML: Map keys must be unique/);
    expect(complaints('')).toEqual(expect.arrayContaining([expect.stringContaining('name: missing')]));
    expect(complaints('policy: *none\n')[0]).toMatch(/not YAML/);
  });
});

describe('a policy', () => {
  it('has every default filled in', () => {
    expect(policyOf('{ policy: 1, name: x }')).toMatchObject({
      description: '',
      select: {
        sources: ['trajectories'],
        iterations: 'current',
        authors: { attempt: ['script', 'student', 'teacher'] },
      },
      admit: { outcomes: ['feedback-only', 'solved'], firstAnswer: 'any', maxWords: null, dedup: 'iteration' },
      split: { trajectories: ['turns'], gold: ['closing'], noProgress: 'truncate' },
      balance: { ratio: 0, within: 'pass', gold: 'all' },
      weights: { SI: { prompt: 1, attempt: 1, feedback: 1, improvement: 1 } },
      order: 'canonical',
      limit: { rows: null, kind: 'soft', min: 0 },
    });
  });

  it('has one digest however it is written', () => {
    const a = policyOf(
      'policy: 1\nname: x\nadmit:\n  outcomes: [solved, feedback-only]\nsplit: { trajectories: [turns] }\n',
    );
    const b = policyOf(
      '{"split": {"trajectories": "turns"}, "admit": {"outcomes": ["feedback-only", "solved", "solved"]}, "name": "x", "policy": 1}',
    );
    expect(policyDigest(a)).toBe(policyDigest(b));
    expect(policyDigest(a)).toBe(digestOf(a));
    expect(policyDigest(policyOf('{ policy: 1, name: x, balance: { ratio: 1 } }'))).not.toBe(policyDigest(a));
  });

  it('keeps the digest that it had before a setting was added, where that is at its default', () => {
    const plain = policyOf('{ policy: 1, name: x }');
    const spelt = policyOf(
      '{ policy: 1, name: x, factors: [], select: { teachers: null, toIteration: null }, ' +
        'admit: { withLabels: [], maxUpdates: null }, split: { changes: [right-to-right, right-to-wrong, wrong-to-right, wrong-to-wrong] } }',
    );
    expect(spelt).toEqual(plain);
    expect(policyDigest(spelt)).toBe(policyDigest(plain));
    expect(Object.keys(plain.admit)).not.toContain('withLabels');
    expect(policyOf('{ policy: 1, name: x, admit: { maxUpdates: 0 } }').admit.maxUpdates).toBe(0);
  });

  it('reads back from its own document', () => {
    const tripost = preset('tripost');
    expect(policyOf(JSON.stringify(tripost))).toEqual(tripost);
    expect(Policy.decode(JSON.parse(JSON.stringify(tripost)))).toEqual(E.right(tripost));
  });

  it('of the paper: the numbers of the fact sheet', () => {
    expect(preset('tripost').balance).toEqual({ ratio: 1.5, within: 'pass', gold: 'match' });
    expect(preset('tripost').weights['T-edited']).toEqual({ prompt: 1, attempt: 1, feedback: 1.5, improvement: 1.5 });
    expect(presetText('tripost')).toContain('2310.13522');
  });
});
