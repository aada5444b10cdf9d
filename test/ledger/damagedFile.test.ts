import { copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { canonicalJson } from '../../events/digest';
import type { RecordedEvent } from '../../events/envelope';
import { the } from '../support/events';
import { copyOf, judge, makeLedger, type Verdict } from '../support/judge';
import { newFolder, removeFolders } from '../support/ledgerFile';
import { runSql } from '../support/rawSql';

afterAll(removeFolders);

let original = '';
let events: readonly RecordedEvent[] = [];
beforeAll(async () => {
  ({ original, events } = await makeLedger());
});

/** Every place in a file where an event's leaf and the beginning of its data stand. */
const placesOf = (bytes: Buffer, event: RecordedEvent): readonly number[] => {
  const row = event.leaf + canonicalJson(event.data).slice(0, 60);
  const places: number[] = [];
  for (let at = bytes.indexOf(row); at >= 0; at = bytes.indexOf(row, at + 1)) places.push(at);
  return places;
};

describe('a damaged file', () => {
  const damaged = async (path: string, bytes: Buffer, offset: number, mask: number): Promise<Verdict> => {
    const copy = Buffer.from(bytes);
    copy[offset] = the(copy[offset]) ^ mask;
    writeFileSync(path, copy);
    return judge(path);
  };

  it('is noticed wherever one byte is changed; nothing is thrown', async () => {
    const path = copyOf(original);
    const bytes = readFileSync(original);
    const missed: number[] = [];
    for (let offset = 0; offset < bytes.length; offset += 401) {
      const { ledger, storageOk } = await damaged(path, bytes, offset, 1 + ((offset * 7) % 255));
      if (storageOk && ledger?.ok !== false) missed.push(offset);
    }
    expect(missed).toEqual([]);
  }, 120_000);

  it('is noticed at random places, any bit', async () => {
    const path = copyOf(original);
    const bytes = readFileSync(original);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (offset, mask) => {
        expect((await damaged(path, bytes, offset, mask)).storageOk).toBe(false);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it('names the event whose text or hash was hit', async () => {
    const path = copyOf(original);
    const bytes = readFileSync(original);
    for (const event of events) {
      const rows = placesOf(bytes, event);
      const found: (string | undefined)[] = [];
      for (const row of rows) {
        for (const hit of [row + 5, row + 64 + 30]) {
          const { ledger, storageOk } = await damaged(path, bytes, hit, 1);
          expect(storageOk).toBe(false);
          if (ledger?.firstDamaged !== null) found.push(ledger?.firstDamaged.id ?? undefined);
        }
      }
      // Both hits in the row itself name it; copies that SQLite left in unused space name nothing, and no other event.
      expect(found).toEqual([event.id, event.id]);
    }
  }, 120_000);

  it('names the event in texts that run over several pages', async () => {
    const path = copyOf(original);
    const bytes = readFileSync(original);
    const named = new Set<string>();
    for (let at = bytes.indexOf('long long'); at >= 0; at = bytes.indexOf('long long', at + 2000)) {
      const { ledger } = await damaged(path, bytes, at, 1);
      if (ledger?.ok === false) named.add(String(ledger.firstDamaged?.id));
    }
    const long = events.filter((event) => canonicalJson(event.data).length > 15_000);
    expect(named).toEqual(new Set(long.map((event) => event.id)));
  }, 60_000);

  it('names an event that SQLite itself cannot read, and the last good one', async () => {
    const path = copyOf(original);
    const bytes = readFileSync(original);
    const event = the(events.find((one) => canonicalJson(one.data).length > 15_000));
    let verdict = await judge(path);
    for (const row of placesOf(bytes, event)) {
      const copy = Buffer.from(bytes);
      // The four bytes that end the row's part on its page name the first of the pages where it goes on.
      copy.writeUInt32BE(0x00ffffff, bytes.indexOf(Buffer.from([0, 0, 0]), row));
      writeFileSync(path, copy);
      verdict = await judge(path);
      if (verdict.ledger?.ok === false) break;
    }
    const { ledger, storage } = verdict;
    const { position, stream, revision, id } = event;
    expect(ledger?.firstDamaged).toMatchObject({ position, stream, revision, id, check: 'read' });
    expect(ledger?.firstDamaged?.got).toContain('SQLite cannot read this part of the file');
    expect(ledger?.lastGood?.position).toBe(String(Number(position) - 1));
    expect(ledger?.root).toBeNull();
    expect(storage).toContain('SQLite finds damage');
  });

  it('that was cut off is noticed, at any length', async () => {
    const path = copyOf(original);
    const { length } = readFileSync(original);
    for (let size = length - 1; size > 0; size -= Math.ceil(length / 23)) {
      copyFileSync(original, path);
      truncateSync(path, size);
      const { storageOk } = await judge(path);
      expect(storageOk).toBe(false);
    }
    writeFileSync(path, '');
    expect((await judge(path)).storage).toContain('the file is empty, but');
  });

  it('that grew is noticed', async () => {
    const path = copyOf(original);
    writeFileSync(path, Buffer.concat([readFileSync(original), Buffer.alloc(512)]));
    expect((await judge(path)).storage).toContain('cut off, or added to');
  });

  it('that is no SQLite database, or another program’s, is said to be no ledger', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'notes.txt'), 'not a ledger\n'.repeat(200));
    expect((await judge(join(folder, 'notes.txt'))).storage).toContain('NotALedger');
    runSql(join(folder, 'other.db'), 'CREATE TABLE photos (id INTEGER PRIMARY KEY)');
    expect((await judge(join(folder, 'other.db'))).storage).toContain('another application');
    expect((await judge(join(folder, 'missing.db'))).storage).toContain('there is no such file');
    expect(existsSync(join(folder, 'missing.db'))).toBe(false);
    mkdirSync(join(folder, 'folder.db'));
    expect((await judge(join(folder, 'folder.db'))).opened).toBe(false);
  });
});
