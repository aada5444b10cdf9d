import * as E from 'fp-ts/Either';
import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import type { BlobStore } from '../../src/ports/blobStore';
import { collect, must } from '../support/events';

/** Everything a blob store must do, for any adapter. */
export const blobStoreContract = (name: string, open: () => Promise<BlobStore>): void => {
  describe(`BlobStore contract: ${name}`, () => {
    it('gives back what was put, by its SHA-256', async () => {
      const store = await open();
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
          const digest = must(await store.put(bytes)());
          expect(digest).toBe(sha256(bytes));
          expect(Buffer.from(must(await store.get(digest)())).equals(bytes)).toBe(true);
          expect(await store.has(digest)).toBe(true);
          expect(await store.size(digest)).toBe(bytes.length);
        }),
        { numRuns: 30 },
      );
    });

    it('takes a blob in pieces as it takes the whole', async () => {
      const store = await open();
      await fc.assert(
        fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 }), async (pieces) => {
          const whole = Buffer.concat(pieces);
          expect(must(await store.putPieces(pieces)())).toBe(sha256(whole));
          expect(Buffer.from(must(await store.get(sha256(whole))())).equals(whole)).toBe(true);
        }),
        { numRuns: 30 },
      );
    });

    it('takes a stream of pieces, however it is cut', async () => {
      const store = await open();
      await fc.assert(
        fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 }), async (pieces) => {
          const bytes = Buffer.concat(pieces);
          const inPieces = async function* (): AsyncGenerator<Uint8Array> {
            yield* pieces;
          };
          expect(must(await store.putStream(inPieces())())).toBe(sha256(bytes));
          expect(Buffer.from(must(await store.get(sha256(bytes))())).equals(bytes)).toBe(true);
        }),
        { numRuns: 30 },
      );
    });

    it('keeps nothing of pieces that end in a failure, and throws it on', async () => {
      const store = await open();
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half');
        throw new Error('the source failed');
      };
      await expect(store.putStream(failing())()).rejects.toThrow('the source failed');
      expect(await collect(store.list())).toEqual([]);
      expect(await store.has(sha256('half'))).toBe(false);
    });

    it('takes the same bytes again as a no-op, also at the same time', async () => {
      const store = await open();
      const bytes = Buffer.alloc(100_000, 7);
      const digests = (await Promise.all([1, 2, 3, 4].map(() => store.put(bytes)()))).map(must);
      expect(new Set(digests).size).toBe(1);
      expect(await collect(store.list())).toEqual([sha256(bytes)]);
    });

    it('lists what it has, sorted', async () => {
      const store = await open();
      expect(await collect(store.list())).toEqual([]);
      const digests = [];
      for (let i = 0; i < 20; i++) digests.push(must(await store.put(Buffer.from(`blob ${i}`))()));
      expect(await collect(store.list())).toEqual(digests.sort());
    });

    it('says what is missing, also for what is no digest at all', async () => {
      const store = await open();
      for (const digest of [sha256('never put'), 'abc', '../../etc/passwd', '']) {
        expect(await store.has(digest)).toBe(false);
        expect(await store.size(digest)).toBeUndefined();
        expect(await store.get(digest)()).toMatchObject(E.left({ tag: 'BlobMissing', digest }));
      }
    });

    it('removes a blob and no other one; what is not there is none already, also what is no digest at all', async () => {
      const store = await open();
      const [kept, gone] = [Buffer.from('kept'), Buffer.from('gone')];
      for (const bytes of [kept, gone]) must(await store.put(bytes)());
      for (const digest of [sha256(gone), sha256(gone), sha256('never put'), 'abc', '../../etc/passwd', ''])
        expect(await store.remove(digest)()).toEqual(E.right(undefined));
      expect(await collect(store.list())).toEqual([sha256(kept)]);
      expect(await store.has(sha256(gone))).toBe(false);
      expect(await store.get(sha256(gone))()).toMatchObject(E.left({ tag: 'BlobMissing' }));
      expect(must(await store.put(gone)())).toBe(sha256(gone));
      expect(Buffer.from(must(await store.get(sha256(gone))())).toString()).toBe('gone');
    });

    it('gives each reader its own copy', async () => {
      const store = await open();
      const bytes = Buffer.from('mine');
      const digest = must(await store.put(bytes)());
      bytes[0] = 0;
      must(await store.get(digest)())[1] = 0;
      expect(Buffer.from(must(await store.get(digest)())).toString()).toBe('mine');
    });
  });
};
