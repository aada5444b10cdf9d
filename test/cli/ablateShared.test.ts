import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf, runCli, tinyConfig, type Ran } from '../support/cliBuild';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(400_000);
afterAll(removeFolders);

/** Two arms under four seeds, each a short training behind one short base. */
const matrixIn = (folder: string): string => {
  const file = join(folder, 'matrix.yaml');
  const settings = '{ iterations: 1, base.train.steps: 20, base.train.checkpointEvery: 10, train.steps: 2 }';
  const text = `ablation: 1\nname: shared\nrun: ${tinyConfig}\nset: ${settings}\naxes: { train.learningRate: [0.001, 0.002] }\nseeds: [1, 2, 3, 4]\n`;
  writeFileSync(file, text);
  return file;
};

const claimsOf = async (
  ledger: string,
): Promise<readonly { readonly claimant: string; readonly items: readonly string[] }[]> => {
  const { stdout } = await runCli(['log', '--type', 'WorkClaimed', '--json', '--ledger', ledger]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const { data }: { readonly data: { readonly claimant: string; readonly items: readonly string[] } } =
      JSON.parse(line);
    return data;
  });
};

const reportOf = (ran: Ran): { readonly cells: unknown; readonly comparisons: unknown; readonly missing: unknown } =>
  jsonOf(ran);

describe('ablate --share', () => {
  it('divides the seeds among processes, takes over those of a killed one, and reports what one alone reports', async () => {
    const folder = newFolder();
    const matrix = matrixIn(folder);
    const alone = await runCli(['ablate', matrix, '--ledger', join(folder, 'alone.db'), '--json', '-q']);
    expect([alone.code, alone.stderr]).toEqual([0, '']);
    const ledger = join(folder, 'shared.db');
    const args = ['ablate', matrix, '--ledger', ledger, '--share', '--lease', '4', '--json'];
    const killed = runCli(args, {
      during: (child, stderr) => {
        const watch = setInterval(() => {
          if (!/seed \d: iteration 1, train/.test(stderr())) return;
          clearInterval(watch);
          child.kill('SIGKILL');
        }, 20);
        child.on('close', () => clearInterval(watch));
      },
    });
    const [dead, first, second] = await Promise.all([killed, runCli([...args, '-q']), runCli([...args, '-q'])]);
    expect(dead.signal).toBe('SIGKILL');
    expect([first.code, first.stderr, second.code, second.stderr]).toEqual([0, '', 0, '']);
    const [one, other, whole] = [first, second, alone].map(reportOf);
    expect(one?.missing).toEqual([]);
    expect(other?.cells).toEqual(whole?.cells);
    expect(one?.cells).toEqual(whole?.cells);
    expect(one?.comparisons).toEqual(whole?.comparisons);
    const claims = await claimsOf(ledger);
    expect(new Set(claims.flatMap(({ items }) => items))).toEqual(new Set(['seed 1', 'seed 2', 'seed 3', 'seed 4']));
    expect(new Set(claims.map(({ claimant }) => claimant)).size).toBeGreaterThan(1);
    expect((await runCli(['verify', '--ledger', ledger])).code).toBe(0);
  });
});
