import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import { createMerkleTree, emptyRoot } from '../../src/ledger/merkle';
import { the } from '../support/events';

/** Leaf data of the test vectors in the certificate-transparency sources, and the root after each of them. */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const leafOf = (data: Uint8Array): string => sha256(Buffer.concat([Buffer.from([0]), data]));

/** RFC 6962, section 2.1, as it is written: split at the largest power of two below n. */
const rootByDefinition = (hashes: readonly string[]): string => {
  if (hashes.length === 0) return sha256('');
  if (hashes.length === 1) return the(hashes[0]);
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  const [left, right] = [rootByDefinition(hashes.slice(0, k)), rootByDefinition(hashes.slice(k))];
  return sha256(Buffer.concat([Buffer.from([1]), Buffer.from(left, 'hex'), Buffer.from(right, 'hex')]));
};

describe('Merkle tree (RFC 6962)', () => {
  it('gives the known roots of the certificate-transparency test vectors', () => {
    const tree = createMerkleTree();
    expect(tree.root()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(tree.root()).toBe(emptyRoot);
    const found = leaves.map((data) => {
      tree.append(leafOf(Buffer.from(data, 'hex')));
      return tree.root();
    });
    expect(found).toEqual(roots);
    expect(tree.size()).toBe(8);
  });

  it('agrees with the recursive definition at every size', () => {
    const tree = createMerkleTree();
    const hashes: string[] = [];
    for (let i = 0; i < 130; i++) {
      hashes.push(leafOf(Buffer.from(`leaf ${i}`)));
      tree.append(the(hashes[i]));
      expect(tree.root()).toBe(rootByDefinition(hashes));
    }
  });

  it('goes on from the subtrees of another tree, at every size', () => {
    const hashes = Array.from({ length: 40 }, (_, i) => leafOf(Buffer.from(`leaf ${i}`)));
    const first = createMerkleTree();
    for (const [size, hash] of hashes.entries()) {
      const further = createMerkleTree(first.subtrees());
      expect([further.size(), further.root()]).toEqual([size, first.root()]);
      for (const each of hashes.slice(size)) further.append(each);
      expect(further.root()).toBe(rootByDefinition(hashes));
      first.append(hash);
    }
  });

  it('has another root when any leaf is another one, missing, or elsewhere', () => {
    const rootOf = (names: readonly string[]): string => {
      const tree = createMerkleTree();
      for (const name of names) tree.append(leafOf(Buffer.from(name)));
      return tree.root();
    };
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 40 }), fc.nat(), (names, at) => {
        const i = at % (names.length - 1);
        const changed = names.with(i, `${names[i]}!`);
        const swapped = names.with(i, the(names[i + 1])).with(i + 1, the(names[i]));
        const root = rootOf(names);
        for (const other of [changed, swapped, names.toSpliced(i, 1)]) expect(rootOf(other)).not.toBe(root);
      }),
    );
  });

  it('refuses what is no leaf hash', () => {
    expect(() => createMerkleTree().append('abc')).toThrow('expected 64 hex characters');
  });
});
