import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { presetNames } from '../../projections/policies/presets';
import { jsonOf, runCli } from '../support/cliBuild';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

const folderWith = (files: Readonly<Record<string, string>>): string => {
  const folder = newFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

const files = {
  'half.yaml': 'extends: tripost\nname: half\nbalance: { ratio: 0.5 }\n',
  'mine.yaml': 'extends: half.yaml\norder: drawn\n',
  'bad.yaml': 'extends: half.yaml\nbalance:\n  ratoi: 1\n  within: x\n',
  'on-bad.yaml': 'extends: bad.yaml\nname: on-bad\n',
};

describe('policy list', () => {
  it('has every preset with its line and its source', async () => {
    const ran = await runCli(['policy', 'list']);
    expect(ran.code).toBe(0);
    for (const name of presetNames) expect(ran.stdout).toContain(name);
    const { policies }: { policies: readonly Record<string, unknown>[] } = jsonOf(
      await runCli(['policy', 'list', '--json']),
    );
    expect(policies.map(({ name }) => name)).toEqual([...presetNames]);
    for (const { description, source, digest } of policies) {
      expect(description).not.toBe('');
      expect(source).toContain('§');
      expect(source).not.toMatch(/^#|\$schema/);
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});

describe('policy explain', () => {
  it('says what each stage does, and which document gives each value', async () => {
    const cwd = folderWith(files);
    const { code, stdout } = await runCli(['policy', 'explain', 'mine.yaml'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^half-order-drawn {2}half with order drawn\ndigest [0-9a-f]{64}\nmade of .*mine\.yaml, which extends .*half\.yaml, which extends .*tripost\.yaml\n/,
    );
    expect(stdout).toContain(
      '  x_SI : x_T = 0.5 : 1 within a pass: the x_T that stay are drawn (of all rows, 0.20 are x_SI).',
    );
    expect(stdout).toMatch(/ {4}balance\.ratio: 0\.5 {2}\(from .*half\.yaml\)/);
    expect(stdout).toMatch(/ {4}admit\.maxWords: 512 {2}\(from .*tripost\.yaml\)/);
    expect(stdout).not.toContain('admit.maxTokens');
    const all = await runCli(['policy', 'explain', 'mine.yaml', '--all'], { cwd });
    expect(all.stdout).toContain('    admit.maxTokens: null  (default)');
    const json: { digest: string; stages: readonly { stage: string }[] } = jsonOf(
      await runCli(['policy', 'explain', 'mine.yaml', '--json'], { cwd }),
    );
    expect(stdout).toContain(json.digest);
    expect(json.stages.map(({ stage }) => stage)).toEqual([
      'select',
      'admit',
      'split',
      'balance',
      'weights',
      'order',
      'limit',
    ]);
  });

  it.each([
    [['policy', 'explain'], 'explain: expected one policy, got 0'],
    [['policy', 'explain', 'tripots'], 'Did you mean "tripost"?'],
    [['policy', 'explian', 'tripost'], 'there is no action "explian". Did you mean "explain"?'],
    [['policy', 'validate'], 'validate: name at least one policy'],
  ])('%j ends with the usage', async (argv, message) => {
    const { code, stderr } = await runCli(argv);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe('policy validate', () => {
  it('tells every problem with file, line and column, of every file', async () => {
    const cwd = folderWith(files);
    const wrong = await runCli(['policy', 'validate', 'mine.yaml', 'bad.yaml', 'on-bad.yaml', 'none.yaml', 'rft'], {
      cwd,
    });
    expect([wrong.code, wrong.stderr]).toEqual([12, '']);
    const lines = wrong.stdout
      .trim()
      .split('\n')
      .map((line) => line.replaceAll(`${cwd}/`, ''));
    expect(lines).toEqual([
      expect.stringMatching(/^mine\.yaml: right, half-order-drawn [0-9a-f]{64}$/),
      expect.stringMatching(/^bad\.yaml:3:3 balance\.ratoi: unknown key "ratoi"\. Did you mean "ratio"\?/),
      'bad.yaml:4:11 balance.within: expected one of pass, iteration, scope; got "x".',
      expect.stringMatching(/^bad\.yaml:3:3 balance\.ratoi/),
      expect.stringMatching(/^bad\.yaml:4:11 balance\.within/),
      expect.stringMatching(/^none\.yaml: cannot read none\.yaml: ENOENT/),
      expect.stringMatching(/^rft: right, rft [0-9a-f]{64}$/),
    ]);
    const json = await runCli(['policy', 'validate', 'bad.yaml', '--json'], { cwd });
    expect(json.code).toBe(12);
    expect(jsonOf(json)).toMatchObject({
      ok: false,
      policies: [
        {
          policy: 'bad.yaml',
          ok: false,
          digest: null,
          problems: [{ line: 3, column: 3, path: 'balance.ratoi' }, { line: 4 }],
        },
      ],
    });
    expect((await runCli(['policy', 'validate', 'mine.yaml', '{ extends: tripost }'], { cwd })).code).toBe(0);
  });
});
