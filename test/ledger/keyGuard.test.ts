import * as E from 'fp-ts/Either';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { guardedLog } from '../../src/ledger/keyGuard';
import type { EventLog } from '../../src/ports/eventLog';
import { anEvent, collect, must, testClock } from '../support/events';

const key = `ghp_${'aB3dE5gH7j'.repeat(4)}`;
const open = (): EventLog => guardedLog(openMemoryLog({ now: testClock() }), ['a value in use']);

describe('a guarded log', () => {
  it('refuses a batch that holds an access key anywhere, whole, and does not repeat the key', async () => {
    const log = open();
    for (const bad of [
      anEvent('data', { deep: [{ text: `take ${key}` }] }),
      { ...anEvent('observed'), observed: { header: key } },
      { ...anEvent('meta'), meta: { correlation: key } },
      anEvent('value', { text: 'this is a value in use here' }),
    ]) {
      const result = await log.append('s', 'noStream', [anEvent('good'), bad])();
      expect(result).toMatchObject(E.left({ tag: 'KeyInText' }));
      expect(JSON.stringify(result)).not.toMatch(/ghp_aB3|a value in use/);
      expect(JSON.stringify(result)).toContain(bad.id);
    }
    expect(await collect(log.readAll())).toEqual([]);
  });

  it('appends what holds none, and reads as before', async () => {
    const log = open();
    must(await log.append('s', 'noStream', [anEvent('one', { text: 'sk-learn' })])());
    expect(await collect(log.readAll())).toHaveLength(1);
    expect(await log.streamHead('s')).toBe(0);
  });
});
