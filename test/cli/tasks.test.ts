import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tasks } from '../../src/tasks';
import { fixtures } from '../support/golden';
import { jsonOf, runCli, type Report } from '../support/cliBuild';
import { newFolder, removeFolders } from '../support/ledgerFile';
import { smallRun } from '../support/smallRun';

jest.setTimeout(240_000);
afterAll(removeFolders);

const small = smallRun(1280);

const policy = join(fixtures, 'cli', 'tiny-policy.yaml');

describe.each([...tasks.keys()])('%s', (name) => {
  it('runs whole from the config that init writes, with no network and no large model', async () => {
    const cwd = newFolder();
    expect((await runCli(['init', '--task', name], { cwd })).code).toBe(0);
    expect(readFileSync(join(cwd, 'run.yaml'), 'utf8')).toContain(`\n  name: ${name}\n`);
    const ran = await runCli(['run', 'run.yaml', '--policy', policy, ...small, '--json', '-q'], { cwd });
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const report: Report = jsonOf(ran);
    expect(report.iterations.map(({ iteration }) => iteration)).toEqual([0, 1]);
    // Every gold rationale is a row: none is refused by its own verifier, none is too long.
    expect(report.iterations[1]?.rows).toBeGreaterThanOrEqual(6);
    const checked = await runCli(['check-gold', '--json'], { cwd });
    expect(jsonOf(checked)).toMatchObject({
      checked: 10,
      accepted: 10,
      refused: [],
      byTask: { [name]: { method: 'steps and answer', classes: {} } },
    });
  });
});

it('init names the tasks there are where it is asked for another', async () => {
  const ran = await runCli(['init', '--task', 'date-undrstanding'], { cwd: newFolder() });
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('Did you mean "date-understanding"?')]);
});
