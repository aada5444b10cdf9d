import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { linkedBy } from './elf';

/** What is asked of the machine to find CUDA; tests give machines of their own. */
export interface Outside {
  /** As Node names them: `linux`, `x64`. */
  readonly platform: string;
  readonly arch: string;
  readonly variable: (name: string) => string | undefined;
  /** Text of a file; undefined where it cannot be read. */
  readonly text: (path: string) => string | undefined;
  /** Names in a folder; none where there is no such folder. */
  readonly names: (folder: string) => readonly string[];
  /** Where a path leads after its links; undefined where nothing is. */
  readonly realPath: (path: string) => string | undefined;
  /** Shared libraries that a file links. */
  readonly links: (path: string) => readonly string[];
  /** What a command writes to stdout; undefined where it is not there or fails. */
  readonly output: (command: string, args: readonly string[]) => string | undefined;
}

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

const linksOf = (path: string): readonly string[] => {
  const file = openSync(path, 'r');
  try {
    return linkedBy((offset, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
    });
  } finally {
    closeSync(file);
  }
};

/** A command that asks a driver may hang with it. */
const longest = { timeout: 10_000 };

export const thisMachine: Outside = {
  platform: process.platform,
  arch: process.arch,
  variable: (name) => process.env[name],
  text: (path) => attempt(() => readFileSync(path, 'utf8')),
  names: (folder) => attempt(() => readdirSync(folder)) ?? [],
  realPath: (path) => attempt(() => realpathSync(path)),
  links: (path) => attempt(() => linksOf(path)) ?? [],
  output: (command, args) =>
    attempt(() =>
      execFileSync(command, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], ...longest }),
    ),
};
