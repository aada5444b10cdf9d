import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../events/digest';
import { policyDigest } from '../../projections/policies/policy';
import { explain } from '../../src/cli/explain';
import { Stop } from '../../src/cli/faults';
import { loadPolicy } from '../../src/cli/policyFile';
import { jsonOf, runCli, tinyLedger } from '../support/cliBuild';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

/** Keeps rows with at most `with` characters. */
const short = `
const short = {
  stage: 'row',
  prepare: (candidates, { with: most }) => (row) => {
    const length = row.sections.reduce((sum, { text }) => sum + text.length, 0);
    return { passed: length <= most, value: length, threshold: most };
  },
};
`;
const common = `${short}module.exports = { rules: { short } };\n`;
const esModule = `${short}export const rules = { short };\n`;
const policy = (file: string, more = ''): string =>
  `extends: tripost-no-balance\nname: own\nrules: [{ module: ./${file}, name: short, with: 420${more} }]\n`;

const folderWith = (files: Readonly<Record<string, string>>): string => {
  const folder = newFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

const complaint = (files: Readonly<Record<string, string>>, name = 'own.yaml'): string => {
  const folder = folderWith(files);
  try {
    loadPolicy(name, folder);
    return 'nothing';
  } catch (failure) {
    if (!(failure instanceof Stop)) throw failure;
    return explain(failure.fault, { command: 'derive', ledger: undefined, signal: undefined, memory: 0 }).message;
  }
};

describe('a module', () => {
  it('is read from beside the document that names it, and its digest goes into the policy', () => {
    const folder = folderWith({ 'short.cjs': common, 'own.yaml': policy('short.cjs') });
    const made = loadPolicy('own.yaml', folder);
    expect(made.rules).toEqual([{ module: './short.cjs', name: 'short', with: 420, source: sha256(common) }]);
    writeFileSync(join(folder, 'short.cjs'), `${common}// another\n`);
    expect(policyDigest(loadPolicy('own.yaml', folder))).not.toBe(policyDigest(made));
  });

  it('of another text than the policy names is refused with both digests', () => {
    const told = complaint({ 'short.cjs': common, 'own.yaml': policy('short.cjs', `, source: '${'0'.repeat(64)}'`) });
    expect(told).toContain('./short.cjs is not the one');
    expect(told).toContain(`expected source ${'0'.repeat(64)}`);
    expect(told).toContain(`got             ${sha256(common)}`);
  });

  it.each([
    ['short.cjs', undefined, 'ENOENT'],
    ['short.cjs', 'module.exports = 1;', 'expected an export `rules`'],
    [
      'short.cjs',
      'module.exports = { rules: { short: { stage: "all" } } };',
      'rules.short.stage: expected "trajectory" or "row", got "all"',
    ],
    [
      'short.cjs',
      'module.exports = { rules: { short: { stage: "row" } } };',
      'rules.short.prepare: expected a function, got undefined',
    ],
    [
      'short.cjs',
      'module.exports = { rules: { long: { stage: "row", prepare: () => () => ({}) } } };',
      'it has no rule short; it has long',
    ],
    ['short.cjs', `const fs = require('node:fs');\n${common}`, 'it imports another'],
    ['short.mjs', `import fs from 'node:fs';\n${esModule}`, 'it imports another'],
    ['short.mjs', `import'node:fs';\n${esModule}`, 'it imports another'],
    ['short.mjs', `export { rules } from './other.mjs';\n`, 'it imports another'],
    ['short.cjs', 'module.exports = {', 'it cannot be loaded: '],
    ['short.js', esModule, 'an ES module is a .mjs file'],
    ['short.py', 'rules = {}', 'expected a .js, .cjs, .mjs or .ts file, got ".py"'],
  ])('%s with %j is refused', (file, text, message) => {
    const files = { 'own.yaml': policy(file), ...(text === undefined ? {} : { [file]: text }) };
    expect(complaint(files)).toContain(message);
  });

  it('in TypeScript is loaded where Node strips types, else refused with what to do', () => {
    const told = complaint({ 'short.ts': esModule, 'own.yaml': policy('short.ts') });
    const strips = 'typescript' in process.features && process.features.typescript !== false;
    expect(told).toMatch(strips ? /nothing|cannot be loaded/ : /does not load TypeScript: compile it/);
  });
});

describe('a dataset under a rule of a module', () => {
  it('is derived, recorded with the source, told by why, and refused with another source', async () => {
    const cwd = folderWith({ 'short.mjs': esModule, 'own.yaml': policy('short.mjs') });
    const ledger = tinyLedger(cwd);
    const asked = ['--ledger', ledger, '--json'];
    const made = await runCli(['derive', '--policy', 'own.yaml', ...asked], { cwd });
    expect([made.code, made.stderr.replaceAll(/\(node.*\n|\(Use .*\n/g, '')]).toEqual([0, '']);
    const { byReason, rows, dataset }: { byReason: Record<string, number>; rows: number; dataset: string } =
      jsonOf(made);
    expect(byReason['split.custom.short']).toBeGreaterThan(0);
    expect(rows).toBeGreaterThan(0);

    const funnel = await runCli(['funnel', 'latest', '--rules', 'short.mjs', '--ledger', ledger], { cwd });
    expect(funnel.stdout).toContain('split.custom.short');
    const why = await runCli(['why', 'latest#0', '--rules', 'short.mjs', '--ledger', ledger], { cwd });
    expect([why.code, why.stdout]).toEqual([0, expect.stringContaining('split.custom')]);

    const again = await runCli(['reproduce', dataset, '--rules', 'short.mjs', ...asked], { cwd });
    expect([again.code, jsonOf(again)]).toEqual([0, expect.objectContaining({ equal: true })]);
    const without = await runCli(['reproduce', dataset, '--ledger', ledger], { cwd });
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining(`expected source ${sha256(esModule)}`)]);
    writeFileSync(join(cwd, 'short.mjs'), readFileSync(join(cwd, 'short.mjs'), 'utf8').replace('<=', '<'));
    const other = await runCli(['reproduce', dataset, '--rules', 'short.mjs', '--ledger', ledger], { cwd });
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('rule short of the module ./short.mjs');
    expect(other.stderr).toContain(sha256(esModule));
    expect(other.stderr).toContain(sha256(esModule.replace('<=', '<')));
  });

  it('that breaks is told with module, candidate and stack, and nothing is derived', async () => {
    const broken = `exports.rules = { short: { stage: 'trajectory', prepare: () => (t) => t.turns[99].text } };\n`;
    const cwd = folderWith({ 'short.cjs': broken, 'own.yaml': policy('short.cjs') });
    const ran = await runCli(['derive', '--policy', 'own.yaml', '--ledger', tinyLedger(cwd)], { cwd });
    expect([ran.code, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toMatch(
      /The rule short of the module \.\/short\.cjs failed on candidate [0-9a-f-]+: Cannot read/,
    );
    expect(ran.stderr).toMatch(/at .*short\.cjs:1:/);
  });
});
