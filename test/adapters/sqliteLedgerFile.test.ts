import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as E from 'fp-ts/Either';
import { connect, integer } from '../../src/adapters/sqlite/connection';
import { openSqliteLog } from '../../src/adapters/sqlite/eventLog';
import type { StoreError } from '../../src/ports/eventLog';
import { anEvent, appendTo, collect, must, namesOf, refusal, someEvents, testClock } from '../support/events';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';
import { runSql } from '../support/rawSql';

afterAll(removeFolders);

const newPath = (): string => join(newFolder(), 'ledger.db');
const filesOf = (path: string): readonly string[] => readdirSync(dirname(path)).sort();
const bytesOf = (path: string): string => readFileSync(path).toString('hex');

const refusedToOpen = async (path: string, mode: 'read' | 'write'): Promise<StoreError> => {
  const opened = await openSqliteLog({ path, mode, now: testClock() })();
  if (E.isRight(opened)) throw new Error(`expected ${path} to be refused`);
  return opened.left;
};

/** What the head table says: how many events, and where the last one is. */
const headIn = (path: string): readonly number[] | undefined => {
  const connection = connect(path, 'read');
  try {
    return connection.query('SELECT size, last_position FROM head').get()?.map(integer);
  } finally {
    connection.close();
  }
};

/** A closed ledger with five events. */
const closed = async (): Promise<string> => {
  const path = newPath();
  const log = await openLedger(path);
  await appendTo(log, 's', someEvents('a', 5));
  await log.close();
  return path;
};

describe('a closed ledger', () => {
  it('is one plain file with its digest beside it, which sha256sum checks', async () => {
    const path = await closed();
    expect(filesOf(path)).toEqual(['ledger.db', 'ledger.db.sha256']);
    const said = execFileSync('sha256sum', ['-c', 'ledger.db.sha256'], { cwd: dirname(path) }).toString();
    expect(said).toBe('ledger.db: OK\n');
  });

  it('can be read with any SQLite tool, a row per event, the data as JSON', async () => {
    const path = await closed();
    if (spawnSync('sqlite3', ['-version']).error !== undefined) return;
    const sql = `SELECT position, stream, revision, type, json_extract(data, '$.name') FROM events WHERE revision = 4`;
    expect(execFileSync('sqlite3', [path, sql]).toString()).toBe('5|s|4|Noted|a-4\n');
    expect(execFileSync('sqlite3', [path, 'SELECT size FROM head; PRAGMA integrity_check']).toString()).toBe('5\nok\n');
  });

  it('stops UPDATE and DELETE from other tools', async () => {
    const path = await closed();
    expect(() => runSql(path, 'UPDATE events SET data = 1')).toThrow('events are never changed');
    expect(() => runSql(path, 'DELETE FROM events')).toThrow('events are never deleted');
    expect(() => runSql(path, 'DELETE FROM head')).toThrow('the head is never deleted');
  });

  it('keeps its bytes when it is read, or opened for writing without a write', async () => {
    const path = await closed();
    const [before, digest] = [bytesOf(path), bytesOf(`${path}.sha256`)];
    for (const mode of ['read', 'write', 'read'] as const) {
      const log = await openLedger(path, mode);
      await collect(log.readAll());
      expect((await log.checkStorage()).ok).toBe(true);
      await log.close();
    }
    expect([bytesOf(path), bytesOf(`${path}.sha256`)]).toEqual([before, digest]);
    expect(filesOf(path)).toEqual(['ledger.db', 'ledger.db.sha256']);
  });

  it('can be read where nothing can be written', async () => {
    const path = await closed();
    chmodSync(path, 0o444);
    chmodSync(dirname(path), 0o555);
    const log = await openLedger(path, 'read');
    expect(await collect(log.readAll())).toHaveLength(5);
    await log.close();
    chmodSync(dirname(path), 0o755);
  });

  it('loses its digest with the first write, and has a new one when closed again', async () => {
    const path = await closed();
    const before = bytesOf(`${path}.sha256`);
    const log = await openLedger(path);
    expect(existsSync(`${path}.sha256`)).toBe(true);
    await appendTo(log, 's', someEvents('b', 1));
    expect(existsSync(`${path}.sha256`)).toBe(false);
    expect((await log.checkStorage()).ok).toBe(true);
    await log.close();
    expect(bytesOf(`${path}.sha256`)).not.toBe(before);
    execFileSync('sha256sum', ['-c', 'ledger.db.sha256'], { cwd: dirname(path) });
  });

  it('goes on where it was', async () => {
    const path = await closed();
    const log = await openLedger(path);
    expect(await log.head()).toEqual({ position: '5', size: 5 });
    expect(must(await log.append('s', 4, [anEvent('next')])())).toMatchObject({ revision: 5, position: '6' });
    await log.close();
  });
});

