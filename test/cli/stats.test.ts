import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../events/digest';
import { size } from '../../src/cli/commands/stats';
import { jsonOf, runCli, tinyIteration, tinyLedger, tinyReport } from '../support/cliBuild';
import { the } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('stats', () => {
  const ledger = tinyLedger(newFolder());
  const run = (...args: readonly string[]) => runCli(['stats', ...args, '--ledger', ledger]);

  it('counts events, sealed prefix and blobs', async () => {
    const { events, root } = tinyReport();
    const files = filesUnder(`${ledger}.blobs`);
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
    const found = jsonOf(await run('--json'));
    expect(found).toMatchObject({
      events: events + 1,
      runs: 1,
      iterations: 2,
      sealed: { size: events, root },
      blobs: { named: { count: files.length, bytes }, other: { count: 0, bytes: 0 }, missing: 0 },
    });
    const ran = await run();
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toContain(`events       ${events + 1} in`);
    expect(ran.stdout).toMatch(/│ GenerationProduced +│ +\d+ │ +\d+\.\d kB │/);
    expect(ran.stdout).toContain(`sealed       the first ${events} events, root ${root}; 1 behind them`);
  });

  it('at a position counts that prefix, and what is not of it as other blobs', async () => {
    const found = jsonOf(await run('--json', '--at', '5'));
    expect(found).toMatchObject({
      events: 5,
      datasets: { different: 0 },
      sealed: null,
      blobs: { named: { count: 0 } },
    });
    expect(found.blobs.other.count).toBeGreaterThan(0);
  });

  it('tells blobs that are missing, and those that nothing names', async () => {
    const own = tinyLedger(newFolder());
    const dataset = the(tinyIteration(1).dataset ?? undefined);
    rmSync(join(`${own}.blobs`, dataset.slice(0, 2), dataset));
    const stray = sha256('stray');
    const folder = join(`${own}.blobs`, the(readdirSync(`${own}.blobs`)[0]));
    writeFileSync(join(folder, `${folder.slice(-2)}${stray.slice(2)}`), 'stray');
    const { blobs } = jsonOf(await runCli(['stats', '--json', '--ledger', own]));
    expect(blobs).toMatchObject({ other: { count: 1, bytes: 5 }, missing: 1 });
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [2_345_678, '2.3 MB'],
    [7e15, '7000.0 TB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });
});
