import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { linkedBy, type ReadAt } from '../../../src/cli/cuda/elf';

const reading =
  (bytes: Uint8Array): ReadAt =>
  (offset, length) =>
    bytes.subarray(offset, offset + length);

/** A 64-bit ELF file that has nothing but a program header and a dynamic section: names at file offset 0x200, address 0x5200. */
const elfWith = (names: readonly string[]): Buffer => {
  const file = Buffer.alloc(0x400);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file);
  file.writeBigUInt64LE(0x40n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  const segment = (at: number, type: number, offset: number, address: number, size: number): void => {
    file.writeUInt32LE(type, at);
    file.writeBigUInt64LE(BigInt(offset), at + 8);
    file.writeBigUInt64LE(BigInt(address), at + 16);
    file.writeBigUInt64LE(BigInt(size), at + 32);
  };
  const entries: [number, number][] = [[5, 0x5200]];
  let place = 1;
  for (const name of names) {
    file.write(name, 0x200 + place, 'latin1');
    entries.push([1, place]);
    place += name.length + 1;
  }
  segment(0x40, 1, 0, 0x5000, 0x400);
  segment(0x40 + 56, 2, 0x100, 0x5100, 16 * entries.length);
  entries.forEach(([tag, value], i) => {
    file.writeBigUInt64LE(BigInt(tag), 0x100 + 16 * i);
    file.writeBigUInt64LE(BigInt(value), 0x108 + 16 * i);
  });
  return file;
};

describe('linkedBy', () => {
  it('reads the names of linked libraries, in their order', () => {
    const names = ['libcublasLt.so.12', 'libcudart.so.12', 'libc.so.6'];
    expect(linkedBy(reading(elfWith(names)))).toEqual(names);
  });

  it('reads a real library: the one that onnxruntime-node has for Linux', () => {
    const folder = dirname(require.resolve('onnxruntime-node/package.json'));
    const file = openSync(join(folder, 'bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime.so.1'), 'r');
    try {
      const found = linkedBy((offset, length) => {
        const bytes = Buffer.alloc(length);
        return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
      });
      expect(found).toEqual(expect.arrayContaining(['libstdc++.so.6', 'libc.so.6']));
      expect(found.every((name) => /^[\w.+-]+\.so(\.\d+)*$/.test(name))).toBe(true);
    } finally {
      closeSync(file);
    }
  });

  it('finds nothing in what is no such file, cut off, or has no dynamic section', () => {
    const file = elfWith(['libc.so.6']);
    const without = Buffer.from(file);
    without.writeUInt32LE(4, 0x40 + 56);
    const narrow = Buffer.from(file);
    narrow[4] = 1;
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('#!/bin/sh\n'.repeat(20)),
      file.subarray(0, 0x60),
      without,
      narrow,
    ])
      expect(linkedBy(reading(bytes))).toEqual([]);
  });
});
