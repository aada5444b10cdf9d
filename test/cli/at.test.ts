import * as fc from 'fast-check';
import { positionOf } from '../../events/envelope';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { logAt, prefixUntil } from '../../src/cli/at';
import { parseTime } from '../../src/cli/time';
import type { EventLog } from '../../src/ports/eventLog';
import { jsonOf, runCli, tinyIteration, tinyLedger } from '../support/cliBuild';
import { anEvent, collect, must, the } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

const { signal } = new AbortController();
const start = Date.UTC(2026, 10, 24);

/** A log whose events were recorded at these seconds, in this order. */
const logOf = async (seconds: readonly number[]): Promise<EventLog> => {
  const left = [...seconds];
  const log = openMemoryLog({ now: () => new Date(start + 1000 * the(left.shift())).toISOString() });
  for (const [i] of seconds.entries())
    must(await log.append('notes', i === 0 ? 'noStream' : i - 1, [anEvent(`event ${i}`)])());
  return log;
};

describe('a time', () => {
  it.each([
    ['2026-11-24', '2026-11-24T00:00:00.000Z', '2026-11-24T23:59:59.999Z'],
    ['2026-11-24T12:44', '2026-11-24T12:44:00.000Z', '2026-11-24T12:44:59.999Z'],
    ['2026-11-24 12:44:05', '2026-11-24T12:44:05.000Z', '2026-11-24T12:44:05.999Z'],
    ['2026-11-24T12:44:05.1Z', '2026-11-24T12:44:05.100Z', '2026-11-24T12:44:05.199Z'],
    ['2026-11-24T12:44:05.123Z', '2026-11-24T12:44:05.123Z', '2026-11-24T12:44:05.123Z'],
    ['2026-11-24T01:00+02:00', '2026-11-23T23:00:00.000Z', '2026-11-23T23:00:59.999Z'],
  ])('%s covers what it names', (text, from, to) => {
    expect(parseTime(text)).toEqual({ from: Date.parse(from), to: Date.parse(to) });
  });

  it.each(['2026', '20261124', '2026-13-01', '2026-02-30', '2026-11-24T25:00', '2026-11-24Z', 'yesterday', ''])(
    '%j is none',
    (text) => {
      expect(parseTime(text)).toBeUndefined();
    },
  );
});

describe('the prefix until a time', () => {
  it('is the longest one whose events are all not later, whatever the clock did', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(9), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: -1, max: 10 }),
        async (seconds, to) => {
          const { until } = await prefixUntil(await logOf(seconds), start + 1000 * to, signal);
          const fits = (length: number): boolean => seconds.slice(0, length).every((second) => second <= to);
          let longest = 0;
          for (let length = 1; length <= seconds.length; length++) if (fits(length)) longest = length;
          expect(until).toBe(longest === 0 ? undefined : positionOf(longest));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says where the clock had gone back', async () => {
    const log = await logOf([1, 5, 3, 2, 9, 4]);
    const until = (second: number) => prefixUntil(log, start + 1000 * second, signal);
    expect(await until(4)).toMatchObject({ until: '1', wentBack: undefined });
    expect(await until(5)).toMatchObject({ until: '4', wentBack: '3' });
    expect(await until(9)).toMatchObject({ until: '6', wentBack: '3' });
    expect(await until(0)).toMatchObject({ until: undefined, recordedAt: '2026-11-24T00:00:01.000Z' });
  });
});

describe('the log at a position', () => {
  it('knows nothing of what came later', async () => {
    const log = await logOf([1, 2, 3, 4]);
    const at = logAt(log, positionOf(2));
    expect(await collect(at.readAll())).toHaveLength(2);
    expect(await collect(at.readStream('notes'))).toHaveLength(2);
    expect(await at.head()).toEqual({ position: '2', size: 2 });
    const [, second, third] = await collect(log.readAll());
    expect(await at.readEvent(the(second).id)).toEqual(second);
    expect(await at.readEvent(the(third).id)).toBeUndefined();
  });
});

describe('--at on the command line', () => {
  it('takes a time, and says what it is of the ledger', async () => {
    const ledger = tinyLedger(newFolder());
    const run = (at: string) => runCli(['log', '--json', '--at', at, '--ledger', ledger]);
    const { stdout } = await runCli(['log', '--json', '--ledger', ledger]);
    const times = stdout
      .trimEnd()
      .split('\n')
      .map((line): string => JSON.parse(line).recordedAt);
    const cut = the(times[20]);
    const expected = times.findIndex((time) => time > cut);
    const ran = await run(cut);
    expect(ran.code).toBe(0);
    expect(ran.stdout.trimEnd().split('\n')).toHaveLength(expected < 0 ? times.length : expected);
    expect(ran.stderr).toContain(`Reading the ledger as it was at ${cut}: up to position`);
    const early = await run('1999-12-31');
    expect([early.code, early.stderr]).toEqual([2, expect.stringContaining('nothing was recorded by 1999-12-31')]);
    const wrong = await run('noon');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('expected a position, or a time such as')]);
  });

  it('names the latest thing there was then', async () => {
    const ledger = tinyLedger(newFolder());
    const log = await runCli(['log', '--json', '--type', 'CheckpointWritten', '--ledger', ledger]);
    const finals = log.stdout
      .trimEnd()
      .split('\n')
      .map((line): { readonly position: string; readonly data: { readonly kind: string } } => JSON.parse(line))
      .filter(({ data }) => data.kind === 'final');
    for (const [i, { position }] of finals.entries()) {
      const folder = newFolder();
      const args = ['export-student', 'latest', folder, '--at', position, '--json', '--ledger', ledger];
      expect(jsonOf(await runCli(args)).checkpoint).toBe(tinyIteration(i).checkpoint);
    }
  });
});
