import * as E from 'fp-ts/Either';
import { sha256, type Digest } from '../../../events/digest';
import type { BlobError, BlobStore } from '../../ports/blobStore';

/** Blobs in memory: the reference for tests. Bytes are copied in and out. */
export const memoryBlobStore = (): BlobStore => {
  const blobs = new Map<Digest, Uint8Array>();
  const putPieces: BlobStore['putPieces'] = (pieces) => async () => {
    const bytes = Uint8Array.from(Buffer.concat(pieces));
    const digest = sha256(bytes);
    if (!blobs.has(digest)) blobs.set(digest, bytes);
    return E.right(digest);
  };
  return {
    put: (bytes) => putPieces([bytes]),
    putPieces,
    putStream: (pieces) => async () => {
      const all: Uint8Array[] = [];
      for await (const piece of pieces) all.push(Uint8Array.from(piece));
      const bytes = Buffer.concat(all);
      const digest = sha256(bytes);
      if (!blobs.has(digest)) blobs.set(digest, bytes);
      return E.right(digest);
    },
    get: (digest) => async (): Promise<E.Either<BlobError, Uint8Array>> => {
      const bytes = blobs.get(digest);
      return bytes === undefined ? E.left({ tag: 'BlobMissing', digest, where: 'memory' }) : E.right(bytes.slice());
    },
    has: async (digest) => blobs.has(digest),
    size: async (digest) => blobs.get(digest)?.length,
    remove: (digest) => async () => {
      blobs.delete(digest);
      return E.right(undefined);
    },
    list: async function* () {
      yield* [...blobs.keys()].sort();
    },
  };
};
