import { sha256 } from '../../../events/digest';
import { deriveDataset } from '../../../projections/deriveDataset';
import { explain } from '../../../projections/explain';
import { funnel } from '../../../projections/funnel';
import { CustomRuleError } from '../../../projections/policies/customRuleFault';
import { provideModule, type CustomRule } from '../../../projections/policies/customRules';
import { policyDigest } from '../../../projections/policies/policy';
import { project } from '../../../projections/projection';
import { trajectories } from '../../../projections/trajectories';
import { smallLedger } from '../../support/smallLedger';
import { policyOf } from '../policyFiles';

const { events } = smallLedger();
const all = project(trajectories, events);

type Prepare = CustomRule['prepare'];

/** Makes rules known, as if a file with this name had been loaded, and gives a policy that asks the named ones. */
const policyWith = (
  name: string,
  rules: Readonly<Record<string, readonly [CustomRule['stage'], Prepare]>>,
  given = 'null',
) => {
  const source = sha256(name);
  provideModule({
    module: name,
    source,
    rules: new Map(Object.entries(rules).map(([rule, [stage, prepare]]) => [rule, { stage, prepare }])),
  });
  const refs = Object.keys(rules).map(
    (rule) => `{ module: ${name}, name: ${rule}, with: ${given}, source: ${source} }`,
  );
  return policyOf(`{ policy: 1, name: own, rules: [${refs.join(', ')}] }`);
};
const derive = (policy: ReturnType<typeof policyOf>) => deriveDataset(all, policy, { seed: 1 });

/** A field of what a rule is shown; a test's rule must not trust it. */
const field = (view: unknown, name: string): unknown =>
  typeof view === 'object' && view !== null ? Object.entries(view).find(([key]) => key === name)?.[1] : undefined;
const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);

const failure = (act: () => unknown): unknown => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof CustomRuleError ? error.fault : error;
  }
};

const parts = (fault: unknown): { readonly candidate: unknown; readonly stack: unknown } => ({
  candidate: field(fault, 'candidate'),
  stack: field(fault, 'stack'),
});

const plain = policyOf('{ policy: 1, name: own }');

describe('a rule of a module', () => {
  const short: Prepare = (_, { with: most }) => {
    return (view: unknown) => {
      const turns = lengthOf(field(view, 'turns'));
      return { passed: turns <= Number(most), value: turns, threshold: Number(most), detail: `${turns} turns` };
    };
  };

  it('decides under its own name, with what it measured, over what the others let through', () => {
    const policy = policyWith('short.cjs', { short: ['trajectory', short] }, '2');
    const { decisions, rows } = derive(policy);
    const own = decisions.filter(({ rule }) => rule === 'admit.custom.short');
    expect(own.length).toBeGreaterThan(0);
    expect(own[0]).toMatchObject({ kind: 'trajectory', threshold: 2, detail: expect.stringMatching(/^\d turns$/) });
    expect(own.every(({ value }) => Number(value) > 2)).toBe(true);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.length).toBeLessThan(derive(plain).rows.length);
    for (const { trajectoryId } of rows)
      expect(all.trajectories.find((t) => t.trajectoryId === trajectoryId)?.turns.length).toBeLessThanOrEqual(2);
  });

  it('is asked of rows where it says so, and never of what is out already', () => {
    const seen: unknown[] = [];
    const policy = policyWith('row.cjs', {
      sections: [
        'row',
        (candidates) => (view: unknown) => {
          seen.push(...(seen.length === 0 ? candidates : []));
          return { passed: lengthOf(field(view, 'sections')) < 4 };
        },
      ],
    });
    const { decisions } = derive(policy);
    expect(new Set(seen.map((view) => field(view, 'id'))).size).toBe(derive(plain).rows.length);
    const lost = decisions.filter(({ rule }) => rule === 'split.custom.sections');
    expect(lost.map(({ kind }) => kind)).toEqual(lost.map(() => 'SI'));
    expect(lost.length).toBe(derive(plain).manifest.byKind['SI']);
  });

  it('is shown frozen values alone', () => {
    const policy = policyWith('write.cjs', {
      write: [
        'trajectory',
        () => (view: unknown) => {
          const turns = field(view, 'turns');
          expect(
            Object.isFrozen(view) && Object.isFrozen(turns) && Array.isArray(turns) && turns.every(Object.isFrozen),
          ).toBe(true);
          return { passed: true };
        },
      ],
    });
    expect(derive(policy).rows.map(({ id }) => id)).toEqual(derive(plain).rows.map(({ id }) => id));
  });

  it('sees what the rules before it let through, and all of that', () => {
    const counts: number[] = [];
    const policy = policyWith('two.cjs', {
      first: ['trajectory', () => (view: unknown) => ({ passed: field(view, 'pass') === 0 })],
      second: [
        'trajectory',
        (candidates) => {
          counts.push(candidates.length);
          return () => ({ passed: true });
        },
      ],
    });
    const { decisions } = derive(policy);
    const passed = decisions.filter(({ rule, kind }) => kind !== 'trajectory' && rule === 'kept');
    expect(new Set(counts).size).toBe(1);
    expect(counts[0]).toBe(new Set(passed.map(({ trajectoryId }) => trajectoryId)).size);
  });

  it('is told by why and funnel like any other, with the change that takes it away', () => {
    const policy = policyWith('short.cjs', { short: ['trajectory', short] }, '2');
    const { decisions } = derive(policy);
    const lost = decisions.filter(({ rule }) => rule === 'admit.custom.short').slice(0, 1);
    const [told] = explain({ all, policy, options: { seed: 1 } }, lost);
    expect(told).toMatchObject({
      decidedBy: 'admit.custom.short',
      change: { kind: 'change', changes: [{ setting: 'rules', to: [] }] },
    });
    expect(told?.rules.find(({ status }) => status === 'failed')).toMatchObject({
      rule: 'admit.custom.short',
      threshold: 2,
    });
    const losses = funnel(decisions).losses.map(({ rule, says }) => [rule, says]);
    expect(losses).toContainEqual(['admit.custom.short', "The policy's own rule short keeps it out."]);
    const place = (rule: string): number => losses.findIndex(([each]) => each === rule);
    expect(place('admit.custom.short')).toBeGreaterThan(place('admit.retracted'));
  });

  it('is part of what the policy is: other text, another digest', () => {
    const [a, b] = ['a.cjs', 'b.cjs'].map((name) => policyWith(name, { short: ['trajectory', short] }, '2'));
    expect(a !== undefined && b !== undefined && policyDigest(a) !== policyDigest(b)).toBe(true);
    expect(plain.rules).toBeUndefined();
  });
});

