import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { valueOf } from '../../src/cli/commands/label';
import { NearIds } from '../../src/cli/findEvent';
import { jsonOf, runCli, tinyConfig, tinyIteration, tinyLedger, type Ran } from '../support/cliBuild';
import { the } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

const on = (ledger: string) => {
  const run = (...args: readonly string[]): Promise<Ran> => runCli([...args, '--ledger', ledger]);
  const json = async (...args: readonly string[]) => {
    const ran = await run(...args, '--json');
    if (ran.code !== 0) throw new Error(`exit ${ran.code}: ${ran.stderr}`);
    return jsonOf(ran);
  };
  return { run, json };
};

interface Row {
  readonly trajectoryId: string | null;
  readonly sections: readonly { readonly kind: string; readonly eventId: string }[];
}

/** The rows of a dataset, from the blob itself. */
const rowsOf = (ledger: string, dataset: string): readonly Row[] =>
  readFileSync(join(`${ledger}.blobs`, dataset.slice(0, 2), dataset), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): Row => JSON.parse(line));

const policy = join(tinyConfig, '..', 'tiny-policy.yaml');

describe('impact and retract', () => {
  const ledger = tinyLedger(newFolder());
  const { run, json } = on(ledger);
  const dataset = the(tinyIteration(1).dataset ?? undefined);
  const { checkpoint } = tinyIteration(1);
  const row = the(rowsOf(ledger, dataset).find(({ trajectoryId }) => trajectoryId !== null));
  const event = the(row.sections.find(({ kind }) => kind === 'attempt')).eventId;

  it('lists what an event reached, for people and as JSON', async () => {
    const found = await json('impact', event);
    expect(found).toMatchObject({ target: event, kind: 'event', datasets: [{ dataset, depth: 0 }, { depth: 1 }] });
    expect(found.checkpoints).toContainEqual(expect.objectContaining({ checkpoint, depth: 1, kind: 'final' }));
    expect(found.evaluations).toContainEqual(expect.objectContaining({ checkpoint, depth: 1, by: 'checkpoint' }));
    const ran = await run('impact', event.slice(0, 10));
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/^impact of event .*\n\d+ events? with texts/);
    for (const part of [
      'directly\n  dataset ',
      'behind 1 training\n',
      `  checkpoint ${checkpoint} final`,
      '  evaluation ',
    ])
      expect(ran.stdout).toContain(part);
    const { datasets } = await json('impact', `${dataset}#0`);
    expect(datasets).toContainEqual(expect.objectContaining({ dataset, rows: 1 }));
  });

  it('--at does not know of what came later', async () => {
    const ran = await run('log', '--type', 'DatasetDerived', '--json', '--limit', '2');
    const position: unknown = JSON.parse(the(ran.stdout.split('\n')[1])).position;
    const found = await json('impact', event, '--at', String(position));
    expect([found.datasets.length, found.trainings]).toEqual([1, []]);
  });

  it('--dry-run shows the same and writes nothing', async () => {
    const before = readFileSync(ledger);
    const told = await json('retract', event, '--dry-run');
    const { target, kind, ...impact } = await json('impact', event);
    expect([target, kind]).toEqual([event, 'event']);
    expect(told).toMatchObject({ dryRun: true, retraction: { id: null, written: false }, impact, successors: [] });
    expect(readFileSync(ledger).equals(before)).toBe(true);
  });

  it('retracts once, derives what is left, and says so the second time', async () => {
    const told = await json('retract', event.slice(0, 12), '--reason', 'leaked item', '--by', 'ana', '--derive');
    expect(told.retraction).toMatchObject({ reason: 'leaked item', by: 'ana', written: true });
    const successor = told.successors.find((each: { readonly before?: unknown }) => each.before !== undefined);
    expect(successor).toMatchObject({ before: { dataset }, policy: 'tiny', scope: { iteration: 1 } });
    const { after } = successor;
    expect(after.dataset).not.toBe(dataset);
    const rows = rowsOf(ledger, after.dataset);
    expect(rows).toHaveLength(after.rows);
    expect(rows.filter(({ trajectoryId }) => trajectoryId === row.trajectoryId)).toEqual([]);
    const skipped = told.successors.filter((each: { readonly reason?: string }) => each.reason !== undefined);
    expect(skipped).toEqual([
      { dataset: tinyIteration(2).dataset, reason: expect.stringContaining('train a clean one, then collect again') },
    ]);

    const again = await run('retract', event, '--reason', 'another', '--by', 'ben');
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(again.stdout).toContain('retracted before, nothing was written: "leaked item", by ana');
    const { children } = (await json('trace', event)).trace;
    expect(children[0]).toMatchObject({ label: 'EventRetracted', detail: { reason: 'leaked item', by: 'ana' } });
    const why = await json('why', event, '--dataset', after.dataset);
    expect(JSON.stringify(why)).toContain('admit.retracted');
    expect((await run('verify', '--blobs')).code).toBe(0);
    const manual = await json('derive', '--policy', policy, '--run', 'latest', '--iteration', '1');
    expect(manual.dataset).toBe(after.dataset);
  });

  it('refuses what it cannot do', async () => {
    const note = JSON.parse((await run('log', '--type', 'EventRetracted', '--json')).stdout).id;
    for (const [args, message] of [
      [['retract', event], 'option --reason is needed'],
      [['retract', event, '--reason', ' '], '--reason: expected a reason'],
      [['retract', `${event.slice(0, 14)}ffffff`, '--reason', 'x'], `there are ${event}`],
      [['retract', note, '--reason', 'x'], 'is a note about the ledger'],
      [['retract', event, '--dry-run', '--derive'], 'do not go together'],
      [['impact', 'ffffffffff'], 'There is no id "ffffffffff"'],
      [['impact', `${event.slice(0, 14)}ffffff`], `there are ${event}`],
    ] as const) {
      const ran = await run(...args);
      expect([args, ran.code, ran.stdout]).toEqual([args, 2, '']);
      expect(ran.stderr).toContain(message);
    }
  });

  it('says so where policies have nothing to leave out', async () => {
    const { stdout } = await run('log', '--type', 'CheckpointWritten', '--json', '--limit', '1');
    const written: string = JSON.parse(stdout).id;
    const ran = await run('retract', written, '--reason', 'bad weights', '--by', 'ana');
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('datasets stay as they are')]);
  });
});

