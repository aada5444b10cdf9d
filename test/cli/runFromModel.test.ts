import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf, runCli, tinyConfig, tinyRun, type Report } from '../support/cliBuild';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(200_000);
afterAll(removeFolders);

/** A model folder as it comes from elsewhere, without the receipt of its training. */
const modelIn = (folder: string): string => {
  const model = join(folder, 'model');
  cpSync(join(tinyRun(), 'out', 'base'), model, { recursive: true });
  rmSync(join(model, 'receipt.jsonl'), { force: true });
  return model;
};

interface Logged {
  readonly type: string;
  readonly data: {
    readonly checkpoint: string;
    readonly kind: string;
    readonly base: { readonly kind: string; readonly digest: string };
    readonly config: { readonly base: Readonly<Record<string, unknown>> };
  };
}

const logged = async (ledger: string, type: string): Promise<readonly Logged[]> => {
  const { stdout } = await runCli(['log', '--ledger', ledger, '--json', '--type', type]);
  return stdout.split('\n').flatMap((line): Logged[] => (line === '' ? [] : [JSON.parse(line)]));
};

const words = (ledger: string, from: string): readonly string[] => [
  'run',
  tinyConfig,
  '--ledger',
  ledger,
  '--iterations',
  '1',
  '-S',
  `base.from=${from}`,
  '-S',
  'base.train.steps=6',
  '--json',
  '-q',
];

describe('a run whose base starts from a model folder', () => {
  it('trains that model on the gold rationales, is the same run wherever the folder lies, and is made again', async () => {
    const folder = newFolder();
    const [model, ledger] = [modelIn(folder), join(folder, 'ledger.db')];
    const ran = await runCli(words(ledger, model));
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const report: Report = jsonOf(ran);
    const imported = (await logged(ledger, 'CheckpointWritten')).find(({ data }) => data.kind === 'imported');
    const digest = imported?.data.checkpoint;
    const [training] = await logged(ledger, 'TrainingStarted');
    expect(training?.data.base).toEqual({ kind: 'checkpoint', digest });
    const [started] = await logged(ledger, 'RunStarted');
    expect(started?.data.config.base).toMatchObject({ from: digest });
    expect(Object.keys(started?.data.config.base ?? {})).not.toContain('shape');

    const elsewhere = join(folder, 'elsewhere');
    cpSync(model, elsewhere, { recursive: true });
    rmSync(model, { recursive: true });
    for (const from of [elsewhere, String(digest)]) {
      const again = await runCli(words(ledger, from));
      expect([again.code, again.stderr]).toEqual([0, '']);
      const { runId, iterations, events }: Report = jsonOf(again);
      expect([runId, events]).toEqual([report.runId, report.events]);
      expect(iterations).toEqual(report.iterations);
    }
    const reproduced = await runCli(['reproduce', report.runId, '--ledger', ledger, '-q']);
    expect([reproduced.code, reproduced.stderr]).toEqual([0, '']);
    expect((await runCli(['verify', '--blobs', '--ledger', ledger, '-q'])).code).toBe(0);
  });

  it('is refused where the model is neither at hand nor on the ledger', async () => {
    const folder = newFolder();
    const gone = await runCli(words(join(folder, 'gone.db'), join(folder, 'no-model')));
    expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('there is no such folder')]);
    const unknown = await runCli(words(join(folder, 'unknown.db'), 'ab'.repeat(32)));
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('which this ledger has not');
    expect(unknown.stderr).toContain('Set base.from to the folder of that model');
    const neither = await runCli([...words(join(folder, 'neither.db'), 'null'), '-S', 'base.shape=null']);
    expect([neither.code, neither.stderr]).toEqual([2, expect.stringContaining('base.shape: a student from nothing')]);
  });

  it('gives all cells of a comparison one base', async () => {
    const folder = newFolder();
    const [ledger, matrix] = [join(folder, 'ledger.db'), join(folder, 'matrix.yaml')];
    modelIn(folder);
    const settings = '{ iterations: 1, base.from: model, base.train.steps: 4, train.steps: 2 }';
    const axes = '{ train.learningRate: [0.001, 0.002] }';
    writeFileSync(
      matrix,
      `ablation: 1\nname: from\nrun: ${tinyConfig}\nset: ${settings}\naxes: ${axes}\nseeds: [1, 2]\n`,
    );
    const ran = await runCli(['ablate', matrix, '--ledger', ledger, '--json', '-q']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(jsonOf(ran).missing).toEqual([]);
    const imported = (await logged(ledger, 'CheckpointWritten')).filter(({ data }) => data.kind === 'imported');
    expect(imported).toHaveLength(1);
    const bases = (await logged(ledger, 'TrainingStarted')).filter(
      ({ data }) => data.base.digest === imported[0]?.data.checkpoint,
    );
    expect(bases).toHaveLength(1);
    const over = ['-S', 'base.from=./model', '-S', 'base.train.steps=4'];
    const planned = await runCli(['ablate', 'main-table-full-word-sorting', ...over, '--dry-run', '--json'], {
      cwd: folder,
    });
    expect([planned.code, planned.stderr]).toEqual([0, '']);
    expect(jsonOf(planned).work).toContainEqual(expect.objectContaining({ kind: 'base', once: 1 }));
  });
});
