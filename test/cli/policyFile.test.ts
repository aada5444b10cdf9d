import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { differences } from '../../projections/policies/change';
import { policyDigest } from '../../projections/policies/policy';
import { armsOf, cellsOf } from '../../src/ablate/matrix';
import { planAblation } from '../../src/ablate/ablate';
import { Args } from '../../src/cli/args';
import { explain } from '../../src/cli/explain';
import { Stop } from '../../src/cli/faults';
import { cellLoader, loadMatrix } from '../../src/cli/matrixFile';
import { findResolved, loadPolicy } from '../../src/cli/policyFile';
import { loadRun } from '../../src/cli/runConfig';
import { runIdOf } from '../../src/run/beginRun';
import type { RunInput } from '../../src/run/runContext';
import { tinyConfig } from '../support/cliBuild';
import { must } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

afterAll(removeFolders);

/** A folder with the tiny config, its `policy:` line replaced, and other files. */
const folderWith = (policy: string, files: Readonly<Record<string, string>> = {}): string => {
  const folder = newFolder();
  cpSync(join(dirname(tinyConfig), 'tiny-policy.yaml'), join(folder, 'tiny-policy.yaml'));
  const text = readFileSync(tinyConfig, 'utf8').replace('policy: tiny-policy.yaml', policy);
  for (const [name, content] of Object.entries({ 'run.yaml': text, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
};

const load = (folder: string, ...set: readonly string[]): RunInput =>
  loadRun(join(folder, 'run.yaml'), new Args([], { set })).input;

const complaint = (act: () => unknown): string => {
  try {
    act();
    return 'nothing';
  } catch (failure) {
    if (!(failure instanceof Stop)) throw failure;
    return explain(failure.fault, { command: 'run', ledger: undefined, signal: undefined, memory: 4e9 }).message;
  }
};

const tripost = loadPolicy('tripost', '.');

describe('a policy in a config', () => {
  it('may be a name, a file, or the document itself: the same policy is the same run', () => {
    const inputs = [
      folderWith('policy: tripost'),
      folderWith('policy: { extends: tripost }'),
      folderWith('policy: { extends: tripost, balance: { ratio: 1.5 } }'),
      folderWith('policy: mine.yaml', { 'mine.yaml': 'extends: tripost\n' }),
      folderWith(`policy: ${JSON.stringify(tripost)}`),
    ].map((folder) => load(folder));
    for (const input of inputs) expect(input.policy).toEqual(tripost);
    expect(new Set(inputs.map(runIdOf)).size).toBe(1);
    const other = load(folderWith('policy: { extends: tripost, balance: { ratio: 0.5 } }'));
    expect(runIdOf(other)).not.toBe(runIdOf(inputs[0] ?? other));
    expect(differences(tripost, other.policy)).toEqual([{ setting: 'balance.ratio', from: 1.5, to: 0.5 }]);
  });

  it('extends files relative to where it stands, each relative to its own', () => {
    const folder = folderWith('policy: { extends: policies/over.yaml, order: drawn }', {
      'policies/over.yaml': 'extends: ../tiny-policy.yaml\nname: over\n',
    });
    expect(load(folder).policy).toMatchObject({ name: 'over-order-drawn', order: 'drawn', balance: { ratio: -1 } });
  });

  it.each([
    [
      'policy: { extends: tripost, balance: { ratoi: 1 } }',
      /run\.yaml:15:40 policy\.balance\.ratoi: unknown key "ratoi"\. Did you mean "ratio"/,
    ],
    ['policy: { balance: { ratio: 1 } }', /run\.yaml:15:9 policy\.policy: missing; expected 1/],
    [
      'policy: { extends: tripots }',
      /run\.yaml:15:20 policy\.extends: There is no policy "tripots"\. Did you mean "tripost"\?/,
    ],
    ['policy: { extends: none.yaml }', /run\.yaml:15:20 policy\.extends: cannot read .*none\.yaml/],
    ['policy: { extends: bad.yaml }', /bad\.yaml:3:10 balance\.ratio: expected a number, got "much"/],
    ['policy: [tripost]', /run\.yaml:15:9 policy: expected the name of a preset, a file, or a mapping with a policy/],
  ])('%s is told where it stands', (policy, message) => {
    const folder = folderWith(policy, { 'bad.yaml': 'extends: tripost\nbalance:\n  ratio: much\n' });
    expect(complaint(() => load(folder))).toMatch(message);
  });
});

describe('settings of a policy on the command line', () => {
  it('make of a name a policy that extends it', () => {
    const folder = folderWith('policy: tripost');
    const inline = load(folderWith('policy: { extends: tripost, balance: { ratio: 0.5 }, limit: { rows: 9 } }'));
    const set = load(folder, 'policy.balance.ratio=0.5', 'policy.limit.rows=9');
    expect(set.policy).toEqual(inline.policy);
    expect(runIdOf(set)).toBe(runIdOf(inline));
    expect(load(folder, 'policy.weights.T-first.feedback=2').policy.weights['T-first'].feedback).toBe(2);
  });

  it('go over a file, a document, and what the config leaves out', () => {
    expect(load(folderWith('policy: tiny-policy.yaml'), 'policy.order=drawn').policy.name).toBe('tiny-order-drawn');
    const both = load(folderWith('policy: { extends: tripost, order: drawn }'), 'policy.balance.ratio=1');
    expect(both.policy.name).toBe('tripost-balance.ratio-1-order-drawn');
    expect(load(folderWith(''), 'policy.order=drawn').policy.name).toBe('tripost-order-drawn');
    expect(load(folderWith(''), 'base.policy.order=drawn').basePolicy.name).toBe('ft-rationale-order-drawn');
  });

  it('go over another name that the command line gives', () => {
    const folder = folderWith('policy: tiny-policy.yaml');
    expect(load(folder, 'policy=star', 'policy.order=drawn').policy.name).toBe('star-order-drawn');
  });

  it.each([
    [
      'policy.balance.ratoi=2',
      '--set policy.balance.ratoi: policy.balance.ratoi: unknown key "ratoi". Did you mean "ratio"?',
    ],
    ['policy.balance.ratio=much', '--set policy.balance.ratio: policy.balance.ratio: expected a number, got "much"'],
    ['policy.extends=tripots', 'There is no policy "tripots". Did you mean "tripost"?'],
  ])('%s is told by its option', (set, message) => {
    expect(complaint(() => load(folderWith('policy: tripost'), set))).toContain(message);
  });
});

describe('a policy as an option', () => {
  it('may be the document itself', () => {
    const { policy } = findResolved('{ extends: tripost, balance: { ratio: 0.5 } }', '.');
    expect(policy.name).toBe('tripost-balance.ratio-0.5');
    expect(policyDigest(policy)).toBe(
      policyDigest(load(folderWith('policy: tripost'), 'policy.balance.ratio=0.5').policy),
    );
    expect(complaint(() => findResolved('{ extends: tripost, balance: { ratio: x } }', '.'))).toContain(
      'policy:1:39 balance.ratio',
    );
  });
});

describe('a policy in a matrix', () => {
  const matrixIn = (text: string) => {
    const folder = folderWith('policy: tripost', {
      'matrices/m.yaml': `ablation: 1\nname: m\nrun: ../run.yaml\nseeds: [1]\n${text}`,
      'matrices/half.yaml': 'extends: tripost\nname: half\nbalance: { ratio: 0.5 }\n',
    });
    const path = join(folder, 'matrices/m.yaml');
    return { path, matrix: loadMatrix(path, []) };
  };
  const policiesOf = (text: string): readonly string[] => {
    const { path, matrix } = matrixIn(text);
    return cellsOf(matrix).map((cell) => cellLoader(path, matrix)(cell).policy.name);
  };

  it('may go through the values of one setting', () => {
    const axes = 'axes: { policy.balance.ratio: [0.105, 1.5, 4.67] }\n';
    expect(armsOf(matrixIn(axes).matrix).map(({ name }) => name)).toEqual([
      'policy.balance.ratio=0.105',
      'policy.balance.ratio=1.5',
      'policy.balance.ratio=4.67',
    ]);
    expect(policiesOf(axes)).toEqual(['tripost-balance.ratio-0.105', 'tripost', 'tripost-balance.ratio-4.67']);
    const { path, matrix } = matrixIn(axes);
    expect(must(planAblation(matrix, cellLoader(path, matrix))).started.vary).toEqual(['policy.balance.ratio']);
  });

  it('may be a document in an arm, and a file beside the matrix', () => {
    const arms =
      'arms:\n  a: { policy: { extends: tripost, balance: { ratio: 0.5 } } }\n  b: { policy: half.yaml, policy.order: drawn }\n' +
      '  c: { policy: { extends: half.yaml, order: drawn } }\nvary: [policy]\n';
    expect(policiesOf(arms)).toEqual(['tripost-balance.ratio-0.5', 'half-order-drawn', 'half-order-drawn']);
  });

  it('is told where it stands when it is wrong', () => {
    const wrong = 'arms:\n  a: { policy: { extends: tripost, blance: {} } }\n  b: { policy: star }\n';
    expect(complaint(() => matrixIn(wrong))).toMatch(
      /m\.yaml:6:36 arms\.a\.policy\.blance: unknown key "blance"\. Did you mean "balance"/,
    );
    const axis = 'axes: { policy.balance.ratoi: [1, 2] }\n';
    expect(complaint(() => policiesOf(axis))).toContain('policy.balance.ratoi: unknown key "ratoi"');
  });
});
