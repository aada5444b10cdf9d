import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const fixtures = join(__dirname, '..', '..', 'fixtures');

export const updating = (): boolean => {
  if (process.env['UPDATE_GOLDEN'] !== '1') return false;
  if (process.env['CI']) throw new Error('UPDATE_GOLDEN is for a developer machine; CI only compares.');
  return true;
};

/** Compares `text` with fixtures/<path>; UPDATE_GOLDEN=1 rewrites it, which CI forbids. */
export const expectGolden = (path: string, text: string): void => {
  const file = join(fixtures, path);
  if (updating()) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  if (!existsSync(file)) {
    throw new Error(`No golden file fixtures/${path}. Read the output, then run UPDATE_GOLDEN=1 npm test.`);
  }
  expect(text).toBe(readFileSync(file, 'utf8'));
};

/** As `expectGolden`, but a file that is there is never rewritten: for what was written once and must stay readable. */
export const expectGoldenOnce = (path: string, text: string): void => {
  if (updating() && existsSync(join(fixtures, path))) expect(text).toBe(readFileSync(join(fixtures, path), 'utf8'));
  else expectGolden(path, text);
};
