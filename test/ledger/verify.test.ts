import { canonicalJson, type Json } from '../../events/digest';
import { leafHash, type RecordedEvent } from '../../events/envelope';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { rootOf, seal } from '../../src/ledger/seal';
import { verify } from '../../src/ledger/verify';
import { anEvent, fieldsOf, must, testClock, textOf, the } from '../support/events';
import { copyOf, judge, makeLedger, type Verdict } from '../support/judge';
import { openLedger, removeFolders } from '../support/ledgerFile';
import { fill, trajectoryOf } from '../support/ledgerEvents';
import { tamper } from '../support/rawSql';

afterAll(removeFolders);

let original = '';
let events: readonly RecordedEvent[] = [];
beforeAll(async () => {
  ({ original, events } = await makeLedger());
});

const eventAt = (position: number): RecordedEvent => the(events[position - 1]);
const nameOf = ({ position, stream, revision, id, type }: RecordedEvent) => ({ position, stream, revision, id, type });

describe('a whole ledger', () => {
  it('is ok, with its counts and its root', async () => {
    const { ledger, storageOk } = await judge(original);
    expect(storageOk).toBe(true);
    expect(ledger).toMatchObject({ ok: true, events: 38, streams: 10, seals: 2, firstDamaged: null, damaged: 0 });
    const memory = openMemoryLog({ now: testClock() });
    await fill(memory, 6);
    must(await seal(memory));
    for (const name of ['u0', 'u1', 'u2']) {
      must(await memory.append(`trajectory-${name}`, 'noStream', trajectoryOf(name))());
    }
    must(await seal(memory));
    expect(ledger?.root).toBe((await rootOf(memory)).root);
    expect((await verify(memory)).root).toBe(ledger?.root);
  });

  it('keeps what was published of it', async () => {
    const log = await openLedger(original, 'read');
    const now = await rootOf(log);
    expect((await verify(log, { published: [now] })).ok).toBe(true);
    const lost = await verify(log, { published: [{ size: 99, root: now.root }] });
    expect(lost.firstDamaged).toMatchObject({ check: 'published', got: 'fewer events' });
    const other = await verify(log, { published: [{ size: 10, root: now.root }] });
    expect(other.ok).toBe(false);
    await log.close();
  });
});