describe('opening', () => {
  it('makes a ledger for a writer, in a new folder too, and never for a reader', async () => {
    const path = join(newFolder(), 'deep', 'er', 'ledger.db');
    expect(await refusedToOpen(path, 'read')).toEqual({
      tag: 'Unavailable',
      where: path,
      message: 'there is no such file',
    });
    expect(existsSync(path)).toBe(false);
    await (await openLedger(path)).close();
    expect(filesOf(path)).toEqual(['ledger.db', 'ledger.db.sha256']);
  });

  it('takes paths with the characters that URIs and SQL care about', async () => {
    const path = join(newFolder(), `a b?mode=rw#%41'é.db`);
    const log = await openLedger(path);
    await appendTo(log, 's', someEvents('a', 2));
    await log.close();
    const again = await openLedger(path, 'read');
    expect(await collect(again.readAll())).toHaveLength(2);
    await again.close();
  });

  it.each(['read', 'write'] as const)('to %s refuses what is no ledger, and leaves it as it is', async (mode) => {
    const path = newPath();
    writeFileSync(path, 'this is no database\n'.repeat(100));
    const before = bytesOf(path);
    expect(await refusedToOpen(path, mode)).toMatchObject({ tag: 'NotALedger', where: path });
    expect(bytesOf(path)).toBe(before);
    const other = newPath();
    runSql(other, 'CREATE TABLE photos (id INTEGER PRIMARY KEY); PRAGMA user_version = 1');
    const error = await refusedToOpen(other, mode);
    expect(error).toMatchObject({ tag: 'NotALedger', message: expect.stringContaining('it has photos') });
    expect(filesOf(other)).toEqual(['ledger.db']);
  });

  it('refuses a ledger of a schema it does not know', async () => {
    const path = await closed();
    runSql(path, 'PRAGMA user_version = 99');
    const error = await refusedToOpen(path, 'write');
    expect(error).toMatchObject({ tag: 'NotALedger', message: expect.stringContaining('schema 99') });
  });

  it('refuses to write behind a tail that is cut off', async () => {
    const path = await closed();
    runSql(path, 'DROP TRIGGER events_no_delete; DELETE FROM events WHERE position = 5');
    const error = await refusedToOpen(path, 'write');
    expect(error).toMatchObject({
      tag: 'Damaged',
      message: 'the head says 5 events, the last one stored is at position 4',
    });
  });

  it('notices a tail cut off an unclosed ledger but for the last 16 lone events, and any cut off a closed one', async () => {
    const path = newPath();
    const log = await openLedger(path);
    for (const [i, event] of someEvents('a', 30).entries()) await appendTo(log, `s-${i}`, [event]);
    expect(headIn(path)).toEqual([17, 17]);
    const { checks } = await log.checkStorage();
    expect(checks.find(({ name }) => name === 'head')).toMatchObject({
      ok: true,
      message: '30 events; the head, brought up to date when the ledger is closed, knows of the first 17',
    });
    runSql(path, 'DROP TRIGGER events_no_delete; DELETE FROM events WHERE position > 16');
    expect(await refusedToOpen(path, 'write')).toMatchObject({
      tag: 'Damaged',
      message: 'the head says 17 events, the last one stored is at position 16',
    });
    expect(await log.head()).toEqual({ position: '17', size: 17 });
    await log.close();
    const whole = newPath();
    const other = await openLedger(whole);
    for (const [i, event] of someEvents('b', 30).entries()) await appendTo(other, `s-${i}`, [event]);
    await other.close();
    expect(headIn(whole)).toEqual([30, 30]);
  });

  it('refuses to append to what is open for reading', async () => {
    const log = await openLedger(await closed(), 'read');
    const error = refusal(await log.append('s', 4, [anEvent('x')])());
    expect(error).toMatchObject({ tag: 'Unavailable', message: 'the log is open for reading only' });
    await log.close();
  });
});

describe('a writer', () => {
  it('does not keep readers out, and they see what it commits', async () => {
    const path = await closed();
    const writer = await openLedger(path);
    const reader = await openLedger(path, 'read');
    const stop = new AbortController();
    const seen = (async () => {
      const names: unknown[] = [];
      for await (const item of reader.follow({ signal: stop.signal })) {
        if ('tag' in item) continue;
        names.push(...namesOf([item]));
        if (names.length === 65) stop.abort();
      }
      return names;
    })();
    await appendTo(writer, 't', someEvents('b', 60));
    expect((await seen).slice(5)).toEqual(namesOf(await collect(writer.readStream('t'))));
    expect(await reader.head()).toEqual({ position: '65', size: 65 });
    // With a reader there, the writer closes all the same, and the digest is that of the whole ledger.
    await writer.close();
    execFileSync('sha256sum', ['-c', 'ledger.db.sha256'], { cwd: dirname(path) });
    expect(await collect(reader.readAll())).toHaveLength(65);
    await reader.close();
  });
});

describe('trouble on disk', () => {
  it('of a full disk is told as such, and the ledger is whole afterwards', async () => {
    const folder = newFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' });
    } catch {
      return; // This machine lets nobody make a small file system.
    }
    try {
      const log = await openLedger(join(folder, 'ledger.db'));
      let stored = 0;
      let error: unknown;
      for (let i = 0; error === undefined && i < 200; i++) {
        const appended = await log.append(`s-${i}`, 'noStream', [anEvent(`e-${i}`, 'x'.repeat(20_000))])();
        if (E.isLeft(appended)) error = appended.left;
        else stored++;
      }
      expect(error).toMatchObject({ tag: 'NoSpace', where: join(folder, 'ledger.db') });
      expect(await collect(log.readAll())).toHaveLength(stored);
      expect((await log.head()).size).toBe(stored);
      expect((await log.checkStorage()).ok).toBe(true);
      await log.close().catch(() => undefined);
    } finally {
      execFileSync('umount', ['-l', folder]);
    }
  });

  it('of a file swapped for garbage under an open log is told as an error', async () => {
    const path = await closed();
    const { size } = statSync(path);
    const log = await openLedger(path, 'read');
    writeFileSync(path, Buffer.alloc(size, 0x55));
    await expect(collect(log.readAll())).rejects.toThrow(/NotALedger|Damaged/);
    await log.close();
  });
});
