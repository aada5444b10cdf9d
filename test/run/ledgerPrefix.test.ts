import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { rootOf } from '../../src/ledger/seal';
import type { EventLog } from '../../src/ports/eventLog';
import { derive } from '../../src/run/derive';
import { LedgerPrefix } from '../../src/run/ledgerPrefix';
import { anySpecs, interleaved, ledgerOf } from '../projections/arbitraryLedger';
import { preset } from '../projections/policyFiles';
import { must, testClock } from '../support/events';
import { appendAll } from '../support/logOf';
import { smallLedger } from '../support/smallLedger';

const requests = [
  { policy: preset('tripost-no-balance'), seed: 1, scope: {} },
  { policy: preset('tripost-aggregate'), seed: 2, scope: { runId: 'run-a', iteration: 2 } },
];

/** A log that counts what is read of it for folding; the reading breaks off when it comes to `broken`. */
const watched = (log: EventLog, broken?: string) => {
  const read: string[] = [];
  const watching: EventLog = {
    ...log,
    readPages: async function* (options) {
      for await (const page of log.readPages(options)) {
        read.push(...page.map(({ position }) => position));
        if (page.some(({ position }) => position === broken) && read.length <= page.length)
          throw new Error('the disk is gone');
        yield page;
      }
    },
  };
  return { log: watching, read };
};

describe('a prefix that is kept', () => {
  it('gives what reading the whole ledger anew gives, however the ledger grew in between', async () => {
    let rows = 0;
    const cuts = fc.array(fc.nat(), { maxLength: 4 });
    const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(anySpecs, picks, cuts, async (specs, order, at) => {
        const events = interleaved(ledgerOf(specs).events, order);
        const ends = [...at.map((cut) => cut % (events.length + 1)).sort((a, b) => a - b), events.length];
        const log = openMemoryLog({ now: testClock() });
        const blobs = memoryBlobStore();
        const prefix = new LedgerPrefix(log);
        let from = 0;
        for (const end of ends) {
          await appendAll(log, events.slice(from, end));
          from = end;
          for (const request of requests) {
            const { root, size } = await rootOf(log);
            const kept = must(await derive(request, { log, blobs, prefix }));
            expect(must(await derive(request, { log, blobs })).event).toEqual(kept.event);
            expect(kept.manifest.ledger).toEqual({ root, size });
            rows += kept.manifest.rows;
          }
        }
      }),
      { numRuns: 60 },
    );
    expect(rows).toBeGreaterThan(0);
  });

  it('reads no event twice', async () => {
    const plain = openMemoryLog({ now: testClock() });
    const { log, read } = watched(plain);
    const prefix = new LedgerPrefix(log);
    const { events } = smallLedger();
    await appendAll(plain, events.slice(0, 30));
    for (const request of requests) must(await derive(request, { log, blobs: memoryBlobStore(), prefix }));
    await appendAll(plain, events.slice(30));
    for (const request of requests) must(await derive(request, { log, blobs: memoryBlobStore(), prefix }));
    expect(new Set(read).size).toBe(read.length);
    expect(read.length).toBeGreaterThanOrEqual(events.length);
  });

  it('serves one derivation at a time: two at once give what they give alone', async () => {
    const log = openMemoryLog({ now: testClock() });
    await appendAll(log, smallLedger().events);
    const blobs = memoryBlobStore();
    const prefix = new LedgerPrefix(log);
    const together = await Promise.all(requests.map((request) => derive(request, { log, blobs, prefix })));
    for (const [i, request] of requests.entries())
      expect(must(await derive(request, { log, blobs })).event).toEqual(together.map(must)[i]?.event);
  });

  it('starts anew after a reading that failed', async () => {
    const plain = openMemoryLog({ now: testClock() });
    await appendAll(plain, smallLedger().events);
    const { log } = watched(plain, '7');
    const prefix = new LedgerPrefix(log);
    const seen = () => prefix.use(async ({ tree }) => ({ size: tree.size(), root: tree.root() }));
    await expect(seen()).rejects.toThrow('the disk is gone');
    expect(must(await seen())).toEqual(await rootOf(plain));
    must(await plain.append('new', 'noStream', [{ id: 'x', type: 'Unheard', version: 1, data: {}, meta: {} }])());
    expect(await seen()).toMatchObject(E.left({ tag: 'UnknownType' }));
    expect(await seen()).toMatchObject(E.left({ tag: 'UnknownType' }));
  });

  it('is free again after work that failed', async () => {
    const log = openMemoryLog({ now: testClock() });
    const prefix = new LedgerPrefix(log);
    const failing = prefix.use(() => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(must(await prefix.use(({ tree }) => Promise.resolve(tree.size())))).toBe(0);
  });
});