describe('a ledger changed with SQL', () => {
  const changed = async (sql: string): Promise<Verdict> => {
    const path = copyOf(original);
    tamper(path, sql);
    return judge(path);
  };
  const set = (position: number, part: string): string => `UPDATE events SET ${part} WHERE position = ${position}`;
  const edited = (position: number): string => canonicalJson({ ...fieldsOf(eventAt(position).data), text: 'forged' });
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

  it.each([
    [
      'its data',
      set(7, `data = replace(data, 'step', 'stop'), data = replace(data, '"round":0', '"round":1')`),
      7,
      'leaf',
    ],
    ['its id', set(8, `id = '00000000-0000-8000-8000-000000000000'`), 8, 'leaf'],
    ['its type', set(8, `type = 'AttemptTaken'`), 8, 'leaf'],
    ['its version', set(8, 'version = 2'), 8, 'leaf'],
    ['its correlation', set(1, `correlation = 'run-2'`), 1, 'leaf'],
    ['its leaf', set(4, `leaf = '${'0'.repeat(64)}'`), 4, 'leaf'],
    ['its prev', set(5, `prev = '${'0'.repeat(64)}'`), 5, 'prev'],
    ['its revision', set(5, 'revision = 9'), 5, 'revision'],
    ['its stream', set(12, `stream = 'trajectory-x'`), 12, 'revision'],
    ['data that is no JSON', set(9, `data = '{'`), 9, 'read'],
    ['data that does not decode', set(9, `data = '{}'`), 9, 'leaf'],
    ['text that is not UTF-8', set(9, `data = CAST(x'22ff22' AS TEXT)`), 9, 'read'],
  ])('%s: the event is named', async (_, sql, position, check) => {
    const { ledger, storage } = await changed(sql);
    const { stream, revision, id, position: at } = eventAt(position);
    const damage = ledger?.firstDamaged;
    expect(damage).toMatchObject({ position: at, check });
    const touched = /its (id|type|revision|stream)/.exec(_)?.[1];
    expect({ stream, revision, id, ...damage }).toMatchObject(
      Object.fromEntries(Object.entries({ stream, revision, id }).filter(([field]) => field !== touched)),
    );
    expect(ledger?.lastGood?.position ?? '0').toBe(String(position - 1));
    expect(storage).toContain('the file has changed since it was closed');
  });

  it('data and leaf of an event that is not its stream’s last: the event is named by its successor', async () => {
    const data: Json = JSON.parse(edited(6));
    const leaf = leafHash({ ...eventAt(6), data });
    const { ledger } = await changed(set(6, `data = ${quoted(edited(6))}, leaf = '${leaf}'`));
    expect(ledger?.firstDamaged).toMatchObject({ ...nameOf(eventAt(6)), check: 'leaf', got: leaf });
  });

  it('a stream rewritten to its end: the seal notices', async () => {
    const last = eventAt(12);
    const data = { ...fieldsOf(last.data), reason: 'forged' };
    const leaf = leafHash({ ...last, data });
    const { ledger } = await changed(set(12, `data = ${quoted(canonicalJson(data))}, leaf = '${leaf}'`));
    expect(ledger?.firstDamaged).toMatchObject({ ...nameOf(eventAt(25)), check: 'seal' });
    expect(ledger?.firstDamaged?.got).toContain('changed since the beginning');
  });

  it('an event deleted in the middle of its stream: its place and stream are named', async () => {
    const { position, stream, revision } = eventAt(5);
    const { ledger, storage } = await changed('DELETE FROM events WHERE position = 5');
    expect(ledger?.firstDamaged).toMatchObject({ position, stream, revision, check: 'position' });
    expect(storage).toContain('the head says 38 events up to position 38; stored are 37 up to position 38');
  });

  it('the last event of a stream deleted: its place is named', async () => {
    const { ledger } = await changed('DELETE FROM events WHERE position = 12');
    expect(ledger?.firstDamaged).toMatchObject({ position: '12', check: 'position', got: 'the next one is at 13' });
  });

  it('the tail deleted: the head notices', async () => {
    const { ledger } = await changed('DELETE FROM events WHERE position > 36');
    expect(ledger?.firstDamaged).toMatchObject({ position: '37', check: 'head' });
    expect(ledger?.events).toBe(36);
  });

  it('the tail deleted and the head with it: a seal kept elsewhere notices', async () => {
    const path = copyOf(original);
    tamper(path, 'DELETE FROM events WHERE position > 36; UPDATE head SET size = 36, last_position = 36');
    const log = await openLedger(path, 'read');
    const kept = { size: 37, root: textOf(eventAt(38).data, 'root') };
    expect((await verify(log)).ok).toBe(true);
    expect((await verify(log, { published: [kept] })).firstDamaged).toMatchObject({ check: 'published' });
    await log.close();
  });

  it('two events of different streams swapped: the seal notices', async () => {
    const { ledger } = await changed(
      `UPDATE events SET position = -1 WHERE position = 13; UPDATE events SET position = 13 WHERE position = 14;
       UPDATE events SET position = 14 WHERE position = -1`,
    );
    expect(ledger?.firstDamaged).toMatchObject({ check: 'seal', position: '25' });
  });

  it('two events of one stream swapped: the first is named', async () => {
    const { ledger } = await changed(
      `UPDATE events SET position = -1 WHERE position = 1; UPDATE events SET position = 1 WHERE position = 4;
       UPDATE events SET position = 4 WHERE position = -1`,
    );
    expect(ledger?.firstDamaged).toMatchObject({ position: '1', id: eventAt(4).id, check: 'revision' });
  });

  it('a seal forged: it is named', async () => {
    const { ledger } = await changed(set(25, `data = replace(data, '"size":24', '"size":23')`));
    expect(ledger?.firstDamaged).toMatchObject({ ...nameOf(eventAt(25)), check: 'leaf' });
  });

  it('what no hash covers: the events are whole, the file has changed', async () => {
    const { ledger, storageOk } = await changed(set(3, `recorded_at = '2020-01-01T00:00:00.000Z'`));
    expect([ledger?.ok, storageOk]).toEqual([true, false]);
  });

  it('another table or index: the file has changed', async () => {
    const { ledger, storageOk } = await changed('CREATE INDEX more ON events (type)');
    expect([ledger?.ok, storageOk]).toEqual([true, false]);
  });
});

describe('events that should not be there', () => {
  const withEvent = async (
    stream: string,
    event: Parameters<ReturnType<typeof openMemoryLog>['append']>[2][number],
  ) => {
    const log = openMemoryLog({ now: testClock() });
    await fill(log, 1);
    must(await log.append(stream, await log.streamHead(stream), [event])());
    return (await verify(log)).firstDamaged;
  };
  const made = the(trajectoryOf('x')[0]);

  it('of an unknown type', async () => {
    expect(await withEvent('s', anEvent('a'))).toMatchObject({ check: 'data', expected: 'Noted@1', position: '5' });
  });
  it('in a stream that is not theirs', async () => {
    const damage = await withEvent('trajectory-y', made);
    expect(damage).toMatchObject({ check: 'stream', expected: 'trajectory-x', got: 'trajectory-y' });
  });
  it('with an id that is not that of their content', async () => {
    const damage = await withEvent('trajectory-x', {
      ...made,
      id: anEvent('a').id,
    });
    expect(damage).toMatchObject({ check: 'id', expected: made.id, got: anEvent('a').id });
  });
  it('with a field that nobody defined', async () => {
    const data = { ...fieldsOf(made.data), unheardOf: 1 };
    const damage = await withEvent('trajectory-x', { ...made, data });
    expect(damage).toMatchObject({ check: 'data', expected: expect.stringContaining('only known fields') });
  });
});