describe('a rule that cannot be asked', () => {
  it('is named with its source, and with what is at hand', () => {
    provideModule({ module: 'known.cjs', source: sha256('known'), rules: new Map() });
    const policy = policyOf(
      `{ policy: 1, name: own, rules: [{ module: lost.cjs, name: lost, source: ${sha256('lost')} }] }`,
    );
    expect(failure(() => derive(policy))).toMatchObject({
      tag: 'RuleMissing',
      rule: 'lost',
      module: 'lost.cjs',
      source: sha256('lost'),
      atHand: expect.arrayContaining([{ module: 'known.cjs', source: sha256('known') }]),
    });
  });

  it.each<readonly [string, Prepare, string, boolean]>([
    [
      'throws',
      () => () => {
        throw new TypeError('no such thing');
      },
      'no such thing',
      true,
    ],
    [
      'throws-early',
      () => {
        throw new TypeError('no preparation');
      },
      'no preparation',
      false,
    ],
    ['gives-nothing', () => () => undefined, 'expected {passed: true or false', true],
    ['gives-other', () => () => ({ passed: 1 }), 'got {"passed":1}', true],
    ['measures-nan', () => () => ({ passed: true, value: Number.NaN }), 'expected {passed: true or false', true],
    ['prepares-nothing', () => 'yes', 'prepare: expected a function of one candidate, got string', false],
  ])('%s: told with module, candidate and stack', (name, prepare, message, ofCandidate) => {
    const policy = policyWith(`${name}.cjs`, { bad: ['trajectory', prepare] });
    const fault = failure(() => derive(policy));
    expect(fault).toMatchObject({
      tag: 'RuleFailed',
      rule: 'bad',
      module: `${name}.cjs`,
      message: expect.stringContaining(message),
    });
    const { candidate, stack } = parts(fault);
    expect(typeof candidate === 'string').toBe(ofCandidate);
    expect(String(stack).includes('TypeError')).toBe(name.startsWith('throws'));
  });

  it('and says two things of one candidate is found out', () => {
    let calls = 0;
    const policy = policyWith('fickle.cjs', { fickle: ['trajectory', () => () => ({ passed: calls++ % 2 === 0 })] });
    expect(failure(() => derive(policy))).toMatchObject({
      tag: 'RuleFailed',
      rule: 'fickle',
      message: expect.stringContaining('two things'),
    });
  });
});
