import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { giveLabel, retractEvent } from '../../src/run/notes';
import { collect, must, testClock } from '../support/events';
import { verify } from '../../src/ledger/verify';
import { foldEvents } from '../../projections/projection';
import { trajectories } from '../../projections/trajectories';
import { decodeEvent } from '../../events/index';
import type { EventLog } from '../../src/ports/eventLog';

const open = () => openMemoryLog({ now: testClock() });

const labelsOn = async (log: EventLog, eventId: string) => {
  const events = (await collect(log.readAll())).map((event) => must(decodeEvent(event)));
  const { labels } = trajectories.view(foldEvents(trajectories, events));
  return (labels.get(eventId) ?? []).map(({ label, by, value }) => ({ label, by, value }));
};

describe('a retraction', () => {
  it('is written once; a second one finds the first', async () => {
    const log = open();
    const first = must(await retractEvent(log, { eventId: 'e-1', reason: 'leaked', by: 'ana' }));
    expect(first).toMatchObject({ written: true, data: { reason: 'leaked', by: 'ana' } });
    expect(must(await retractEvent(log, { eventId: 'e-1', reason: 'other', by: 'ben' }))).toEqual({
      ...first,
      written: false,
    });
    expect(must(await retractEvent(log, { eventId: 'e-2', reason: 'leaked', by: 'ana' })).written).toBe(true);
    expect((await log.head()).size).toBe(2);
    expect((await verify(log)).ok).toBe(true);
  });
});

describe('a label', () => {
  it('has the newest value of each author, and can go back to an earlier one', async () => {
    const log = open();
    const give = async (value: boolean | number, by: string) =>
      must(await giveLabel(log, { eventId: 'e-1', label: 'wrong', value, by })).written;
    expect(await give(true, 'ana')).toBe(true);
    expect(await give(true, 'ana')).toBe(false);
    expect(await give(false, 'ben')).toBe(true);
    expect(await give(false, 'ana')).toBe(true);
    expect(await labelsOn(log, 'e-1')).toEqual([
      { label: 'wrong', by: 'ben', value: false },
      { label: 'wrong', by: 'ana', value: false },
    ]);
    expect(await give(true, 'ana')).toBe(true);
    expect(await labelsOn(log, 'e-1')).toContainEqual({ label: 'wrong', by: 'ana', value: true });
    expect((await log.head()).size).toBe(4);
    expect((await verify(log)).ok).toBe(true);
  });

  it('of another name, or on another event, is another label', async () => {
    const log = open();
    for (const [eventId, label] of [
      ['e-1', 'wrong'],
      ['e-1', 'odd'],
      ['e-2', 'wrong'],
    ] as const)
      expect(must(await giveLabel(log, { eventId, label, value: true, by: 'ana' }))).toMatchObject({
        written: true,
        data: { supersedes: null },
      });
  });
});
