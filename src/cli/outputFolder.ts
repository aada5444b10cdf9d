import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { provenanceFile } from '../export/provenanceFile';
import { stop } from './faults';
import { writing } from './inputFile';

/** Whether anything is there, be it a link to nothing; a path below a file cannot be written. */
const exists = (path: string): boolean => writing(path, () => lstatSync(path, { throwIfNoEntry: false }) !== undefined);

/** Whether a folder is an export of ours: nothing else is ever replaced. */
const isExport = (folder: string): boolean => {
  try {
    const value: unknown = JSON.parse(readFileSync(join(folder, provenanceFile), 'utf8'));
    return typeof value === 'object' && value !== null && 'tripost' in value && value.tripost === 'export';
  } catch {
    return false;
  }
};

/** Refuses a path that is taken; with `force`, one that is not an export either. */
export const mustBeFree = (folder: string, force: boolean): void => {
  if (!exists(folder) || (force && isExport(folder))) return;
  const message = force
    ? 'it is no export of tripost, and --force replaces nothing else'
    : 'it is there already; --force replaces an export';
  stop({ tag: 'WouldOverwrite', path: folder, message });
};

/**
 * Writes a folder as a whole: under another name beside it, then renamed. What was there before goes last, so a crash leaves
 * the old folder or the new one, under its own name or as `<folder>.<process>.old`.
 */
export const writeWhole = (folder: string, files: ReadonlyMap<string, Uint8Array>, force: boolean): void => {
  mustBeFree(folder, force);
  const fresh = `${folder}.${process.pid}.tmp`;
  const old = `${folder}.${process.pid}.old`;
  try {
    writing(folder, () => {
      mkdirSync(fresh, { recursive: true });
      for (const [path, bytes] of files) {
        mkdirSync(dirname(join(fresh, path)), { recursive: true });
        writeFileAtomic.sync(join(fresh, path), Buffer.from(bytes));
      }
    });
    // Looked at again: somebody may have been faster.
    mustBeFree(folder, force);
    writing(folder, () => {
      const replaced = exists(folder);
      if (replaced) renameSync(folder, old);
      renameSync(fresh, folder);
      if (replaced) rmSync(old, { recursive: true });
    });
  } catch (failure) {
    rmSync(fresh, { recursive: true, force: true });
    throw failure;
  }
};
