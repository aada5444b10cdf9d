import { join } from 'node:path';
import { openSqliteLog } from '../../src/adapters/sqlite/eventLog';
import { jsonOf, runCli, tinyConfig, tinyIteration, tinyLedger, type Ran } from '../support/cliBuild';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';
import { collect, fieldsOf, must, testClock } from '../support/events';

jest.setTimeout(180_000);
afterAll(removeFolders);

/** Another seed than the tiny run's: nothing of this collection is on its ledger yet. */
const collecting = (ledger: string, ...more: readonly string[]): Promise<Ran> => {
  const student = tinyIteration(0).checkpoint;
  const args = ['collect', '--config', tinyConfig, '--student', student, '--seed', '9', '-S', 'generate.batch=2'];
  return runCli([...args, '--ledger', ledger, '-q', ...more]);
};

const datasetOf = async (ledger: string, runId: string): Promise<string> => {
  const args = ['derive', '--policy', 'tripost-no-filter', '--run', runId, '--iteration', '1', '--seed', '1'];
  return jsonOf(await runCli([...args, '--ledger', ledger, '--json'])).dataset;
};

describe('tripost collect --share', () => {
  it('in two processes makes every call once and gives the dataset of one process', async () => {
    const [alone, shared] = [tinyLedger(newFolder()), tinyLedger(newFolder())];
    const single = jsonOf(await collecting(alone, '--json'));
    const both = await Promise.all([0, 1].map(() => collecting(shared, '--share', '--json')));
    expect(both.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const [one, two] = both.map(jsonOf);
    const { newCalls, reusedCalls: _, ...whole } = single;
    expect(one).toMatchObject(whole);
    expect(two).toMatchObject(whole);
    expect(one.newCalls + two.newCalls).toBe(newCalls);
    expect([one.newCalls + one.reusedCalls, two.newCalls + two.reusedCalls]).toEqual([newCalls, newCalls]);
    expect(await datasetOf(shared, single.runId)).toBe(await datasetOf(alone, single.runId));
    expect((await runCli(['verify', '--ledger', shared])).code).toBe(0);
    const log = await openLedger(shared, 'read');
    const claims = await collect(log.readAll({ filter: { types: ['WorkClaimed'] } }));
    const ids = claims.flatMap(({ data }) => fieldsOf(data)['items']);
    expect([ids.length, new Set(ids).size]).toEqual([single.trajectories, single.trajectories]);
    await log.close();
    // One process afterwards finds everything, and claims nothing.
    expect(jsonOf(await collecting(shared, '--json'))).toMatchObject({ newCalls: 0, reusedCalls: newCalls });
  });

  it('is refused beside one that collects alone, and the other way round, with 5; other writing is not', async () => {
    const path = tinyLedger(newFolder());
    const open = async (collects: 'alone' | 'shared') =>
      must(await openSqliteLog({ path, mode: 'write', now: testClock(), collects })());
    const alone = await open('alone');
    for (const more of [[], ['--share']]) {
      const { code, stdout, stderr } = await collecting(path, ...more);
      expect([code, stdout]).toEqual([5, '']);
      expect(stderr).toContain('Another process is collecting into this ledger.');
      expect(stderr).toContain('`tripost collect --share`');
    }
    const { runId } = jsonOf(
      await runCli(['log', '--ledger', path, '--type', 'RunStarted', '--limit', '1', '--json']),
    ).data;
    expect(await datasetOf(path, runId)).toMatch(/^[0-9a-f]{64}$/);
    await alone.close();
    const shared = await open('shared');
    expect((await collecting(path)).code).toBe(5);
    await shared.close();
  });

  it('wants a lease of at least a second', async () => {
    const { code, stderr } = await collecting(join(newFolder(), 'ledger.db'), '--share', '--lease', '0');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--lease: expected seconds from 1, got "0"')]);
  });
});
