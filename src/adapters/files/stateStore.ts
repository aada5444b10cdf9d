import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StateStore } from '../../ports/stateStore';

/** Saved states as files of one folder, which is made by the first and may be deleted at any time. */
export const openFileStateStore = (options: { readonly folder: string }): StateStore => {
  const fileOf = (name: string): string => join(options.folder, `${name}.json`);
  return {
    load: (name) => readFile(fileOf(name), 'utf8').catch(() => undefined),
    save: async (name, text) => {
      const file = fileOf(name);
      const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
      try {
        await mkdir(options.folder, { recursive: true });
        // Not made durable: what a power cut takes is folded again, and half a file is no saved state.
        await writeFile(temporary, text);
        await rename(temporary, file);
      } catch {
        await rm(temporary, { force: true }).catch(() => undefined);
      }
    },
  };
};
