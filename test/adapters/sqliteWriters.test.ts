import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as E from 'fp-ts/Either';
import Libsql from 'libsql';
import { openSqliteLog, type SqliteLog, type SqliteLogOptions } from '../../src/adapters/sqlite/eventLog';
import type { StoreError } from '../../src/ports/eventLog';
import { verify } from '../../src/ledger/verify';
import { appendingChild } from '../support/appendingChild';
import { anEvent, appendTo, collect, fieldsOf, must, namesOf, refusal, someEvents, testClock } from '../support/events';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';
import { compiled } from '../support/rawSql';
import { startChild, withLog } from '../support/writingChild';

jest.setTimeout(120_000);
afterAll(removeFolders);

const newPath = (): string => join(newFolder(), 'ledger.db');
const filesOf = (path: string): readonly string[] => readdirSync(dirname(path)).sort();
const digestHolds = (path: string): void => {
  expect(filesOf(path)).toContain('ledger.db.sha256');
  execFileSync('sha256sum', ['-c', 'ledger.db.sha256'], { cwd: dirname(path) });
};
const isClosed = (path: string): void => {
  expect(filesOf(path)).toEqual(['ledger.db', 'ledger.db.sha256']);
  digestHolds(path);
};
/** A handle of this very process lives on after closing until its statements are collected; its write-ahead file stays. */
const isClosedHere = (path: string): void => {
  const open = new Set(['ledger.db-shm', 'ledger.db-wal']);
  expect(filesOf(path).filter((name) => !open.has(name))).toEqual(['ledger.db', 'ledger.db.sha256']);
  expect(existsSync(`${path}-wal`) ? statSync(`${path}-wal`).size : 0).toBe(0);
  digestHolds(path);
};

let build: ReturnType<typeof compiled> | undefined;
const built = (): ReturnType<typeof compiled> => (build ??= compiled(newFolder()));

const opening = (path: string, options: Partial<SqliteLogOptions> = {}): Promise<E.Either<StoreError, SqliteLog>> =>
  openSqliteLog({ path, mode: 'write', now: testClock(), ...options })();

const refused = async (path: string, options: Partial<SqliteLogOptions>): Promise<StoreError> => {
  const opened = await opening(path, options);
  if (E.isRight(opened)) throw new Error('expected to be refused');
  return opened.left;
};

describe('closing', () => {
  it('is done by the last of several writers, also when it has written nothing itself', async () => {
    const path = newPath();
    const [first, last] = [await openLedger(path), await openLedger(path)];
    await appendTo(first, 's', someEvents('a', 3));
    await first.close();
    expect(existsSync(`${path}.sha256`)).toBe(false);
    expect(await collect(last.readAll())).toHaveLength(3);
    await last.close();
    isClosedHere(path);
  });

  it('leaves a digest of the whole when writers go at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const path = newPath();
      const logs = [await openLedger(path), await openLedger(path), await openLedger(path)];
      const writes = logs.map((log, i) => appendTo(log, `s-${i}`, someEvents(`a-${i}`, 3)));
      await Promise.all(writes.map(async (write, i) => (await write, logs[i]?.close())));
      isClosedHere(path);
      const reader = await openLedger(path, 'read');
      expect(await collect(reader.readAll())).toHaveLength(9);
      expect((await reader.checkStorage()).ok).toBe(true);
      await reader.close();
    }
  });

  it('keeps the digest until somebody writes', async () => {
    const path = newPath();
    await (await openLedger(path)).close();
    const [idle, writer] = [await openLedger(path), await openLedger(path)];
    expect(existsSync(`${path}.sha256`)).toBe(true);
    await appendTo(writer, 's', someEvents('a', 1));
    expect(existsSync(`${path}.sha256`)).toBe(false);
    await writer.close();
    await appendTo(idle, 's', someEvents('b', 1));
    await idle.close();
    isClosedHere(path);
  });
});

