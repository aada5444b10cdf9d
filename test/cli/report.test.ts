import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { csv } from '../../src/report/csv';
import { html } from '../../src/report/html';
import { json } from '../../src/report/json';
import { markdown } from '../../src/report/markdown';
import { documentOf, appendAll, planted, plantedLedger } from '../report/plantedAblation';
import { jsonOf, runCli, tinyLedger, tinyReport, type Ran } from '../support/cliBuild';
import { the } from '../support/events';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';

jest.setTimeout(240_000);
afterAll(removeFolders);

const small = { ...planted, seeds: [1, 2], iterations: 1, steps: 6, items: 12 };
const builder = plantedLedger(small);
const document = documentOf(builder);
const { ablationId } = document.report;

describe('report and metrics', () => {
  const folder = newFolder();
  const ledger = join(folder, 'ledger.db');
  const run = (...args: readonly string[]): Promise<Ran> => runCli([...args, '--ledger', ledger], { cwd: folder });

  beforeAll(async () => {
    const log = await openLedger(ledger);
    await appendAll(log, builder);
    await log.close();
  });

  it('prints each format, the same bytes as the renderer makes of this prefix', async () => {
    expect(jsonOf(await run('report', 'latest', '--json'))).toEqual(JSON.parse(json(document)));
    for (const [format, wanted] of [
      ['json', json(document)],
      ['markdown', markdown(document)],
      ['csv', csv(document)],
      ['html', html(document)],
    ] as const) {
      const ran = await run('report', ablationId.slice(0, 8), '--format', format);
      expect([ran.code, ran.stderr]).toEqual([0, '']);
      expect(ran.stdout).toBe(wanted);
    }
    const shown = await run('report', 'latest');
    expect(shown.stdout).toContain(`root        ${document.ledger.root}`);
    expect(shown.stdout).toContain('│ arm ');
  });

  it('writes a file whole, and says so on stderr', async () => {
    const ran = await run('report', 'latest', '--format', 'html', '--out', 'report.html');
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([0, '', 'Written: report.html\n']);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toBe(html(document));
    const refused = await run('report', 'latest', '--format', 'html', '--out', join('no', 'such', 'folder.html'));
    expect(refused.code).toBe(14);
    expect(refused.stderr).toContain('folder.html');
  });

  it('reports a prefix with --at: what was not there yet is missing, not wrong', async () => {
    const half = jsonOf(await run('report', 'latest', '--json', '--at', String(Math.floor(builder.events.length / 2))));
    expect(half.ledger.size).toBe(Math.floor(builder.events.length / 2));
    expect(half.report.missing.length).toBeGreaterThan(0);
    expect(half.digest).not.toBe(document.digest);
    const whole = jsonOf(await run('report', 'latest', '--json', '--at', String(builder.events.length)));
    expect(whole).toEqual(JSON.parse(json(document)));
  });

  it('refuses what is no ablation, and two formats at once', async () => {
    const unknown = await run('report', 'ffffffff');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('ablation');
    const both = await run('report', 'latest', '--json', '--format', 'csv');
    expect(both.code).toBe(2);
    expect(both.stdout + both.stderr).toContain('--json is --format json; --format csv was given too');
    const none = await runCli(['report', 'latest', '--ledger', tinyLedger(newFolder())]);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('ablation');
  });

  it('writes the metrics of the ablation for each tool, whole or not at all', async () => {
    const counted = jsonOf(await run('metrics', ablationId, '--out', 'logs', '--json'));
    expect(counted).toMatchObject({ id: ablationId, format: 'tensorboard', runs: 24, calls: 0, files: 24 });
    const again = await run('metrics', ablationId, '--out', 'logs');
    expect(again.code).toBe(2);
    const spans = await run('metrics', ablationId, '--format', 'otel', '--out', 'spans');
    expect([spans.code, readdirSync(join(folder, 'spans'))]).toEqual([0, ['traces.jsonl']]);
    const store = await run('metrics', ablationId, '--format', 'mlflow', '--out', 'store');
    expect(store.code).toBe(0);
    expect(existsSync(join(folder, 'store', the(readdirSync(join(folder, 'store'))[0]), 'meta.yaml'))).toBe(true);
    const training = the(
      builder.events.flatMap((event) => (event.type === 'TrainingStarted' ? [event.data.trainingId] : []))[0],
    );
    const refused = await run('metrics', training, '--format', 'otel', '--out', 'none');
    expect([refused.code, existsSync(join(folder, 'none'))]).toEqual([2, false]);
    expect(refused.stderr).toContain('made no model calls');
  });
});

describe('the metrics of a real run', () => {
  it('are its losses, its scores and its calls', async () => {
    const folder = newFolder();
    const ledger = tinyLedger(folder);
    mkdirSync(join(folder, 'out'));
    const { runId, iterations } = tinyReport();
    const out = (name: string): string => join(folder, 'out', name);
    const run = (...args: readonly string[]): Promise<Ran> =>
      runCli(['metrics', 'latest', ...args, '--ledger', ledger, '--json']);
    const board = jsonOf(await run('--out', out('logs')));
    expect(board).toMatchObject({ id: runId, runs: iterations.length });
    expect(board.points).toBeGreaterThan(100);
    const spans = jsonOf(await run('--format', 'otel', '--out', out('spans')));
    const lines = readFileSync(join(out('spans'), 'traces.jsonl'), 'utf8');
    expect(lines.match(/"spanId"/g)).toHaveLength(spans.calls);
    expect(spans.calls).toBeGreaterThan(10);
  });
});
