import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as TE from 'fp-ts/TaskEither';
import { sha256, sha256OfPieces, type Digest } from '../../../events/digest';
import type { BlobError, BlobStore } from '../../ports/blobStore';

const digestName = /^[0-9a-f]{64}$/;
const folderName = /^[0-9a-f]{2}$/;

const hasFields = (u: unknown): u is Readonly<Record<string, unknown>> => typeof u === 'object' && u !== null;

/** Not `instanceof Error`: an error may come from another realm (jest runs tests in one of their own). */
const field = (failure: unknown, name: 'code' | 'message'): string => {
  const found = hasFields(failure) ? failure[name] : undefined;
  return typeof found === 'string' ? found : '';
};

const codeOf = (failure: unknown): string => field(failure, 'code');

/** Thrown inside the adapter only, to leave a task with a finding that is no file-system error. */
class Finding extends Error {
  constructor(readonly error: BlobError) {
    super(error.tag);
  }
}

const toBlobError =
  (digest: Digest, where: string, missing: boolean) =>
  (failure: unknown): BlobError => {
    if (failure instanceof Finding) return failure.error;
    const code = codeOf(failure);
    const message = field(failure, 'message') || String(failure);
    if (missing && code === 'ENOENT') return { tag: 'BlobMissing', digest, where };
    if (code === 'ENOSPC' || code === 'EDQUOT') return { tag: 'BlobNoSpace', digest, where, message };
    return { tag: 'BlobUnavailable', digest, where, message };
  };

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Written beside the target, made durable, then renamed: a reader sees the whole blob or none, also after kill -9. */
const writeBlob = async (folder: string, file: string, pieces: readonly Uint8Array[]): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o444);
    try {
      // Each goes on where the last one ended.
      for (const piece of pieces) await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (failure) {
    await rm(temporary, { force: true });
    throw failure;
  }
  await syncFolder(folder);
};

/** The same for what comes in pieces. Its digest, and so its name, is known at the end. */
const writePieces = async (
  folder: string,
  fileOf: (digest: Digest) => string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<Digest> => {
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `incoming.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
  const hash = createHash('sha256');
  try {
    const handle = await open(temporary, 'wx', 0o444);
    try {
      for await (const piece of pieces) {
        hash.update(piece);
        await handle.writeFile(piece);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    const digest = hash.digest('hex');
    const file = fileOf(digest);
    await mkdir(dirname(file), { recursive: true });
    await rename(temporary, file);
    await syncFolder(dirname(file));
    return digest;
  } catch (failure) {
    await rm(temporary, { force: true });
    throw failure;
  }
};

const hasBytes = async (file: string, digest: Digest): Promise<boolean> => {
  try {
    return sha256(await readFile(file)) === digest;
  } catch (failure) {
    if (codeOf(failure) === 'ENOENT') return false;
    throw failure;
  }
};

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).sort();
  } catch (failure) {
    if (codeOf(failure) === 'ENOENT') return [];
    throw failure;
  }
};

/** Where a blob lies in a store's folder. */
export const blobFile = (folder: string, digest: Digest): string => join(folder, digest.slice(0, 2), digest);

/**
 * Content-addressed files: `<folder>/ab/ab12…` holds the bytes whose SHA-256 is ab12…, so `sha256sum` checks a store
 * without this program. The folder is made by the first write. Putting a blob again repairs one that was damaged.
 */
export const openFileBlobStore = (options: { readonly folder: string }): BlobStore => {
  const fileOf = (digest: Digest): string => blobFile(options.folder, digest);
  const sizeOf = async (digest: Digest): Promise<number | undefined> => {
    if (!digestName.test(digest)) return undefined;
    return stat(fileOf(digest)).then(
      (found) => (found.isFile() ? found.size : undefined),
      () => undefined,
    );
  };
  const putPieces: BlobStore['putPieces'] = (pieces) => {
    const digest = sha256OfPieces(pieces);
    const file = fileOf(digest);
    const write = async (): Promise<Digest> => {
      if (!(await hasBytes(file, digest))) await writeBlob(dirname(file), file, pieces);
      return digest;
    };
    return TE.tryCatch(write, toBlobError(digest, file, false));
  };
  return {
    put: (bytes) => putPieces([bytes]),
    putPieces,
    putStream: (pieces) => async () => {
      let thrown: { readonly failure: unknown } | undefined;
      const watched = async function* (): AsyncGenerator<Uint8Array> {
        try {
          yield* pieces;
        } catch (failure) {
          thrown = { failure };
          throw failure;
        }
      };
      const write = (): Promise<Digest> => writePieces(options.folder, fileOf, watched());
      const written = await TE.tryCatch(write, toBlobError('', options.folder, false))();
      if (thrown !== undefined) throw thrown.failure;
      return written;
    },
    get: (digest) => {
      const file = fileOf(digest);
      const read = async (): Promise<Uint8Array> => {
        if (!digestName.test(digest)) throw new Finding({ tag: 'BlobMissing', digest, where: options.folder });
        const bytes = await readFile(file);
        const got = sha256(bytes);
        if (got !== digest) throw new Finding({ tag: 'BlobDamaged', digest, got, where: file });
        return bytes;
      };
      return TE.tryCatch(read, toBlobError(digest, file, true));
    },
    has: async (digest) => (await sizeOf(digest)) !== undefined,
    size: sizeOf,
    remove: (digest) => {
      const file = fileOf(digest);
      const remove = async (): Promise<void> => {
        if (!digestName.test(digest)) return;
        try {
          await rm(file);
        } catch (failure) {
          if (codeOf(failure) !== 'ENOENT') throw failure;
          return;
        }
        await syncFolder(dirname(fileOf(digest)));
      };
      return TE.tryCatch(remove, toBlobError(digest, file, false));
    },
    list: async function* () {
      for (const folder of await namesIn(options.folder)) {
        if (!folderName.test(folder)) continue;
        for (const name of await namesIn(join(options.folder, folder))) if (digestName.test(name)) yield name;
      }
    },
  };
};
