import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import type { NewEvent } from '../../events/envelope';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { numberedLog } from '../../src/ledger/numberedLog';
import { rootOf, seal } from '../../src/ledger/seal';
import { verify } from '../../src/ledger/verify';
import type { EventLog } from '../../src/ports/eventLog';
import { anEvent, collect, must, someEvents, testClock } from '../support/events';
import { closeAll, openOn, serve } from '../support/kurrentServer/opened';
import { fill } from '../support/ledgerEvents';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';

// A server, its client and two connections for each test: on a busy machine that takes a while.
jest.setTimeout(60_000);

afterAll(removeFolders);
afterEach(closeAll);

/** Appends everything of a log to another, event by event in its order. */
const copy = async (from: EventLog, to: EventLog): Promise<void> => {
  for await (const { stream, revision, id, type, version, data, meta, observed } of from.readAll()) {
    const { causation, correlation } = meta;
    const event: NewEvent = {
      id,
      type,
      version,
      data,
      meta: {
        ...(causation === undefined ? {} : { causation }),
        ...(correlation === undefined ? {} : { correlation }),
      },
      ...(observed === null ? {} : { observed }),
    };
    must(await to.append(stream, revision === 0 ? 'noStream' : revision - 1, [event])());
  }
};

const leavesOf = async (log: EventLog) =>
  (await collect(log.readAll())).map(({ leaf, observed }) => ({ leaf, observed }));

it('keeps leaves, roots and seals on the way from a file to the server and back', async () => {
  const file = await openLedger(join(newFolder(), 'ledger.db'));
  await fill(file, 6);
  must(await seal(file));
  await fill(file, 9);
  const kurrent = await openOn(await serve(), {}, '&ledger=copy');
  await copy(file, kurrent);
  const back = openMemoryLog({ now: testClock() });
  await copy(kurrent, back);
  const root = await rootOf(file);
  expect(root.size).toBeGreaterThan(30);
  expect(await rootOf(kurrent)).toEqual(root);
  expect(await rootOf(back)).toEqual(root);
  expect(await leavesOf(back)).toEqual(await leavesOf(file));
  await file.close();
}, 30_000);

it('is verified and sealed like a file, with positions that leave gaps', async () => {
  const server = await serve();
  const log = await openOn(server);
  await fill(log, 3);
  expect(must(await seal(log))).toMatchObject({ size: 12, written: true });
  await server.put('$stats', '$statsCollected');
  expect(must(await seal(log)).written).toBe(false);
  const positions = log.capabilities.positions;
  expect(await verify(log, { positions })).toMatchObject({ ok: true, events: 13, seals: 1, damaged: 0 });
  await server.put('trajectory-t0', 'Noted', { metadata: Buffer.from('{"tripost":1}') });
  const found = await verify(log, { positions });
  expect(found).toMatchObject({ ok: false, firstDamaged: { stream: 'trajectory-t0', revision: 4, check: 'read' } });
}, 30_000);

it('names an event that is stored twice, as no server refuses it', async () => {
  const server = await serve();
  const [one, two] = [await openOn(server), await openOn(server)];
  must(await one.append('x', 'noStream', [anEvent('x')])());
  must(await two.append('y', 'noStream', someEvents('y', 1))());
  // Each knows its own ids only: the same id goes to two streams at the same moment.
  const results = await Promise.all([
    one.append('s', 'noStream', [anEvent('same')])(),
    two.append('t', 'noStream', [anEvent('same')])(),
  ]);
  expect(results.map(E.isRight)).toEqual([true, true]);
  // (These events have no definition; of one that has, `verify` says to which stream it belongs.)
  expect((await verify(one, { positions: 'growing' })).ok).toBe(false);
});

it('names where to look with positions that are pairs', async () => {
  const server = await serve({ pairs: true });
  const log = await openOn(server);
  await fill(log, 3);
  const last = (await collect(log.readAll())).at(-1)?.position;
  expect(last).toMatch(/^\d+\/\d+$/);
  await server.put('trajectory-t0', 'Noted', { metadata: Buffer.from('{"tripost":2}') });
  const found = await verify(log, { positions: log.capabilities.positions });
  expect(found).toMatchObject({ ok: false, lastGood: { position: last }, firstDamaged: { check: 'read' } });
  expect(found.firstDamaged?.position).toMatch(/^\d+\/\d+$/);
  const missing = {
    ...log,
    head: async () => ({ position: undefined, size: 99 }),
    readAll: () => log.readAll({ max: 12 }),
  };
  expect((await verify(missing, { positions: 'growing' })).firstDamaged).toMatchObject({
    check: 'head',
    position: last,
  });
  // Numbered, the same place has the number that every mirror gives it.
  expect((await verify(numberedLog(log))).firstDamaged).toMatchObject({ check: 'read', stream: 'trajectory-t0' });
});