describe('label', () => {
  const ledger = tinyLedger(newFolder());
  const { run, json } = on(ledger);
  const dataset = the(tinyIteration(1).dataset ?? undefined);
  const row = the(rowsOf(ledger, dataset).find(({ trajectoryId }) => trajectoryId !== null));
  const event = the(row.sections.find(({ kind }) => kind === 'feedback')).eventId;

  it('is shown by trace, and keeps a trajectory out of a dataset whose policy says so', async () => {
    const given = await json('label', event.slice(0, 12), 'wrong-feedback', '--by', 'ana');
    expect(given).toMatchObject({ event: { id: event }, value: true, by: 'ana', supersedes: null, written: true });
    const { children } = (await json('trace', event)).trace;
    expect(children[0]).toMatchObject({
      label: 'LabelGiven',
      detail: { label: 'wrong-feedback', value: true, by: 'ana' },
    });
    const strict = join(newFolder(), 'strict.yaml');
    writeFileSync(strict, `${readFileSync(policy, 'utf8')}admit: { withoutLabels: [wrong-feedback] }\n`);
    const args = ['derive', '--policy', strict, '--run', 'latest', '--iteration', '1'];
    const without = await json(...args);
    expect(without.byReason).toMatchObject({ 'admit.label': 1 });
    expect(await json('label', event, 'wrong-feedback', '--value', 'false', '--by', 'ana')).toMatchObject({
      supersedes: given.id,
      written: true,
    });
    expect((await json(...args)).byReason).not.toHaveProperty(['admit.label']);
    expect(await json('label', event, 'wrong-feedback', '--by', 'ana')).toMatchObject({ value: true, written: true });
    const again = await run('label', event, 'wrong-feedback', '--by', 'ana');
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('(it had this label already)')]);
    expect((await run('verify')).code).toBe(0);
  });

  it('needs an author and an event', async () => {
    const bare = await run('label', event, 'odd');
    expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining('option --by is needed')]);
    const unknown = await run('label', 'ffffffffff', 'odd', '--by', 'ana');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('There is no event "ffffffffff"')]);
  });

  it.each([
    ['true', true],
    ['false', false],
    ['3', 3],
    ['-0.5', -0.5],
    ['007', '007'],
    ['"3"', '3'],
    ['"', '"'],
    ['off by one', 'off by one'],
  ])('the value %s is %j', (text, value) => {
    expect(valueOf(text)).toBe(value);
  });
});

describe('ids that are near', () => {
  it('are those that begin most alike, in that order', () => {
    const near = new NearIds('abcdef', 2);
    for (const id of ['abx', 'abcx', 'zbcdef', 'abcdex', 'abcdxx']) near.see(id);
    expect(near.ids()).toEqual(['abcdex', 'abcdxx']);
    expect(new NearIds('abcdef').ids()).toEqual([]);
  });
});
