import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import { openFileBlobStore } from '../../src/adapters/files/blobStore';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { blobStoreContract } from '../contracts/blobStore.contract';
import { collect, must } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

afterAll(removeFolders);

blobStoreContract('memory', async () => memoryBlobStore());
blobStoreContract('files', async () => openFileBlobStore({ folder: join(newFolder(), 'blobs') }));

describe('a blob store in files', () => {
  const bytes = Buffer.from('weights');
  const digest = sha256(bytes);

  it('keeps a blob in one read-only file that sha256sum can check, and nothing else', async () => {
    const folder = newFolder();
    must(await openFileBlobStore({ folder }).put(bytes)());
    const inside = join(folder, digest.slice(0, 2));
    expect(readdirSync(inside)).toEqual([digest]);
    expect(statSync(join(inside, digest)).mode & 0o222).toBe(0);
    expect(execFileSync('sha256sum', [join(inside, digest)]).toString()).toContain(digest);
  });

  it('notices a changed blob, and putting it again repairs it', async () => {
    const folder = newFolder();
    const store = openFileBlobStore({ folder });
    must(await store.put(bytes)());
    const file = join(folder, digest.slice(0, 2), digest);
    chmodSync(file, 0o644);
    writeFileSync(file, 'weighty');
    expect(await store.get(digest)()).toEqual(
      E.left({ tag: 'BlobDamaged', digest, got: sha256('weighty'), where: file }),
    );
    must(await store.put(bytes)());
    expect(must(await store.get(digest)())).toEqual(bytes);
    expect(readFileSync(file, 'utf8')).toBe('weights');
  });

  it('does not list what a killed writer left behind', async () => {
    const folder = newFolder();
    const store = openFileBlobStore({ folder });
    must(await store.put(bytes)());
    writeFileSync(join(folder, digest.slice(0, 2), `${digest}.123.abc.tmp`), 'half');
    writeFileSync(join(folder, 'README'), 'hello');
    expect(await collect(store.list())).toEqual([digest]);
  });

  it('writes pieces beside the blobs until they are whole, and leaves nothing of a failure', async () => {
    const folder = newFolder();
    const store = openFileBlobStore({ folder });
    const seen: (readonly string[])[] = [];
    const pieces = async function* (fails: boolean): AsyncGenerator<Uint8Array> {
      yield bytes;
      seen.push(readdirSync(folder));
      if (fails) throw new Error('stopped');
    };
    await expect(store.putStream(pieces(true))()).rejects.toThrow('stopped');
    expect(readdirSync(folder)).toEqual([]);
    expect(must(await store.putStream(pieces(false))())).toBe(digest);
    expect(seen.map((names) => names.map((name) => /^incoming\..*\.tmp$/.test(name)))).toEqual([[true], [true]]);
    expect(readdirSync(folder)).toEqual([digest.slice(0, 2)]);
    expect(statSync(join(folder, digest.slice(0, 2), digest)).mode & 0o222).toBe(0);
  });

  it('says that it cannot write', async () => {
    const folder = join(newFolder(), 'a file');
    writeFileSync(folder, '');
    const refused = await openFileBlobStore({ folder }).put(bytes)();
    expect(refused).toMatchObject(E.left({ tag: 'BlobUnavailable', digest }));
  });

  it('says that there is no space', async () => {
    // A file system of 64 KiB, where the machine lets us make one; otherwise there is nothing to test here.
    const folder = newFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'pipe' });
    } catch {
      return;
    }
    try {
      const big = Buffer.alloc(200_000, 1);
      const refused = await openFileBlobStore({ folder: join(folder, 'blobs') }).put(big)();
      expect(refused).toMatchObject(E.left({ tag: 'BlobNoSpace', digest: sha256(big) }));
      expect(await collect(openFileBlobStore({ folder: join(folder, 'blobs') }).list())).toEqual([]);
    } finally {
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
