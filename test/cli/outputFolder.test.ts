import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stop } from '../../src/cli/faults';
import { mustBeFree, writeWhole } from '../../src/cli/outputFolder';
import { newFolder, removeFolders } from '../support/ledgerFile';

afterAll(removeFolders);

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const provenance = ['provenance.json', bytes('{"tripost":"export"}')] as const;
const files = (text: string): ReadonlyMap<string, Uint8Array> => new Map([provenance, ['data/a.txt', bytes(text)]]);

/** One file is where another one needs a folder: writing ends in the middle. */
const impossible: ReadonlyMap<string, Uint8Array> = new Map([
  provenance,
  ['data', bytes('x')],
  ['data/a.txt', bytes('y')],
]);

const faultOf = (work: () => void): string => {
  try {
    work();
  } catch (failure) {
    if (failure instanceof Stop) return failure.fault.tag;
    throw failure;
  }
  return 'none';
};

describe('writing a folder', () => {
  it('makes the folders above it, and leaves nothing else', () => {
    const at = newFolder();
    const to = join(at, 'deep', 'out');
    writeWhole(to, files('one'), false);
    expect(readFileSync(join(to, 'data/a.txt'), 'utf8')).toBe('one');
    expect(readdirSync(join(at, 'deep'))).toEqual(['out']);
  });

  it('that fails leaves nothing, and what was there before as it was', () => {
    const at = newFolder();
    const to = join(at, 'out');
    expect(faultOf(() => writeWhole(to, impossible, false))).toBe('OutputUnwritable');
    expect(readdirSync(at)).toEqual([]);
    writeWhole(to, files('one'), false);
    expect(faultOf(() => writeWhole(to, impossible, true))).toBe('OutputUnwritable');
    expect(readdirSync(at)).toEqual(['out']);
    expect(readFileSync(join(to, 'data/a.txt'), 'utf8')).toBe('one');
  });

  it('replaces an export whole: a file that it has no more is gone', () => {
    const to = join(newFolder(), 'out');
    writeWhole(to, new Map([...files('one'), ['old.txt', bytes('')]]), false);
    expect(faultOf(() => writeWhole(to, files('two'), false))).toBe('WouldOverwrite');
    writeWhole(to, files('two'), true);
    expect(readFileSync(join(to, 'data/a.txt'), 'utf8')).toBe('two');
    expect(existsSync(join(to, 'old.txt'))).toBe(false);
  });
});

describe('a path that is taken', () => {
  const taken = (make: (path: string) => void): string => {
    const path = join(newFolder(), 'out');
    make(path);
    return path;
  };
  it.each<[string, string]>([
    ['a file', taken((path) => writeFileSync(path, ''))],
    ['an empty folder', taken((path) => mkdirSync(path))],
    ['a link to nothing', taken((path) => symlinkSync('/nowhere', path))],
    [
      'a folder with some other provenance.json',
      taken((path) => {
        mkdirSync(path);
        writeFileSync(join(path, 'provenance.json'), '{"tripost": 1}');
      }),
    ],
  ])('by %s is refused, forced or not', (_, path) => {
    expect([false, true].map((force) => faultOf(() => mustBeFree(path, force)))).toEqual([
      'WouldOverwrite',
      'WouldOverwrite',
    ]);
  });
});