describe('processes that open, write and close one ledger as they like', () => {
  it('lose nothing, find nothing damaged, and leave one plain file', async () => {
    const { dist, env } = built();
    const path = newPath();
    const rounds = 12;
    const writer = (w: number): string =>
      withLog(
        dist,
        path,
        `
  for (let round = 0; round < ${rounds}; round++) {
    const log = await open();
    const stream = 'w-${w}';
    for (let i = 0; i < 3; i++) must(await log.append(stream, await log.streamHead(stream), [event(['${w}', round, i].join('-'))])());
    await log.close();
  }`,
      );
    await Promise.all([0, 1, 2, 3].map((w) => startChild(writer(w), env).ended));
    isClosed(path);
    const log = await openLedger(path, 'read');
    const all = await collect(log.readAll());
    expect(all.map(({ position }) => Number(position))).toEqual(Array.from({ length: 144 }, (_, i) => i + 1));
    for (const w of [0, 1, 2, 3]) {
      const own = all.filter(({ stream }) => stream === `w-${w}`);
      expect(namesOf(own)).toEqual(Array.from({ length: 36 }, (_, i) => `${w}-${Math.floor(i / 3)}-${i % 3}`));
    }
    expect((await log.checkStorage()).checks.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    await log.close();
  });

  it('do not starve each other: each ends only when it has seen the other write a hundred times', async () => {
    const { dist, env } = built();
    const path = newPath();
    const writer = (own: string, other: string, size: number): string =>
      withLog(
        dist,
        path,
        `
  const log = await open();
  let head = 'noStream', i = 0;
  const append = async (stream) => {
    const events = Array.from({ length: ${size} }, (_, k) => event(['${own}', i, k].join('-')));
    i += 1;
    head = must(await log.append(stream, head, events)()).revision;
  };
  // Without a pause: the next append is asked for as soon as the one before is stored.
  for (let seen = 0; seen < 100; ) {
    await append('${own}');
    const other = await log.streamHead('${other}');
    seen = other === 'noStream' ? 0 : (other + 1) / (${size} === 1 ? 50 : 1);
  }
  // The other one may need some more to see.
  for (let more = 0; more < 100; more++) await append('${own}');
  await log.close();`,
      );
    // One writes single events, the other batches of fifty.
    await Promise.all([startChild(writer('a', 'b', 1), env).ended, startChild(writer('b', 'a', 50), env).ended]);
    isClosed(path);
    const reader = await openLedger(path, 'read');
    expect(await reader.streamHead('a')).toBeGreaterThan(100);
    expect(await reader.streamHead('b')).toBeGreaterThan(50 * 100);
    await reader.close();
  });

  it('lose nothing that was acknowledged when one is killed, and the others go on', async () => {
    const { dist, env } = built();
    const path = newPath();
    const [killed, other] = [0, 1].map((round) => startChild(appendingChild(dist, path, round), env));
    if (killed === undefined || other === undefined) throw new Error('two children');
    await Promise.all([killed.said(40), other.said(40)]);
    killed.kill();
    await killed.ended;
    const after = other.out().split('\n').length;
    await other.said(after + 40);
    const here = await openLedger(path);
    await appendTo(here, 'here', someEvents('here', 5));
    other.kill();
    await other.ended;
    const acknowledged = [killed, other].flatMap((child) =>
      child
        .out()
        .split('\n')
        .slice(1, -1)
        .flatMap((line) => line.split(' ')),
    );
    const events = await collect(here.readAll());
    const stored = new Set(events.map(({ id }) => id));
    expect(acknowledged.length).toBeGreaterThan(80);
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    const batches = new Map<string, number>();
    for (const { stream, data } of events.filter((one) => one.stream.startsWith('r'))) {
      const { batch, size } = fieldsOf(data);
      const key = `${stream.slice(0, 2)} ${JSON.stringify(batch)}`;
      batches.set(key, (batches.get(key) ?? Number(size)) - 1);
    }
    expect([...batches].filter(([, missing]) => missing !== 0)).toEqual([]);
    expect((await verify(here)).firstDamaged?.check).toBe('data');
    // The dead left nothing that has to be cleaned up: this one is the last writer, and closes.
    await here.close();
    isClosed(path);
  });
});

describe('Locked', () => {
  it('is who would collect beside one that collects alone; reading and other writing go on', async () => {
    const path = newPath();
    const alone = must(await opening(path, { collects: 'alone' }));
    for (const collects of ['alone', 'shared'] as const) {
      const error = await refused(path, { collects });
      expect(error).toMatchObject({ tag: 'Locked', where: `${path}.collecting` });
      // Only Linux tells who holds a lock.
      const holder = existsSync('/proc/locks') ? `process ${process.pid} (` : 'another process';
      expect(error).toMatchObject({ holder: expect.stringContaining(holder) });
    }
    const writer = await openLedger(path);
    await appendTo(writer, 'notes', someEvents('a', 1));
    await writer.close();
    await alone.close();
    isClosedHere(path);
  });

  it('is not who shares: any number collect, and nobody alone beside them', async () => {
    const path = newPath();
    const shared = [
      must(await opening(path, { collects: 'shared' })),
      must(await opening(path, { collects: 'shared' })),
    ];
    expect(await refused(path, { collects: 'alone' })).toMatchObject({ tag: 'Locked', where: `${path}.collecting` });
    await shared[0]?.close();
    expect(await refused(path, { collects: 'alone' })).toMatchObject({ tag: 'Locked' });
    await shared[1]?.close();
    const alone = must(await opening(path, { collects: 'alone' }));
    await alone.close();
    isClosedHere(path);
  });

  it('is told to an append whose turn does not come; nothing is written, and later it goes on', async () => {
    const path = newPath();
    const log = must(await opening(path, { patience: 30 }));
    await appendTo(log, 's', someEvents('a', 2));
    // Another program that keeps SQLite's write lock.
    const other = new Libsql(path);
    other.exec('BEGIN IMMEDIATE');
    const results = await Promise.all(['x', 'y'].map((name) => log.append(name, 'noStream', [anEvent(name)])()));
    for (const result of results) expect(refusal(result)).toMatchObject({ tag: 'Locked', where: path });
    other.exec('ROLLBACK');
    other.close();
    must(await log.append('x', 'noStream', [anEvent('x')])());
    expect((await log.head()).size).toBe(3);
    await log.close();
    isClosedHere(path);
  });

  it('is told where the lock file is something else', async () => {
    const path = newPath();
    writeFileSync(`${path}.lock`, 'scribble '.repeat(100));
    const error = await refused(path, { patience: 30 });
    expect(error).toMatchObject({ tag: 'Locked', where: `${path}.lock`, holder: expect.stringContaining('Delete it') });
    expect(statSync(`${path}.lock`).size).toBe(900);
  });

  it('ends the waiting for an opening that is given up', async () => {
    const path = newPath();
    const other = new Libsql(`${path}.lock`);
    other.exec('BEGIN EXCLUSIVE');
    const stop = new AbortController();
    stop.abort();
    expect(await refused(path, { signal: stop.signal })).toMatchObject({ tag: 'Locked', where: `${path}.lock` });
    other.exec('ROLLBACK');
    other.close();
  });
});

describe('a lock file that is left over', () => {
  it('of a process that was killed holds nobody up', async () => {
    const { dist, env } = built();
    const path = newPath();
    const child = startChild(
      withLog(dist, path, `await open(); writeSync(1, 'open\\n'); setInterval(() => {}, 1000);`),
      env,
    );
    await child.said(1);
    expect(existsSync(`${path}.lock`)).toBe(true);
    child.kill();
    await child.ended;
    const log = must(await opening(path, { patience: 0, collects: 'alone' }));
    await appendTo(log, 's', someEvents('a', 1));
    await log.close();
    isClosed(path);
  });
});
